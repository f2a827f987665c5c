/** The contract that every device keeps, so that an algorithm is written once and runs on any of them. */
import type { ElementType, NumberArray, Shape, Tensor } from './tensor';

/** What a call costs, from its shapes alone. Feeds the cutting of work and the GFLOP/s and GB/s on show. */
export interface Cost {
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: number;
  /** Bytes that have to be moved if everything else were free. */
  readonly bytes: number;
}

/** What a badge or a report says about the device. */
export interface DeviceInfo {
  readonly kind: 'webgpu' | 'reference';
  /** One line for people: vendor, architecture, or why this is the reference device. */
  readonly label: string;
  readonly vendor: string;
  readonly architecture: string;
  /** True for an adapter that runs on the CPU. */
  readonly isFallback: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Lanes of a subgroup, smallest and largest, or null where subgroups are missing. */
  readonly subgroupSizes: readonly [number, number] | null;
}

/** What is allocated right now. */
export interface MemoryUse {
  /** Buffers that belong to a live scope. */
  readonly liveBuffers: number;
  readonly liveBytes: number;
  /** Bytes kept for reuse; they are given up before an allocation is refused. */
  readonly pooledBytes: number;
  /** What this device may hold in all. */
  readonly budgetBytes: number;
  /** The largest single tensor. */
  readonly largestTensorBytes: number;
}

/** Owns what was allocated since it was opened, and frees it when it is disposed of (`using scope = device.scope()`). */
export interface Scope extends Disposable {
  /** Hands a tensor to the enclosing scope, so that it outlives this one. Returns the tensor. */
  keep<T extends Tensor>(tensor: T): T;
}

/**
 * Where tensors live and kernels run. One run has one device object with its own scopes, recording and signal; objects
 * made by `session` share adapter, pipelines and buffer pool. Within a session work is sequential.
 */
export interface Device {
  readonly kind: 'webgpu' | 'reference';
  readonly info: DeviceInfo;
  /** Aborts everything that this session still has to do. */
  readonly signal: AbortSignal | undefined;
  /** Uploads numbers. Throws `InvalidInputError` if their count does not match the shape, `OutOfMemoryError` past the limits. */
  tensor(data: ArrayLike<number>, shape: Shape, type?: ElementType): Tensor;
  /** A tensor whose elements are not set yet (zero on a fresh buffer; do not rely on it). */
  empty(shape: Shape, type?: ElementType): Tensor;
  /** A tensor filled with one value. */
  full(shape: Shape, value: number, type?: ElementType): Tensor;
  /** Opens a scope; everything allocated until it is disposed of belongs to it. */
  scope(): Scope;
  /** Runs what is recorded, in submits of about 50 ms, looking at the signal in between. */
  flush(): Promise<void>;
  /** Runs what is recorded and waits until the device has finished it. */
  finish(): Promise<void>;
  /** Copies elements to the host; several tensors are read in one go. */
  read(tensor: Tensor): Promise<NumberArray>;
  memory(): MemoryUse;
  /** Throws `OutOfMemoryError` if so many bytes more would not fit. */
  require(neededBytes: number, what: string): void;
  /** A device object for one run: own scopes, own recording, own signal. */
  session(signal?: AbortSignal): Device;
  /** Frees everything this session allocated. Safe to call twice. */
  close(): void;
}

export { type ElementType, type NumberArray, type Shape, type Tensor } from './tensor';
