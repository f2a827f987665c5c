/** Softmax and log-softmax of the rows of a matrix, in the ways that are known to do it, for rows of any length. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32, type Uniforms } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { rowWorkgroup } from './row-workgroup';

/**
 * How a softmax is computed, with what it reads and writes per element in passes over memory.
 *
 * - `three-pass`: maximum, sum, quotients; exponentials are computed twice. 3 reads, 1 write.
 * - `three-pass-reload`: the second pass stores its exponentials, the third divides them. 3 reads, 2 writes.
 * - `online`: maximum and sum in one pass (Milakov and Gimelshein 2018), quotients. 2 reads, 1 write.
 * - `two-pass`: exponentials as pairs of mantissa and exponent, so that no maximum is needed (Dukhan and Ablavatski 2020).
 *   2 reads, 1 write.
 * - `unshifted`: exp(x) / sum exp(x) as it is written, with WGSL's own exp: it overflows where a logit is above 88.
 */
export const softmaxMethods = ['three-pass', 'three-pass-reload', 'online', 'two-pass', 'unshifted'] as const;
export type SoftmaxMethod = (typeof softmaxMethods)[number];

/** Options of `softmaxRows`. */
export interface SoftmaxOptions {
  /** Default `online`. */
  readonly method?: SoftmaxMethod;
  /** Where to put the result, of the same shape; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/** Options of `logSoftmaxRows`. */
export interface LogSoftmaxOptions {
  /** Where to put the result, of the same shape; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

const memoryPasses = {
  'three-pass': 4,
  'three-pass-reload': 5,
  online: 3,
  'two-pass': 3,
  unshifted: 3,
} as const satisfies Record<SoftmaxMethod, number>;

const conditionsOf = {
  'three-pass': { threePass: true },
  'three-pass-reload': { threePass: true, reload: true },
  online: { online: true },
  'two-pass': { twoPass: true },
  unshifted: { unshifted: true },
} as const satisfies Record<SoftmaxMethod, Readonly<Record<string, boolean>>>;

/** Columns that an invocation of a GPU takes in one workgroup. */
const columnsPerLane = 16;
/** Rows up to this long are done by one workgroup, from the first pass to the last. */
const longestShortRow = 256 * columnsPerLane;
/** States that one workgroup joins. */
const statesPerMerge = 4096;
/** Operations of an exponential of ours. */
const exponentialFlops = 20;

/**
 * exp(x) / sum exp(x) of each row: [rows, columns] -> [rows, columns], rows of any length.
 *
 * Results above the normal range of float32 (1.2e-38) are within 5e-7 of the exact softmax of the same float32 logits,
 * relative, by every method but `unshifted`: for `two-pass` while |x| <= 26,000, for the others wherever |x| <= 1e38. Smaller
 * results come out as a subnormal number or as 0, as the device has it. A logit of -1e30 beside one of 0 gives exactly 0: use
 * that to mask. Infinite logits and NaN are not allowed, because WGSL does not say what becomes of them. Sums are trees of a
 * fixed shape, so the same input gives the same bits.
 *
 * Throws `InvalidInputError` for a tensor that is not an f32 matrix and for an `out` that is the input or does not fit.
 */
export const softmaxRows = defineKernel({
  name: 'softmaxRows',
  summary: 'Softmax of each row: [rows, columns] stays [rows, columns], every row sums to one.',
  shaders: ['softmax/rows', 'softmax/reduce', 'softmax/merge', 'softmax/write', 'softmax/divide'],
  cost: (x: Tensor, { method = 'online', out }: SoftmaxOptions = {}) => {
    checkLogits('softmaxRows', x, out);
    return { flops: (2 * exponentialFlops + 4) * x.size, bytes: 4 * memoryPasses[method] * x.size };
  },
  webgpu(gpu, x, { method = 'online', out = gpu.empty(x.shape) } = {}): Tensor {
    const shape = matrixShape(x, 'x');
    const conditions = conditionsOf[method];
    if (shape[1] <= longestShortRow) {
      recordShortRows(gpu, x, { conditions, out });
      return out;
    }
    using _scope = gpu.scope();
    const isReload = method === 'three-pass-reload';
    const states = recordStates(gpu, x, method, isReload ? { terms: out } : {});
    if (isReload) {
      gpu.dispatch({
        shader: 'softmax/divide',
        uniforms: { columns: u32(shape[1]) },
        reads: [states],
        writes: [out],
        workgroups: [Math.ceil(shape[1] / 1024), shape[0]],
        share: 2 / 5,
      });
    } else recordValues(gpu, x, { conditions, out, states });
    return out;
  },
  reference(cpu, x, { out } = {}): Tensor {
    checkLogits('softmaxRows', x, out);
    return eachRow(x, out ?? cpu.empty(x.shape), (value, largest, sum) => Math.exp(value - largest) / sum);
  },
});

/**
 * x - log sum exp(x) of each row: [rows, columns] -> [rows, columns]. The absolute error is below 5e-7 (1 + |result|);
 * logits as in `softmaxRows`, with the same errors.
 */
export const logSoftmaxRows = defineKernel({
  name: 'logSoftmaxRows',
  summary: 'Logarithm of the softmax of each row: [rows, columns] stays [rows, columns].',
  shaders: ['softmax/rows', 'softmax/reduce', 'softmax/merge', 'softmax/write'],
  cost: (x: Tensor, { out }: LogSoftmaxOptions = {}) => {
    checkLogits('logSoftmaxRows', x, out);
    return { flops: (exponentialFlops + 5) * x.size, bytes: 12 * x.size };
  },
  webgpu(gpu, x, { out = gpu.empty(x.shape) } = {}): Tensor {
    const conditions = { online: true, log: true };
    if (matrixShape(x, 'x')[1] <= longestShortRow) recordShortRows(gpu, x, { conditions, out });
    else {
      using _scope = gpu.scope();
      recordValues(gpu, x, { conditions, out, states: recordStates(gpu, x, 'online') });
    }
    return out;
  },
  reference(cpu, x, { out } = {}): Tensor {
    checkLogits('logSoftmaxRows', x, out);
    return eachRow(x, out ?? cpu.empty(x.shape), (value, largest, sum) => value - largest - Math.log(sum));
  },
});

/** Writes a function of each logit, of its row's maximum and of the sum of exp(x - maximum), in float64. */
function eachRow(
  x: ReferenceTensor,
  out: ReferenceTensor,
  value: (logit: number, largest: number, sum: number) => number,
): ReferenceTensor {
  const [rows, columns] = matrixShape(x, 'x');
  for (let row = 0; row < rows; row++) {
    const logits = x.data.slice(row * columns, (row + 1) * columns);
    let largest = -Infinity;
    for (const logit of logits) largest = Math.max(largest, logit);
    let sum = 0;
    for (const logit of logits) sum += Math.exp(logit - largest);
    logits.forEach((logit, column) => (out.data[row * columns + column] = value(logit, largest, sum)));
  }
  return out;
}

/** What is written for each logit. */
interface Values {
  readonly conditions: Readonly<Record<string, boolean>>;
  readonly out: GpuTensor;
  /** With the condition `gradient`. */
  readonly gradient?: { readonly targets: GpuTensor; readonly scale: number };
}

/** Records all passes over rows of at most 4,096 columns in one dispatch. */
function recordShortRows(gpu: WebGpuDevice, x: GpuTensor, { conditions, out, gradient }: Values): void {
  const [rows, columns] = matrixShape(x, 'x');
  const workgroup = rowWorkgroup(gpu, columns, columnsPerLane);
  gpu.dispatch({
    shader: 'softmax/rows',
    conditions: { ...conditions, wide: columns % 4 === 0 },
    constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
    uniforms: { rows: u32(rows), columns: u32(columns), ...scaleOf(gradient) },
    reads: gradient === undefined ? [x] : [x, gradient.targets],
    writes: [out],
    workgroups: [1, Math.ceil(rows / workgroup.rows)],
  });
}

/** Records the last pass over long rows. */
function recordValues(
  gpu: WebGpuDevice,
  x: GpuTensor,
  { conditions, out, gradient, states }: Values & { readonly states: GpuTensor },
): void {
  const [rows, columns] = matrixShape(x, 'x');
  gpu.dispatch({
    shader: 'softmax/write',
    conditions: { ...conditions, wide: columns % 4 === 0 },
    uniforms: { columns: u32(columns), ...scaleOf(gradient) },
    reads: gradient === undefined ? [x, states] : [x, states, gradient.targets],
    writes: [out],
    workgroups: [Math.ceil(columns / 1024), rows],
    share: 1 / 2,
  });
}

/** Records the values of a row's logits, by whichever way its length asks for. */
export function recordRowValues(gpu: WebGpuDevice, x: GpuTensor, values: Values): void {
  if (matrixShape(x, 'x')[1] <= longestShortRow) recordShortRows(gpu, x, values);
  else recordValues(gpu, x, { ...values, states: recordStates(gpu, x, 'online') });
}

/**
 * Records the reduction of each row to its state of two numbers, [rows, 2]: (maximum, sum of exp(x - maximum)), or the pair
 * (m, n) of `two-pass`. `terms` takes the exponentials of `three-pass-reload`. What is allocated belongs to the open scope.
 */
export function recordStates(
  gpu: WebGpuDevice,
  x: GpuTensor,
  method: SoftmaxMethod,
  { terms }: { readonly terms?: GpuTensor } = {},
): GpuTensor {
  const [rows, columns] = matrixShape(x, 'x');
  const workgroup = rowWorkgroup(gpu, columns, columnsPerLane);
  const chunks = Math.ceil(columns / workgroup.columns);
  const pass = (conditions: Readonly<Record<string, boolean>>, reads: GpuTensor[], writes: GpuTensor[]): GpuTensor => {
    const states = gpu.empty([rows, chunks, 2]);
    gpu.dispatch({
      shader: 'softmax/reduce',
      conditions: { ...conditions, wide: columns % 4 === 0 },
      constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
      uniforms: { rows: u32(rows), columns: u32(columns), chunks: u32(chunks), quads: u32(workgroup.columns / 4) },
      reads: [x, ...reads],
      writes: [states, ...writes],
      workgroups: [chunks, Math.ceil(rows / workgroup.rows)],
      share: 1 / memoryPasses[method],
    });
    return mergeStates(gpu, states, conditions);
  };
  const { reload = false, ...conditions }: Readonly<Record<string, boolean>> = conditionsOf[method];
  const first = pass(conditions, [], []);
  if (conditions.threePass !== true) return first;
  return pass({ ...conditions, reload, summing: true }, [first], terms === undefined ? [] : [terms]);
}

/** Joins the states of each row, [rows, count, 2], until one is left: [rows, 1, 2]. */
function mergeStates(gpu: WebGpuDevice, states: GpuTensor, conditions: Readonly<Record<string, boolean>>): GpuTensor {
  const [rows = 1, count = 1] = states.shape;
  if (count === 1) return states;
  const chunks = Math.ceil(count / statesPerMerge);
  const merged = gpu.empty([rows, chunks, 2]);
  gpu.dispatch({
    shader: 'softmax/merge',
    conditions,
    constants: { LANES: rowWorkgroup(gpu, count).lanes },
    uniforms: { count: u32(count), chunks: u32(chunks) },
    reads: [states],
    writes: [merged],
    workgroups: [chunks, rows],
    share: 0.01,
  });
  return mergeStates(gpu, merged, conditions);
}

function scaleOf(gradient: Values['gradient']): Uniforms {
  return gradient === undefined ? {} : { scale: f32(gradient.scale) };
}

/** Throws `InvalidInputError` unless x is an f32 matrix and `out` another one of its shape. */
export function checkLogits(kernel: string, x: Tensor, out?: Tensor): readonly [rows: number, columns: number] {
  const shape = matrixShape(x, 'x');
  if (x.type !== 'f32') throw new InvalidInputError(`${kernel} works on f32 tensors, but this one is ${x.type}.`);
  if (out !== undefined && (out === x || out.type !== 'f32' || out.shape.join() !== x.shape.join())) {
    throw new InvalidInputError(`${kernel} needs another f32 tensor of shape [${x.shape.join(', ')}] as out.`, {
      field: 'out',
    });
  }
  return shape;
}
