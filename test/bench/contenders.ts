/** Tessella and its peers behind one interface: operands are uploaded once, a run computes and reads the result back. */
import * as jax from '@jax-js/jax';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { openWebGpuDevice, type Tensor } from '../../src/device';
import { attention } from '../../src/kernels/attention';
import { fft } from '../../src/kernels/fourier';
import { gatherRows, scatterAddRows } from '../../src/kernels/gather';
import { histogram } from '../../src/kernels/histogram';
import { matmul } from '../../src/kernels/matmul';
import { prefixSum } from '../../src/kernels/scan';
import { softmaxMethods, softmaxRows } from '../../src/kernels/softmax';
import { radixSort } from '../../src/kernels/sort';
import { topK } from '../../src/kernels/top-k';
import { openOnnxRuntime } from './onnx-runtime';

/** A row-major matrix on the host. */
export interface HostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array<ArrayBuffer>;
}

/** A vector of integers from 0 on, on the host. */
export interface HostIndices {
  readonly values: Int32Array<ArrayBuffer>;
}

export type HostOperand = HostMatrix | HostIndices;

/** One library with the operands of one case on its device. */
export interface Prepared {
  /** Computes and reads back. */
  run(): Promise<ArrayLike<number>>;
  /** Computes and waits for the device; at most one number is read back. */
  finish(): Promise<void>;
  /** Bytes that the operands, the result and all buffers of the last run held, where the library says. */
  readonly heldBytes?: number;
  dispose(): void | Promise<void>;
}

type Preparing = Prepared | Promise<Prepared>;

/** What is left out, a library does not take part in. */
export interface Contender {
  readonly name: string;
  matmul?(a: HostMatrix, b: HostMatrix): Preparing;
  attention?(queries: HostMatrix, keys: HostMatrix, values: HostMatrix): Preparing;
  /** Of each row. */
  softmax?(x: HostMatrix): Preparing;
  /** Of all elements, as a vector. */
  prefixSum?(x: HostMatrix): Preparing;
  /** Of all elements, as a vector: the keys in ascending order. */
  sort?(x: HostMatrix): Preparing;
  /** Of complex numbers, given and returned as a row of real parts and a row of imaginary parts. */
  fourier?(x: HostMatrix): Preparing;
  /** The largest of each row, in order: their values. */
  topK?(x: HostMatrix, k: number): Preparing;
  /** How often each number below `bins` occurs. */
  histogram?(x: HostIndices, bins: number): Preparing;
  gather?(x: HostMatrix, indices: HostIndices): Preparing;
  /** The sums of the rows that have the same index. */
  segmentSum?(x: HostMatrix, indices: HostIndices, segments: number): Preparing;
}

/** How each library is opened on WebGPU, ours first; each throws if it would run elsewhere. */
export const openers: Readonly<Record<string, () => Promise<readonly Contender[]>>> = {
  Tessella: openTessella,
  'jax-js': async () => [await openJax()],
  'TensorFlow.js': async () => [await openTensorFlow()],
  // Its kernels written in TypeScript, and those of the native library compiled to WebAssembly.
  'ONNX Runtime Web': async () => [openOnnxRuntime('ONNX Runtime Web', await import('onnxruntime-web'))],
  'ONNX Runtime Web, native': async () => [
    openOnnxRuntime('ONNX Runtime Web, native', await import('onnxruntime-web/webgpu')),
  ],
};

