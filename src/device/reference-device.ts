/** The reference device: float64 in plain TypeScript, at once and without a GPU. It says what every kernel means. */
import type { Device, DeviceInfo, ElementType, MemoryUse, NumberArray, Scope, Shape, Tensor } from './device';
import { InvalidInputError, OutOfMemoryError, throwIfAborted } from './errors';
import type { KernelDefinition } from './kernel';
import { ScopeStack } from './scope-stack';
import { sizeOf } from './tensor';
import { checkData } from './typed-data';

/** Numbers of a reference tensor; `f32` is held in float64. */
export type ReferenceData = Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** How long work may go on before the thread is given free, in milliseconds. */
const turnMs = 30;

/** A tensor in plain memory. */
export class ReferenceTensor implements Tensor {
  readonly device: ReferenceDevice;
  readonly shape: Shape;
  readonly type: ElementType;
  readonly size: number;
  #data: ReferenceData | undefined;

  constructor(device: ReferenceDevice, shape: Shape, type: ElementType, data: ReferenceData) {
    this.device = device;
    this.shape = [...shape];
    this.type = type;
    this.size = data.length;
    this.#data = data;
  }

  /** The elements. Throws `InvalidInputError` once the tensor's scope is closed. */
  get data(): ReferenceData {
    if (this.#data === undefined) {
      throw new InvalidInputError(
        `A tensor of shape [${this.shape.join(', ')}] was used after its scope was closed: keep it with scope.keep().`,
      );
    }
    return this.#data;
  }

  get sizeBytes(): number {
    return this.#data?.byteLength ?? 0;
  }

  /** Gives the memory up; only the scope that owns the tensor calls this. */
  detach(): void {
    this.#data = undefined;
  }

  read(): Promise<NumberArray> {
    return this.device.read(this);
  }
}

/** What all sessions of one reference device share. */
interface SharedMemory {
  readonly budgetBytes: number;
  liveBuffers: number;
  liveBytes: number;
}

/** Runs kernels' float64 references as they are called. */
export class ReferenceDevice implements Device {
  readonly kind = 'reference';
  readonly info: DeviceInfo;
  readonly signal: AbortSignal | undefined;
  #memory: SharedMemory;
  #scopes: ScopeStack<ReferenceTensor>;
  #turnStartMs = performance.now();

  constructor(memory: SharedMemory, signal?: AbortSignal) {
    this.#memory = memory;
    this.signal = signal;
    this.info = {
      kind: 'reference',
      label: 'float64 reference on the CPU',
      vendor: '',
      architecture: '',
      isFallback: true,
      features: [],
      limits: {},
      subgroupSizes: null,
    };
    this.#scopes = new ScopeStack((tensor) => {
      this.#memory.liveBuffers -= 1;
      this.#memory.liveBytes -= tensor.sizeBytes;
      tensor.detach();
    });
  }

  tensor(data: ArrayLike<number>, shape: Shape, type: ElementType = 'f32'): ReferenceTensor {
    checkData(data, shape);
    const tensor = this.empty(shape, type);
    tensor.data.set(data);
    return tensor;
  }

  empty(shape: Shape, type: ElementType = 'f32'): ReferenceTensor {
    throwIfAborted(this.signal);
    const size = sizeOf(shape);
    this.require(size * (type === 'f32' ? 8 : 4), 'This tensor');
    const tensor = new ReferenceTensor(this, shape, type, allocate(size, type));
    this.#memory.liveBuffers += 1;
    this.#memory.liveBytes += tensor.sizeBytes;
    return this.#scopes.own(tensor);
  }

  full(shape: Shape, value: number, type: ElementType = 'f32'): ReferenceTensor {
    const tensor = this.empty(shape, type);
    tensor.data.fill(value);
    return tensor;
  }

  scope(): Scope {
    return this.#scopes.open();
  }

  runKernel<Result>(definition: KernelDefinition<unknown[], Result>, args: unknown[]): Result {
    throwIfAborted(this.signal);
    return definition.reference(this, ...args);
  }

  /** Gives the thread free now and then, so that a cancel can arrive. */
  async flush(): Promise<void> {
    if (performance.now() - this.#turnStartMs > turnMs) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#turnStartMs = performance.now();
    }
    throwIfAborted(this.signal);
  }

  finish(): Promise<void> {
    return this.flush();
  }

  async read(tensor: Tensor): Promise<NumberArray> {
    if (!(tensor instanceof ReferenceTensor))
      throw new InvalidInputError('This tensor belongs to another device: read it there.');
    const copy = tensor.data.slice();
    await this.flush();
    return copy;
  }

  memory(): MemoryUse {
    const { liveBuffers, liveBytes, budgetBytes } = this.#memory;
    return { liveBuffers, liveBytes, pooledBytes: 0, budgetBytes, largestTensorBytes: budgetBytes };
  }

  require(neededBytes: number, what: string): void {
    const availableBytes = this.#memory.budgetBytes - this.#memory.liveBytes;
    if (neededBytes > availableBytes) {
      throw new OutOfMemoryError(
        `${what} needs ${String(neededBytes)} bytes, but ${String(availableBytes)} are left: choose a smaller size.`,
        {
          neededBytes,
          availableBytes,
        },
      );
    }
  }

  session(signal?: AbortSignal): ReferenceDevice {
    return new ReferenceDevice(this.#memory, signal);
  }

  close(): void {
    this.#scopes.closeAll();
  }
}

function allocate(size: number, type: ElementType): ReferenceData {
  switch (type) {
    case 'f32':
      return new Float64Array(size);
    case 'u32':
      return new Uint32Array(size);
    case 'i32':
      return new Int32Array(size);
    default:
      return type satisfies never;
  }
}

/** Opens a reference device; tensors may hold 1 GiB together unless said otherwise. */
export function openReferenceDevice(options: { readonly budgetBytes?: number } = {}): ReferenceDevice {
  return new ReferenceDevice({ budgetBytes: options.budgetBytes ?? 2 ** 30, liveBuffers: 0, liveBytes: 0 });
}
