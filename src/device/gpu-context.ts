/** What all sessions on one GPU share: adapter, device, pipelines, buffers, estimates, and the order of submits. */
import { BufferPool, type PooledBuffer } from './buffer-pool';
import type { Cost, DeviceInfo } from './device';
import { DeviceLostError, UnsupportedError } from './errors';
import { PipelineCache, type CompiledPipeline } from './pipelines';
import { hardwareRates, softwareRates, WorkEstimator } from './work-cutter';

/** How to open a device. */
export interface WebGpuOptions {
  /** `default`: nothing beyond WebGPU's default limits; `adapter`: larger buffers where the adapter has them. */
  readonly limits?: 'default' | 'adapter';
  /** `none`: no optional feature; `adapter`: those of `usefulFeatures` that the adapter has. */
  readonly features?: 'none' | 'adapter';
  /** The most that tensors may hold together; 1 GiB unless said otherwise. */
  readonly budgetBytes?: number;
  /** Cuts every dispatch along every axis, however small: tests find shaders that only work whole. Off. */
  readonly cutsEverything?: boolean;
  /** The entry to WebGPU where it is not `navigator.gpu` (Node.js with the npm package `webgpu`). */
  readonly gpu?: GPU;
}

/** Features that some kernel variant or measurement uses where they exist. */
const usefulFeatures = ['timestamp-query', 'subgroups', 'shader-f16'] as const satisfies readonly GPUFeatureName[];
/** Limits that hold large inputs; no kernel needs more than the default of any other. */
const usefulLimits = ['maxStorageBufferBindingSize', 'maxBufferSize'] as const;

const uniformSlotBytes = 256;
/** How many dispatches one submit holds at most: the uniform buffer has a slot for each. */
export const slotsPerSubmit = 256;
const submitsInFlight = 2;
const bindGroupsKept = 512;

/** The last measurement of a kernel. */
export interface Timing {
  readonly milliseconds: number;
  readonly source: 'timestamp' | 'wall';
  readonly cost: Cost;
}

/** A buffer and how much of it a shader sees. */
export interface BoundBuffer {
  readonly pooled: PooledBuffer;
  readonly sizeBytes: number;
}