async function openTessella(): Promise<readonly Contender[]> {
  const device = await openWebGpuDevice({ limits: 'adapter', features: 'adapter' });
  const prepare = (operands: readonly HostOperand[], compute: (...tensors: Tensor[]) => Tensor): Prepared => {
    const held = device.scope();
    const tensors = operands.map((operand) =>
      'rows' in operand
        ? device.tensor(operand.values, operand.rows === 1 ? [operand.columns] : [operand.rows, operand.columns])
        : device.tensor(operand.values, [operand.values.length], 'u32'),
    );
    let heldBytes = 0;
    return {
      async run() {
        using _scope = device.scope();
        const result = compute(...tensors);
        heldBytes = device.memory().liveBytes;
        return await device.read(result);
      },
      async finish() {
        using _scope = device.scope();
        compute(...tensors);
        heldBytes = device.memory().liveBytes;
        await device.finish();
      },
      get heldBytes() {
        return heldBytes;
      },
      dispose() {
        held[Symbol.dispose]();
      },
    };
  };
  return [
    {
      name: 'Tessella',
      matmul: (a, b) => prepare([a, b], (left, right) => matmul(present(left), present(right))),
      attention: (queries, keys, values) =>
        prepare([queries, keys, values], (q, k, v) => attention(present(q), present(k), present(v))),
      prefixSum: (x) => prepare([x], (values) => prefixSum(present(values))),
      // With the permutation, which the others leave out.
      sort: (x) => prepare([x], (keys) => radixSort(present(keys)).keys),
      fourier(x) {
        const interleaved = x.values.map((_, at) => x.values[(at % 2) * x.columns + (at >> 1)] ?? 0);
        const prepared = prepare([{ rows: x.columns, columns: 2, values: interleaved }], (z) => fft(present(z)));
        return {
          ...prepared,
          async run() {
            const values = await prepared.run();
            return x.values.map((_, at) => values[2 * (at % x.columns) + Math.floor(at / x.columns)] ?? 0);
          },
        };
      },
      topK: (x, k) => prepare([x], (rows) => topK(present(rows), k).values),
      histogram: (x, bins) => prepare([x], (numbers) => histogram(present(numbers), bins)),
      gather: (x, indices) => prepare([x, indices], (rows, at) => gatherRows(present(rows), present(at))),
      segmentSum: (x, indices, segments) =>
        prepare([x, indices], (rows, at) => scatterAddRows(present(rows), present(at), segments)),
    },
    ...softmaxMethods
      .filter((method) => method !== 'unshifted')
      .map((method) => ({
        name: `Tessella ${method}`,
        softmax: (x: HostMatrix) => prepare([x], (logits) => softmaxRows(present(logits), { method })),
      })),
  ];
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('An operand is missing.');
  return value;
}

async function openJax(): Promise<Contender> {
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU device.');
  jax.defaultDevice('webgpu');
  const product = jax.jit((a, b) => jax.numpy.matmul(a, b));
  const normalized = jax.jit((x) => jax.nn.softmax(x, 1));
  const mixed = jax.jit((q, k, v) => jax.nn.dotProductAttention(q, k, v));
  const summed = jax.jit((x) => jax.numpy.cumsum(x, 0));
  const sorted = jax.jit((x) => jax.numpy.sort(x));
  const taken = jax.jit((x, at) => jax.numpy.take(x, at, 0));
  const transformed = jax.jit((x) => {
    const real = x.ref.slice(0);
    const { real: re, imag: im } = jax.numpy.fft.fft({ real, imag: x.slice(1) });
    return jax.numpy.stack([re, im]);
  });
  const prepare = (
    operands: readonly HostOperand[],
    shapeOf: (matrix: HostMatrix) => number[],
    compute: (...arrays: jax.Array[]) => jax.Array,
  ): Prepared => {
    const arrays = operands.map((operand) =>
      jax.numpy.array(operand.values, { shape: 'rows' in operand ? shapeOf(operand) : [operand.values.length] }),
    );
    return {
      async run() {
        const result = compute(...arrays.map((array) => array.ref));
        if (result.device !== 'webgpu') throw new Error(`jax-js computed on ${result.device}.`);
        return await result.data();
      },
      async finish() {
        const result = await compute(...arrays.map((array) => array.ref)).blockUntilReady();
        result.dispose();
      },
      dispose() {
        for (const array of arrays) array.dispose();
      },
    };
  };
  return {
    name: 'jax-js',
    matmul: (a, b) =>
      prepare(
        [a, b],
        ({ rows, columns }) => [rows, columns],
        (left, right) => product(present(left), present(right)),
      ),
    // One head: length, heads, dimension.
    attention: (queries, keys, values) =>
      prepare(
        [queries, keys, values],
        ({ rows, columns }) => [rows, 1, columns],
        (q, k, v) => mixed(present(q), present(k), present(v)),
      ),
    softmax: (x) =>
      prepare(
        [x],
        ({ rows, columns }) => [rows, columns],
        (logits) => normalized(present(logits)),
      ),
    prefixSum: (x) => prepare([x], flat, (values) => summed(present(values))),
    sort: (x) => prepare([x], flat, (keys) => sorted(present(keys))),
    fourier: (x) => prepare([x], matrix, (z) => transformed(present(z))),
    topK: (x, k) => {
      const best = jax.jit((rows) => {
        const [values, indices] = jax.lax.topK(rows, k);
        indices.dispose();
        return values;
      });
      return prepare([x], matrix, (rows) => best(present(rows)));
    },
    gather: (x, indices) => prepare([x, indices], matrix, (rows, at) => taken(present(rows), present(at))),
  };
}

