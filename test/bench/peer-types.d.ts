/** The few functions of the peers that the bench calls: their packages are installed for the bench only, not for `npm run check`. */

declare module '@jax-js/jax' {
  /** Every function takes ownership of its arguments; `ref` keeps one for another use. */
  export interface Array {
    readonly ref: this;
    readonly device: string;
    add(other: number): this;
    mul(other: number): this;
    sub(other: this): this;
    reshape(shape: number[]): this;
    slice(...index: number[]): this;
    data(): Promise<Float32Array | Int32Array>;
    /** Waits until the device has finished it. */
    blockUntilReady(): Promise<this>;
    dispose(): void;
  }
  export function init(device: 'webgpu'): Promise<readonly string[]>;
  export function defaultDevice(device: 'webgpu'): string;
  export function jit<Arguments extends Array[]>(body: (...args: Arguments) => Array): (...args: Arguments) => Array;
  export const numpy: {
    array(values: Float32Array | Int32Array, options: { shape: number[] }): Array;
    cumsum(x: Array, axis: number): Array;
    matmul(a: Array, b: Array): Array;
    sort(x: Array): Array;
    stack(parts: readonly Array[]): Array;
    take(x: Array, indices: Array, axis: number): Array;
    readonly fft: { fft(x: ComplexPair): ComplexPair };
  };
  interface ComplexPair {
    readonly real: Array;
    readonly imag: Array;
  }
  export const lax: { topK(x: Array, k: number): readonly [values: Array, indices: Array] };
  export const nn: {
    dotProductAttention(queries: Array, keys: Array, values: Array): Array;
    logsumexp(x: Array, axis: number): Array;
    softmax(x: Array, axis: number): Array;
  };
}

declare module '@tensorflow/tfjs-core' {
  export interface Tensor {
    data(): Promise<Float32Array>;
    dispose(): void;
  }
  export interface Tensor2D extends Tensor {
    readonly rank: 2;
  }
  export function setBackend(name: 'webgpu'): Promise<boolean>;
  export function getBackend(): string;
  export function env(): { set(flag: string, value: boolean): void };
  export function tidy<Result>(body: () => Result): Result;
  export function tensor1d(values: Int32Array | readonly number[], type?: 'int32'): Tensor;
  export function tensor2d(values: Float32Array, shape: [number, number]): Tensor2D;
  export function matMul(a: Tensor2D, b: Tensor2D, transposeA?: boolean, transposeB?: boolean): Tensor2D;
  export function mul(a: Tensor2D, factor: number): Tensor2D;
  export function sub(a: Tensor2D | number, b: Tensor2D): Tensor2D;
  export function logSumExp(x: Tensor2D, axis: number, keepDims: boolean): Tensor2D;
  export function softmax(logits: Tensor2D): Tensor2D;
  export function slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  export function reshape(x: Tensor, shape: readonly number[]): Tensor;
  export function cumsum(x: Tensor, axis: number): Tensor;
  export function complex(real: Tensor, imaginary: Tensor): Tensor;
  export function real(x: Tensor): Tensor;
  export function imag(x: Tensor): Tensor;
  export function concat(parts: readonly Tensor[]): Tensor;
  export const spectral: { fft(x: Tensor): Tensor };
  export function topk(x: Tensor, k: number): { readonly values: Tensor };
  export function bincount(x: Tensor, weights: Tensor, size: number): Tensor;
  export function gather(x: Tensor, indices: Tensor): Tensor;
  export function unsortedSegmentSum(x: Tensor, indices: Tensor, segments: number): Tensor;
}

declare module '@tensorflow/tfjs-backend-webgpu' {
  export const webgpu: unknown;
}

declare module 'onnxruntime-web' {
  export interface InferenceSession {
    run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
    release(): Promise<void>;
  }
  export const InferenceSession: {
    create(
      model: Uint8Array,
      options: {
        executionProviders: readonly 'webgpu'[];
        preferredOutputLocation: 'gpu-buffer';
        extra: Readonly<Record<string, unknown>>;
      },
    ): Promise<InferenceSession>;
  };
  export interface Tensor {
    readonly location: string;
    getData(release: boolean): Promise<Float32Array>;
    dispose(): void;
  }
  export const Tensor: {
    fromGpuBuffer(buffer: GPUBuffer, options: { dataType: 'float32' | 'int32'; dims: readonly number[] }): Tensor;
  };
  export const env: { readonly wasm: { numThreads: number }; readonly webgpu: WebGpuEnvironment };
  interface WebGpuEnvironment {
    /** From the first session on, the device of all of them. */
    readonly device: Promise<GPUDevice>;
  }
}

declare module 'onnxruntime-web/webgpu' {
  export * from 'onnxruntime-web';
}
