/** The device on WebGPU: kernel calls record, a flush compiles, cuts, submits and checks. One object per run. */
import type { PooledBuffer } from './buffer-pool';
import type { Cost, Device, DeviceInfo, ElementType, MemoryUse, NumberArray, Scope, Shape, Tensor } from './device';
import { InvalidInputError, throwIfAborted, type DeviceLostError } from './errors';
import { GpuContext, type WebGpuOptions } from './gpu-context';
import type { KernelDefinition } from './kernel';
import { CommandQueue, type DispatchCommand, type TimedSubmits } from './command-queue';
import { ScopeStack } from './scope-stack';
import { sizeOf } from './tensor';
import { checkData, toTypedArray } from './typed-data';
import type { Uniforms } from './uniforms';

/** A tensor in a GPU buffer. */
export class GpuTensor implements Tensor {
  readonly device: WebGpuDevice;
  readonly shape: Shape;
  readonly type: ElementType;
  readonly size: number;
  readonly sizeBytes: number;
  #pooled: PooledBuffer | undefined;

  constructor(device: WebGpuDevice, shape: Shape, type: ElementType, pooled: PooledBuffer) {
    this.device = device;
    this.shape = [...shape];
    this.type = type;
    this.size = sizeOf(shape);
    this.sizeBytes = 4 * this.size;
    this.#pooled = pooled;
  }

  /** The buffer. Throws `InvalidInputError` once the tensor's scope is closed. */
  get pooled(): PooledBuffer {
    if (this.#pooled === undefined) {
      throw new InvalidInputError(
        `A tensor of shape [${this.shape.join(', ')}] was used after its scope was closed: keep it with scope.keep().`,
      );
    }
    return this.#pooled;
  }

  /** Gives the buffer up; only the scope that owns the tensor calls this. */
  detach(): PooledBuffer | undefined {
    const pooled = this.#pooled;
    this.#pooled = undefined;
    return pooled;
  }

  read(): Promise<NumberArray> {
    return this.device.read(this);
  }
}

/** What a kernel asks the GPU to do. */
export interface DispatchRequest {
  /** `folder/file` under `shaders/`. */
  readonly shader: string;
  /** `main` unless said otherwise. */
  readonly entryPoint?: string;
  readonly conditions?: Readonly<Record<string, boolean>>;
  readonly constants?: Readonly<Record<string, number>>;
  /** Scalars in the order of the shader's `Params`, after its `origin: vec3u`. */
  readonly uniforms?: Uniforms;
  /** Bound from binding 1 on, read-only. */
  readonly reads: readonly GpuTensor[];
  /** Bound behind the reads. */
  readonly writes: readonly GpuTensor[];
  readonly workgroups: readonly [x: number, y?: number, z?: number];
  /** Which part of the kernel's cost this dispatch is; 1 unless said otherwise. */
  readonly share?: number;
}

/** A session on the GPU: its own scopes, recording and signal over the shared `GpuContext`. */
export class WebGpuDevice implements Device {
  readonly kind = 'webgpu';
  readonly context: GpuContext;
  readonly signal: AbortSignal | undefined;
  #queue: CommandQueue;
  #scopes: ScopeStack<GpuTensor>;
  #call: { readonly kernel: string; readonly cost: Cost } | undefined;
  #closed = false;

