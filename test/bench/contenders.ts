/** Tessella and its peers behind one interface: operands are uploaded once, a run computes and reads the result back. */
import * as jax from '@jax-js/jax';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { openWebGpuDevice, type Tensor } from '../../src/device';
import { attention } from '../../src/kernels/attention';
import { matmul } from '../../src/kernels/matmul';
import { softmaxMethods, softmaxRows } from '../../src/kernels/softmax';
import { openOnnxRuntime } from './onnx-runtime';

/** A row-major matrix on the host. */
export interface HostMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array<ArrayBuffer>;
}

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
  const prepare = (operands: readonly HostMatrix[], compute: (...tensors: Tensor[]) => Tensor): Prepared => {
    const held = device.scope();
    const tensors = operands.map(({ values, rows, columns }) => device.tensor(values, [rows, columns]));
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
  const prepare = (
    operands: readonly HostMatrix[],
    shapeOf: (matrix: HostMatrix) => number[],
    compute: (...arrays: jax.Array[]) => jax.Array,
  ): Prepared => {
    const arrays = operands.map((matrix) => jax.numpy.array(matrix.values, { shape: shapeOf(matrix) }));
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
  };
}

async function openTensorFlow(): Promise<Contender> {
  if (!(await tf.setBackend('webgpu')) || tf.getBackend() !== 'webgpu') {
    throw new Error(`TensorFlow.js runs on ${tf.getBackend()} instead of WebGPU.`);
  }
  // It would hand small operands to the CPU.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const prepare = (operands: readonly HostMatrix[], compute: (...tensors: tf.Tensor2D[]) => tf.Tensor2D): Prepared => {
    const tensors = operands.map(({ values, rows, columns }) => tf.tensor2d(values, [rows, columns]));
    return {
      async run() {
        const result = tf.tidy(() => compute(...tensors));
        const values = await result.data();
        result.dispose();
        return values;
      },
      async finish() {
        const corner = tf.tidy(() => tf.slice(compute(...tensors), [0, 0], [1, 1]));
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
  };
}
