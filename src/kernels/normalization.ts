/** Layer normalization (Ba, Kiros, Hinton, 2016) and root-mean-square normalization (Zhang, Sennrich, 2019) of rows, with gradients. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32, type Uniforms } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { reduceColumns } from './reduce';
import { rowWorkgroup } from './row-workgroup';

/** Options of every normalization. */
export interface NormalizationOptions {
  /** Added to the variance or the mean square, at least 2^-126. Default 1e-5. */
  readonly epsilon?: number;
}

/** Options of `rmsNorm`. */
export interface RmsNormOptions extends NormalizationOptions {
  /** Where to put the result, of the shape of x; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/** Options of `layerNorm`. */
export interface LayerNormOptions extends RmsNormOptions {
  /** Added to each column, [columns]. */
  readonly bias?: Tensor;
}

/** The gradients of `rmsNorm`: by x, [rows, columns], and by the scale, [columns]. */
export interface RmsNormGradients {
  readonly x: Tensor;
  readonly scale: Tensor;
}

/** The gradients of `layerNorm`: those of `rmsNorm`, and by the bias, [columns]. */
export interface LayerNormGradients extends RmsNormGradients {
  readonly bias: Tensor;
}

const forwardShaders = ['normalize/rows'];
const gradientShaders = ['normalize/gradient'];
const smallestEpsilon = 2 ** -126;

/**
 * (x - mean) / sqrt(variance + epsilon) * scale + bias of each row: x [rows, columns], scale and bias [columns] -> [rows,
 * columns]. The mean and the variance (divided by the number of columns) are those of the row; they are taken from the
 * deviations, so that a common offset of the row costs no accuracy. |x - mean| must be below 1e18, so that squares are
 * finite. One workgroup does a row, whatever its length; sums are trees of a fixed shape, the same bits every time.
 *
 * Throws `InvalidInputError` unless x is an f32 matrix, scale and bias have a number for each column, out fits, and epsilon
 * is a normal positive number.
 */
export const layerNorm = defineKernel({
  name: 'layerNorm',
  summary: 'Each row of [rows, columns] less its mean, over its deviation, scaled and shifted by column.',
  shaders: forwardShaders,
  cost: (x: Tensor, scale: Tensor, { bias, epsilon, out }: LayerNormOptions = {}) => {
    const check = checkOperands('layerNorm', x, scale, epsilon);
    check.columns(bias, 'bias');
    check.out(out);
    return { flops: 8 * x.size, bytes: 16 * x.size };
  },
  webgpu(gpu, x, scale, { bias, epsilon, out = gpu.empty(x.shape) } = {}): Tensor {
    const conditions = { centred: true, biased: bias !== undefined };
    recordRows(gpu, x, { conditions, epsilon, reads: bias === undefined ? [scale] : [scale, bias], out });
    return out;
  },
  reference(cpu, x, scale, { bias, epsilon, out } = {}): Tensor {
    const check = checkOperands('layerNorm', x, scale, epsilon);
    check.columns(bias, 'bias');
    check.out(out);
    const result = out ?? cpu.empty(x.shape);
    eachRow(x, { centred: true, epsilon }, (row, start) => {
      row.values.forEach((value, c) => {
        result.data[start + c] = value * (scale.data[c] ?? 0) + (bias?.data[c] ?? 0);
      });
    });
    return result;
  },
});

/**
 * x / sqrt(mean(x^2) + epsilon) * scale of each row: x [rows, columns] and scale [columns] -> [rows, columns]. |x| must be
 * below 1e18; errors as for `layerNorm`.
 */
export const rmsNorm = defineKernel({
  name: 'rmsNorm',
  summary: 'Each row of [rows, columns] over its root mean square, scaled by column.',
  shaders: forwardShaders,
  cost: (x: Tensor, scale: Tensor, { epsilon, out }: RmsNormOptions = {}) => {
    checkOperands('rmsNorm', x, scale, epsilon).out(out);
    return { flops: 5 * x.size, bytes: 12 * x.size };
  },
  webgpu(gpu, x, scale, { epsilon, out = gpu.empty(x.shape) } = {}): Tensor {
    recordRows(gpu, x, { conditions: {}, epsilon, reads: [scale], out });
    return out;
  },
  reference(cpu, x, scale, { epsilon, out } = {}): Tensor {
    checkOperands('rmsNorm', x, scale, epsilon).out(out);
    const result = out ?? cpu.empty(x.shape);
    eachRow(x, { centred: false, epsilon }, (row, start) => {
      row.values.forEach((value, c) => (result.data[start + c] = value * (scale.data[c] ?? 0)));
    });
    return result;
  },
});

/** The mean and 1 / sqrt(variance + epsilon) of each row, as `layerNorm` uses them: [rows, columns] -> [rows, 2]. */
export const rowMoments = defineKernel({
  name: 'rowMoments',
  summary: 'The mean and the inverse deviation of each row: [rows, columns] becomes [rows, 2].',
  shaders: forwardShaders,
  cost: (x: Tensor, { epsilon }: NormalizationOptions = {}) => {
    checkInput('rowMoments', x, epsilon);
    return { flops: 5 * x.size, bytes: 8 * x.size };
  },
  webgpu(gpu, x, { epsilon } = {}): Tensor {
    const out = gpu.empty([matrixShape(x, 'x')[0], 2]);
    recordRows(gpu, x, { conditions: { centred: true, summary: true }, epsilon, reads: [], out });
    return out;
  },
  reference(cpu, x, { epsilon } = {}): Tensor {
    checkInput('rowMoments', x, epsilon);
    const [rows, columns] = matrixShape(x, 'x');
    const out = cpu.empty([rows, 2]);
    eachRow(x, { centred: true, epsilon }, ({ mean, inverse }, start) => {
      out.data.set([mean, inverse], (2 * start) / columns);
    });
    return out;
  },
});

/**
 * From the gradient of a loss by the result of `layerNorm` to its gradients by x, scale and bias. Rows are read again rather
 * than their moments kept; sums over rows are those of `reduceColumns`. Errors as for `layerNorm`, and for a gradient of
 * another shape than x.
 */
export const layerNormGradient = defineKernel({
  name: 'layerNormGradient',
  summary: 'Gradients of layerNorm by x [rows, columns], scale and bias [columns], from that of its result.',
  shaders: gradientShaders,
  cost: (x: Tensor, scale: Tensor, resultGradient: Tensor, { epsilon }: NormalizationOptions = {}) => {
    checkOperands('layerNormGradient', x, scale, epsilon).shaped(resultGradient, 'resultGradient');
    return { flops: 20 * x.size, bytes: 40 * x.size };
  },
  webgpu(gpu, x, scale, resultGradient, { epsilon } = {}): LayerNormGradients {
    return {
      ...recordGradient(gpu, x, { conditions: { centred: true }, epsilon, reads: [scale, resultGradient] }),
      bias: reduceColumns(resultGradient, 'sum'),
    };
  },
  reference(cpu, x, scale, resultGradient, { epsilon } = {}): LayerNormGradients {
    checkOperands('layerNormGradient', x, scale, epsilon).shaped(resultGradient, 'resultGradient');
    const gradients = { x: cpu.empty(x.shape), scale: cpu.full([matrixShape(x, 'x')[1]], 0) };
    referenceGradient(gradients, { x, scale, resultGradient }, { centred: true, epsilon });
    return { ...gradients, bias: reduceColumns(resultGradient, 'sum') };
  },
});

/** From the gradient of a loss by the result of `rmsNorm` to its gradients by x and scale, as `layerNormGradient` does. */
export const rmsNormGradient = defineKernel({
  name: 'rmsNormGradient',
  summary: 'Gradients of rmsNorm by x [rows, columns] and scale [columns], from that of its result.',
  shaders: gradientShaders,
  cost: (x: Tensor, scale: Tensor, resultGradient: Tensor, { epsilon }: NormalizationOptions = {}) => {
    checkOperands('rmsNormGradient', x, scale, epsilon).shaped(resultGradient, 'resultGradient');
    return { flops: 16 * x.size, bytes: 32 * x.size };
  },
  webgpu: (gpu, x, scale, resultGradient, { epsilon } = {}): RmsNormGradients =>
    recordGradient(gpu, x, { conditions: {}, epsilon, reads: [scale, resultGradient] }),
  reference(cpu, x, scale, resultGradient, { epsilon } = {}): RmsNormGradients {
    checkOperands('rmsNormGradient', x, scale, epsilon).shaped(resultGradient, 'resultGradient');
    const gradients = { x: cpu.empty(x.shape), scale: cpu.full([matrixShape(x, 'x')[1]], 0) };
    referenceGradient(gradients, { x, scale, resultGradient }, { centred: false, epsilon });
    return gradients;
  },
});

interface Recorded {
  readonly conditions: Readonly<Record<string, boolean>>;
  readonly epsilon: number | undefined;
  /** Behind x. */
  readonly reads: readonly GpuTensor[];
}

function recordRows(gpu: WebGpuDevice, x: GpuTensor, { reads, out, ...how }: Recorded & { readonly out: GpuTensor }) {
  gpu.dispatch({ shader: 'normalize/rows', ...dispatchOf(gpu, x, how), reads: [x, ...reads], writes: [out] });
}

function recordGradient(gpu: WebGpuDevice, x: GpuTensor, { reads, ...how }: Recorded) {
  const gradient = gpu.empty(x.shape);
  const scaleGradient = gpu.empty([matrixShape(x, 'x')[1]]);
  using _scope = gpu.scope();
  const terms = gpu.empty(x.shape);
  gpu.dispatch({
    shader: 'normalize/gradient',
    ...dispatchOf(gpu, x, how),
    reads: [x, ...reads],
    writes: [gradient, terms],
    share: 3 / 4,
  });
  reduceColumns(terms, 'sum', { out: scaleGradient });
  return { x: gradient, scale: scaleGradient };
}

function dispatchOf(
  gpu: WebGpuDevice,
  x: GpuTensor,
  { conditions, epsilon = 1e-5 }: Pick<Recorded, 'conditions' | 'epsilon'>,
) {
  const [rows, columns] = matrixShape(x, 'x');
  const workgroup = rowWorkgroup(gpu, columns);
  const uniforms: Uniforms = { rows: u32(rows), columns: u32(columns), epsilon: f32(epsilon) };
  return {
    conditions,
    constants: { LANES: workgroup.lanes, ROWS: workgroup.rows },
    uniforms,
    workgroups: [1, Math.ceil(rows / workgroup.rows)] as const,
  };
}

interface Centring {
  readonly centred: boolean;
  readonly epsilon: number | undefined;
}

/** Normalized rows in float64, each with where it begins. */
function eachRow(
  x: ReferenceTensor,
  { centred, epsilon = 1e-5 }: Centring,
  visit: (row: { values: Float64Array; mean: number; inverse: number }, start: number) => void,
): void {
  const [rows, columns] = matrixShape(x, 'x');
  for (let start = 0; start < rows * columns; start += columns) {
    const values = Float64Array.from(x.data.slice(start, start + columns));
    const mean = centred ? values.reduce((sum, value) => sum + value, 0) / columns : 0;
    const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / columns;
    const inverse = 1 / Math.sqrt(square + epsilon);
    visit({ values: values.map((value) => (value - mean) * inverse), mean, inverse }, start);
  }
}

function referenceGradient(
  gradients: { readonly x: ReferenceTensor; readonly scale: ReferenceTensor },
  operands: { readonly x: ReferenceTensor; readonly scale: ReferenceTensor; readonly resultGradient: ReferenceTensor },
  centring: Centring,
): void {
  const { x, scale, resultGradient } = operands;
  eachRow(x, centring, ({ values, inverse }, start) => {
    const slopes = values.map((_, c) => (scale.data[c] ?? 0) * (resultGradient.data[start + c] ?? 0));
    const mean = centring.centred ? slopes.reduce((sum, slope) => sum + slope, 0) / slopes.length : 0;
    const along = slopes.reduce((sum, slope, c) => sum + slope * (values[c] ?? 0), 0) / slopes.length;
    values.forEach((value, c) => {
      gradients.x.data[start + c] = inverse * ((slopes[c] ?? 0) - mean - value * along);
      gradients.scale.data[c] = (gradients.scale.data[c] ?? 0) + (resultGradient.data[start + c] ?? 0) * value;
    });
  });
}

function checkInput(kernel: string, x: Tensor, epsilon = 1e-5): void {
  matrixShape(x, 'x');
  if (x.type !== 'f32') throw new InvalidInputError(`${kernel} works on f32 tensors, but x is ${x.type}.`);
  if (!(epsilon >= smallestEpsilon && epsilon < Infinity)) {
    throw new InvalidInputError(`${kernel} needs an epsilon of at least 2^-126, not ${String(epsilon)}.`, {
      field: 'epsilon',
    });
  }
}

function checkOperands(kernel: string, x: Tensor, scale: Tensor, epsilon?: number) {
  checkInput(kernel, x, epsilon);
  const [, columns] = matrixShape(x, 'x');
  const check = {
    columns(tensor: Tensor | undefined, field: string): void {
      if (tensor === undefined || (tensor.type === 'f32' && tensor.size === columns)) return;
      throw new InvalidInputError(
        `${kernel} needs one f32 number for each of the ${String(columns)} columns as ${field}, not ${String(tensor.size)} of ${tensor.type}.`,
        { field },
      );
    },
    shaped(tensor: Tensor, field: string): void {
      if (tensor.type === 'f32' && tensor.shape.join() === x.shape.join()) return;
      throw new InvalidInputError(`${kernel} needs an f32 tensor of shape [${x.shape.join(', ')}] as ${field}.`, {
        field,
      });
    },
    out(tensor: Tensor | undefined): void {
      if (tensor === x) throw new InvalidInputError(`${kernel} cannot write over its input.`, { field: 'out' });
      if (tensor !== undefined) check.shaped(tensor, 'out');
    },
  };
  check.columns(scale, 'scale');
  return check;
}