const matrix = ({ rows, columns }: HostMatrix): number[] => [rows, columns];
const flat = ({ values }: HostMatrix): number[] => [values.length];

async function openTensorFlow(): Promise<Contender> {
  if (!(await tf.setBackend('webgpu')) || tf.getBackend() !== 'webgpu') {
    throw new Error(`TensorFlow.js runs on ${tf.getBackend()} instead of WebGPU.`);
  }
  // It would hand small operands to the CPU.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const prepare = (operands: readonly HostOperand[], compute: (...tensors: tf.Tensor2D[]) => tf.Tensor): Prepared => {
    const tensors = operands.map((operand) =>
      'rows' in operand
        ? tf.tensor2d(operand.values, [operand.rows, operand.columns])
        : (tf.tensor1d(operand.values, 'int32') as tf.Tensor2D),
    );
    return {
      async run() {
        const result = tf.tidy(() => compute(...tensors));
        const values = await result.data();
        result.dispose();
        return values;
      },
      async finish() {
        const corner = tf.tidy(() => tf.slice(tf.reshape(compute(...tensors), [-1]), [0], [1]));
        await corner.data();
        corner.dispose();
      },
      dispose() {
        for (const tensor of tensors) tensor.dispose();
      },
    };
  };
  return {
    name: 'TensorFlow.js',
    matmul: (a, b) => prepare([a, b], (left, right) => tf.matMul(present(left), present(right))),
    attention: (queries, keys, values) =>
      prepare([queries, keys, values], (q, k, v) => {
        const scores = tf.mul(tf.matMul(present(q), present(k), false, true), 1 / Math.sqrt(queries.columns));
        return tf.matMul(tf.softmax(scores), present(v));
      }),
    softmax: (x) => prepare([x], (logits) => tf.softmax(present(logits))),
    prefixSum: (x) => prepare([x], (values) => tf.cumsum(tf.reshape(present(values), [-1]), 0)),
    fourier: (x) =>
      prepare([x], (z) => {
        const part = (row: number): tf.Tensor => tf.reshape(tf.slice(present(z), [row, 0], [1, x.columns]), [-1]);
        const transformed = tf.spectral.fft(tf.complex(part(0), part(1)));
        return tf.concat([tf.real(transformed), tf.imag(transformed)]);
      }),
    topK: (x, k) => prepare([x], (rows) => tf.topk(present(rows), k).values),
    histogram: (x, bins) => prepare([x], (numbers) => tf.bincount(present(numbers), tf.tensor1d([]), bins)),
    gather: (x, indices) => prepare([x, indices], (rows, at) => tf.gather(present(rows), present(at))),
    segmentSum: (x, indices, segments) =>
      prepare([x, indices], (rows, at) => tf.unsortedSegmentSum(present(rows), present(at), segments)),
  };
}
