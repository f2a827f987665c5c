/** GPU buffers by size class: what a scope frees is kept for reuse, up to a budget, and given up before an allocation is refused. */
import { OutOfMemoryError } from './errors';

/** A storage buffer from the pool. Ids are never reused. */
export interface PooledBuffer {
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** The size class, at least what was asked for. */
  readonly sizeBytes: number;
}

const megabyte = 1 << 20;
/** Buffers from this size on are allocated under an out-of-memory scope. */
const checkedSizeBytes = 16 * megabyte;

/** Rounds up to a size class: at most a quarter more than asked for, a multiple of 256. */
function sizeClass(sizeBytes: number): number {
  const rounded = Math.max(256, Math.ceil(sizeBytes / 256) * 256);
  if (rounded <= 4096) return rounded;
  const step = 2 ** Math.floor(Math.log2(rounded)) / 4;
  return Math.ceil(rounded / step) * step;
}

/** Allocates and recycles storage buffers of one GPU device. */
export class BufferPool {
  readonly budgetBytes: number;
  readonly largestBytes: number;
  #device: GPUDevice;
  #free = new Map<number, PooledBuffer[]>();
  #nextId = 1;
  #liveBuffers = 0;
  #liveBytes = 0;
  #pooledBytes = 0;
  #checks: Promise<GPUError | null>[] = [];

  constructor(device: GPUDevice, budgetBytes: number) {
    this.#device = device;
    this.largestBytes = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
    this.budgetBytes = budgetBytes;
  }

  get liveBuffers(): number {
    return this.#liveBuffers;
  }
  get liveBytes(): number {
    return this.#liveBytes;
  }
  get pooledBytes(): number {
    return this.#pooledBytes;
  }

  /** Throws `OutOfMemoryError` if so many bytes more would go past the budget. */
  require(neededBytes: number, what: string): void {
    const availableBytes = Math.max(0, this.budgetBytes - this.#liveBytes);
    if (neededBytes > availableBytes) {
      throw new OutOfMemoryError(
        `${what} needs ${formatMebibytes(neededBytes)} of GPU memory, but ${formatMebibytes(availableBytes)} are left: choose a smaller size.`,
        { neededBytes, availableBytes },
      );
    }
  }

  /** A buffer of at least `sizeBytes`. Throws `OutOfMemoryError` past the largest binding or the budget. */
  take(sizeBytes: number): PooledBuffer {
    if (sizeBytes > this.largestBytes) {
      throw new OutOfMemoryError(
        `One tensor of ${formatMebibytes(sizeBytes)} is more than the ${formatMebibytes(this.largestBytes)} that this device binds at once: choose a smaller size.`,
        { neededBytes: sizeBytes, availableBytes: this.largestBytes },
      );
    }
    this.require(sizeBytes, 'This tensor');
    const classBytes = Math.min(sizeClass(sizeBytes), Math.floor(this.largestBytes / 16) * 16);
    const kept = this.#free.get(classBytes)?.pop();
    if (kept !== undefined) this.#pooledBytes -= classBytes;
    else if (this.#liveBytes + this.#pooledBytes + classBytes > this.budgetBytes) this.trim();
    const pooled = kept ?? this.#create(classBytes);
    this.#liveBuffers += 1;
    this.#liveBytes += classBytes;
    return pooled;
  }

  /** Takes a buffer back. It may still be in use by work that was submitted before: the queue keeps the order. */
  give(pooled: PooledBuffer): void {
    this.#liveBuffers -= 1;
    this.#liveBytes -= pooled.sizeBytes;
    this.#pooledBytes += pooled.sizeBytes;
    const kept = this.#free.get(pooled.sizeBytes);
    if (kept === undefined) this.#free.set(pooled.sizeBytes, [pooled]);
    else kept.push(pooled);
    if (this.#pooledBytes > this.budgetBytes / 4) this.trim();
  }

  /** Destroys what is kept for reuse. */
  trim(): void {
    for (const buffers of this.#free.values()) for (const { buffer } of buffers) buffer.destroy();
    this.#free.clear();
    this.#pooledBytes = 0;
  }

  /** Waits for the large allocations so far; throws `OutOfMemoryError` if the driver refused one. */
  async check(): Promise<void> {
    const checks = this.#checks;
    this.#checks = [];
    for (const error of await Promise.all(checks)) {
      if (error !== null) {
        throw new OutOfMemoryError(
          'The graphics driver refused the memory that this needs: choose a smaller size or close other pages.',
          {
            neededBytes: this.#liveBytes,
            availableBytes: 0,
          },
        );
      }
    }
  }

  #create(sizeBytes: number): PooledBuffer {
    const id = this.#nextId++;
    const isChecked = sizeBytes >= checkedSizeBytes;
    if (isChecked) this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({
      label: `tensor ${String(id)}`,
      size: sizeBytes,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    if (isChecked) this.#checks.push(this.#device.popErrorScope().catch(() => null));
    return { id, buffer, sizeBytes };
  }
}

function formatMebibytes(sizeBytes: number): string {
  const mebibytes = sizeBytes / megabyte;
  return `${mebibytes >= 10 ? mebibytes.toFixed(0) : mebibytes.toPrecision(2)} MiB`;
}