  constructor(context: GpuContext, signal?: AbortSignal) {
    this.context = context;
    this.signal = signal;
    this.#queue = new CommandQueue(context, signal);
    this.#scopes = new ScopeStack((tensor) => {
      const pooled = tensor.detach();
      if (pooled !== undefined) this.#queue.releaseWhenSubmitted(pooled);
    });
  }

  get info(): DeviceInfo {
    return this.context.info;
  }

  /** Which variant was measured to be fastest, by kernel and shape class; shared by all sessions. */
  get tuning(): Map<string, string> {
    return this.context.tuning;
  }

  /** Resolves when the GPU device is gone. */
  get lost(): Promise<DeviceLostError> {
    return this.context.lost;
  }

  hasFeature(name: GPUFeatureName): boolean {
    return this.context.gpu.features.has(name);
  }

  tensor(data: ArrayLike<number>, shape: Shape, type: ElementType = 'f32'): GpuTensor {
    checkData(data, shape);
    const tensor = this.empty(shape, type);
    this.#queue.upload(tensor.pooled, toTypedArray(data, type));
    return tensor;
  }

  empty(shape: Shape, type: ElementType = 'f32'): GpuTensor {
    throwIfAborted(this.signal);
    this.context.throwIfLost();
    if (this.#closed) throw new InvalidInputError('This session is closed: open another one to allocate tensors.');
    const tensor = new GpuTensor(this, shape, type, this.context.pool.take(4 * sizeOf(shape)));
    return this.#scopes.own(tensor);
  }

  full(shape: Shape, value: number, type: ElementType = 'f32'): GpuTensor {
    const tensor = this.empty(shape, type);
    const filled = toTypedArray(new Float64Array(value === 0 ? 0 : tensor.size).fill(value), type);
    if (value === 0) this.#queue.clear(tensor.pooled, tensor.sizeBytes);
    else this.#queue.upload(tensor.pooled, filled);
    return tensor;
  }

  scope(): Scope {
    return this.#scopes.open();
  }

  /** Runs a kernel's WebGPU side: its dispatches are recorded under its name and cost. */
  runKernel<Result>(definition: KernelDefinition<unknown[], Result>, args: unknown[]): Result {
    const outer = this.#call;
    this.#call = { kernel: definition.name, cost: definition.cost(...args) };
    try {
      return definition.webgpu(this, ...args);
    } finally {
      this.#call = outer;
    }
  }

  /** Records a dispatch. It runs at the next flush, possibly in pieces. */
  dispatch(request: DispatchRequest): void {
    const { shader, entryPoint = 'main', conditions = {}, constants = {}, uniforms = {}, share = 1 } = request;
    const [x, y = 1, z = 1] = request.workgroups;
    if (![x, y, z].every((count) => Number.isSafeInteger(count) && count >= 1)) {
      throw new InvalidInputError(
        `${shader} was dispatched with [${String(x)}, ${String(y)}, ${String(z)}] workgroups: each must be a positive integer.`,
      );
    }
    const { kernel, cost } = this.#call ?? { kernel: shader, cost: { flops: 0, bytes: 0 } };
    const bind = (tensor: GpuTensor): DispatchCommand['buffers'][number] => ({
      pooled: tensor.pooled,
      sizeBytes: Math.ceil(tensor.sizeBytes / 16) * 16,
    });
    this.#queue.dispatch({
      kernel,
      pipeline: {
        shader,
        entryPoint,
        conditions,
        constants,
        readCount: request.reads.length,
        writeCount: request.writes.length,
      },
      buffers: [...request.reads.map(bind), ...request.writes.map(bind)],
      uniforms,
      workgroups: [x, y, z],
      cost: { flops: cost.flops * share, bytes: cost.bytes * share },
    });
  }

  /** Records a copy of all elements of one tensor into another of the same size. */
  copy(from: GpuTensor, to: GpuTensor): void {
    if (from.size !== to.size)
      throw new InvalidInputError(`Cannot copy ${String(from.size)} elements into ${String(to.size)}.`);
    this.#queue.copy(from.pooled, to.pooled, from.sizeBytes);
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  finish(): Promise<void> {
    return this.#queue.finish();
  }

  async read(tensor: Tensor): Promise<NumberArray> {
    if (!(tensor instanceof GpuTensor) || tensor.device !== this) {
      throw new InvalidInputError('This tensor belongs to another device: read it there.');
    }
    const bytes = await this.#queue.read(tensor.pooled, tensor.sizeBytes);
    switch (tensor.type) {
      case 'f32':
        return new Float32Array(bytes);
      case 'u32':
        return new Uint32Array(bytes);
      case 'i32':
        return new Int32Array(bytes);
      default:
        return tensor.type satisfies never;
    }
  }

  /** Runs what is recorded under GPU timestamps. Undefined where the adapter has none. */
  flushTimed(): Promise<TimedSubmits | undefined> {
    return this.#queue.flushTimed();
  }

  memory(): MemoryUse {
    const { liveBuffers, liveBytes, pooledBytes, budgetBytes, largestBytes } = this.context.pool;
    return { liveBuffers, liveBytes, pooledBytes, budgetBytes, largestTensorBytes: largestBytes };
  }

  require(neededBytes: number, what: string): void {
    this.context.pool.require(neededBytes, what);
  }

  session(signal?: AbortSignal): WebGpuDevice {
    return new WebGpuDevice(this.context, signal);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scopes.closeAll();
    this.#queue.close();
  }

  /** Destroys the GPU device under all sessions. */
  destroy(): void {
    this.context.destroy();
  }
}

/** Opens a GPU device. Throws `UnsupportedError` where there is none. */
export async function openWebGpuDevice(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  return new WebGpuDevice(await GpuContext.open(options));
}