/** One GPU device with everything that sessions share. */
export class GpuContext {
  readonly gpu: GPUDevice;
  readonly info: DeviceInfo;
  readonly pool: BufferPool;
  readonly pipelines: PipelineCache;
  readonly estimator: WorkEstimator;
  /** Resolves when the device is gone, by `destroy` too. */
  readonly lost: Promise<DeviceLostError>;
  /** Which variant of a kernel was measured to be fastest, by kernel and shape class. */
  readonly tuning = new Map<string, string>();
  /** The last measurement of each kernel, by name. */
  readonly timings = new Map<string, Timing>();
  /** The specialisations that each kernel has used, by kernel name. */
  readonly linked = new Map<string, Map<string, string>>();
  /** Whether every dispatch is cut along every axis. */
  readonly cutsEverything: boolean;
  readonly uniforms: GPUBuffer;
  readonly uniformBytes = new ArrayBuffer(uniformSlotBytes * slotsPerSubmit);
  #lostError: DeviceLostError | undefined;
  /** Who waits for the GPU: told when it is gone. A race against one promise that never settles would leak. */
  #guarded = new Set<(error: DeviceLostError) => void>();
  #bindGroups = new Map<string, GPUBindGroup>();
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  private constructor(
    gpu: GPUDevice,
    info: DeviceInfo,
    { budgetBytes = 2 ** 30, cutsEverything = false }: WebGpuOptions,
  ) {
    this.cutsEverything = cutsEverything;
    this.gpu = gpu;
    this.info = info;
    this.pool = new BufferPool(gpu, budgetBytes);
    this.pipelines = new PipelineCache(gpu);
    this.estimator = new WorkEstimator(info.isFallback ? softwareRates : hardwareRates);
    this.uniforms = gpu.createBuffer({
      label: 'uniforms',
      size: uniformSlotBytes * slotsPerSubmit,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    this.lost = gpu.lost.then(({ reason, message }) => {
      this.#lostError = new DeviceLostError(
        reason === 'destroyed'
          ? 'The GPU device was closed while work was under way: start the run again.'
          : `The browser took the GPU device away (${message || 'no reason given'}): the run begins again on a new one.`,
        { reason },
      );
      for (const wake of this.#waiting.splice(0)) wake();
      for (const reject of this.#guarded) reject(this.#lostError);
      this.#guarded.clear();
      return this.#lostError;
    });
  }

  /** Asks for an adapter and a device. Throws `UnsupportedError` where there is none. */
  static async open(options: WebGpuOptions = {}): Promise<GpuContext> {
    const entry = options.gpu ?? (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
    if (entry === undefined) {
      throw new UnsupportedError('This browser has no WebGPU: use a current Chrome, Edge, Safari or Firefox.');
    }
    const adapter = await requestAdapter(entry);
    const features = options.features === 'none' ? [] : usefulFeatures.filter((name) => adapter.features.has(name));
    const limits = Object.fromEntries(
      options.limits === 'adapter' ? usefulLimits.map((name) => [name, adapter.limits[name]]) : [],
    );
    const gpu = await adapter.requestDevice({ label: 'Tessella', requiredFeatures: features, requiredLimits: limits });
    return new GpuContext(gpu, describe(adapter, gpu), options);
  }

  /** Throws `DeviceLostError` if the device is gone. */
  throwIfLost(): void {
    if (this.#lostError !== undefined) throw this.#lostError;
  }

  /** The same promise, but rejecting with `DeviceLostError` as soon as the device is gone. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lostError !== undefined) {
        promise.catch(() => undefined);
        reject(this.#lostError);
        return;
      }
      this.#guarded.add(reject);
      promise.then(
        (value) => {
          this.#guarded.delete(reject);
          resolve(value);
        },
        (cause: unknown) => {
          // On a loss, browsers reject pending calls with errors of their own shortly before `lost` resolves.
          const isPerhapsLoss =
            cause instanceof DOMException && (cause.name === 'AbortError' || cause.name === 'OperationError');
          setTimeout(
            () => {
              this.#guarded.delete(reject);
              reject(this.#lostError ?? (cause as Error));
            },
            isPerhapsLoss ? 50 : 0,
          );
        },
      );
    });
  }

  /** A bind group for these buffers; kept, because iterations bind the same ones again and again. */
  bindGroup({ layout }: CompiledPipeline, buffers: readonly BoundBuffer[], uniformSizeBytes: number): GPUBindGroup {
    const key = `${layout.label} ${String(uniformSizeBytes)} ${buffers.map(({ pooled, sizeBytes }) => `${String(pooled.id)}:${String(sizeBytes)}`).join(' ')}`;
    const known = this.#bindGroups.get(key);
    if (known !== undefined) return known;
    const storage = buffers.map(({ pooled, sizeBytes }, index) => ({
      binding: index + 1,
      resource: { buffer: pooled.buffer, offset: 0, size: sizeBytes },
    }));
    const group = this.gpu.createBindGroup({
      layout,
      entries: [{ binding: 0, resource: { buffer: this.uniforms, offset: 0, size: uniformSizeBytes } }, ...storage],
    });
    this.#bindGroups.set(key, group);
    if (this.#bindGroups.size > bindGroupsKept) {
      const oldest = this.#bindGroups.keys().next();
      if (oldest.done !== true) this.#bindGroups.delete(oldest.value);
    }
    return group;
  }

  /** Waits until fewer than two submits are under way; resolves at once after a loss. */
  async slot(): Promise<void> {
    while (this.#inFlight >= submitsInFlight && this.#lostError === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#inFlight += 1;
  }

  /** Gives a slot back. */
  release(): void {
    this.#inFlight -= 1;
    this.#waiting.shift()?.();
  }

  /** Remembers which WGSL a kernel ran, for the kernel viewer. */
  remember(kernel: string, { label, wgsl }: CompiledPipeline): void {
    const known = this.linked.get(kernel);
    if (known === undefined) this.linked.set(kernel, new Map([[label, wgsl]]));
    else known.set(label, wgsl);
  }

  /** Destroys the device and everything on it. */
  destroy(): void {
    this.gpu.destroy();
  }
}

/** `requestAdapter` can come back empty once on a busy machine: ask again before calling it missing. */
async function requestAdapter(entry: GPU): Promise<GPUAdapter> {
  for (const waitMs of [0, 200, 800]) {
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const adapter = await entry.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter !== null) return adapter;
  }
  throw new UnsupportedError(
    'WebGPU is here, but no graphics adapter answers: check that hardware acceleration is on in the browser’s settings.',
  );
}

function describe(adapter: GPUAdapter, device: GPUDevice): DeviceInfo {
  const { vendor, architecture, description } = adapter.info;
  const isFallback = adapter.info.isFallbackAdapter || architecture === 'swiftshader';
  const limits: Record<string, number> = {};
  for (const name in device.limits) {
    const value = device.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  return {
    kind: 'webgpu',
    label: isFallback ? `${name} (software)` : name,
    vendor,
    architecture,
    isFallback,
    features: [...device.features].sort(),
    limits,
    subgroupSizes: device.features.has('subgroups')
      ? [adapter.info.subgroupMinSize, adapter.info.subgroupMaxSize]
      : null,
  };
}
