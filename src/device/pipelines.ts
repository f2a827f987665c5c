/** Compute pipelines, compiled asynchronously once per specialisation; a failure names file and line. */
import { ShaderError } from './errors';
import { linkShader, shaderKey, type ShaderRequest } from './shaders';

/** What a dispatch needs to know to be bound and run. */
export interface PipelineRequest extends ShaderRequest {
  readonly entryPoint: string;
  readonly readCount: number;
  readonly writeCount: number;
}

/** A compiled pipeline with its linked source, for the kernel viewer. */
export interface CompiledPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly label: string;
  readonly wgsl: string;
  /** How long linking and compiling took. */
  readonly compileMs: number;
}

/** Compiles and keeps pipelines of one GPU device. */
export class PipelineCache {
  #device: GPUDevice;
  #compiled = new Map<string, Promise<CompiledPipeline>>();
  #layouts = new Map<string, GPUBindGroupLayout>();
  #totalCompileMs = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Milliseconds spent in compiling so far. */
  get totalCompileMs(): number {
    return this.#totalCompileMs;
  }

  /** The pipeline for a request; compiled at most once, several at a time. Rejects with `ShaderError`. */
  get(request: PipelineRequest): Promise<CompiledPipeline> {
    const key = `${shaderKey(request)} ${request.entryPoint} ${String(request.readCount)} ${String(request.writeCount)}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const compiled = this.#compile(request, key);
    this.#compiled.set(key, compiled);
    compiled.catch(() => this.#compiled.delete(key));
    return compiled;
  }

  #layout(readCount: number, writeCount: number): GPUBindGroupLayout {
    const key = `${String(readCount)} ${String(writeCount)}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const storage = Array.from({ length: readCount + writeCount }, (_, index) => ({
      binding: index + 1,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: index < readCount ? ('read-only-storage' as const) : ('storage' as const) },
    }));
    const layout = this.#device.createBindGroupLayout({
      label: `${String(readCount)} read, ${String(writeCount)} written`,
      entries: [
        { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } },
        ...storage,
      ],
    });
    this.#layouts.set(key, layout);
    return layout;
  }

  async #compile(request: PipelineRequest, label: string): Promise<CompiledPipeline> {
    const start = performance.now();
    const linked = await linkShader(request);
    const module = this.#module(linked.wgsl, label);
    const layout = this.#layout(request.readCount, request.writeCount);
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: request.entryPoint },
      });
      const compileMs = performance.now() - start;
      this.#totalCompileMs += compileMs;
      return { pipeline, layout, label, wgsl: linked.wgsl, compileMs };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const first = messages.find(({ type }) => type === 'error');
      if (first === undefined) {
        throw new ShaderError(
          `${request.shader}.wgsl does not make a pipeline: ${cause instanceof Error ? cause.message : String(cause)}`,
          {
            file: `${request.shader}.wgsl`,
          },
        );
      }
      const place = linked.locate(first.lineNum, first.linePos);
      throw new ShaderError(
        `${place.file}:${String(place.line)}:${String(place.column)} does not compile: ${first.message}`,
        place,
      );
    }
  }

  /** The module, its validation errors kept off the device's uncaptured-error event: `#compile` reports them. */
  #module(code: string, label: string): GPUShaderModule {
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ label, code });
    this.#device.popErrorScope().catch(() => null);
    return module;
  }
}
