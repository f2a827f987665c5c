/** Attention over the scales of a photograph, and the gradient of adapting it: exact and by polynomials, as the entries grow. */
import { adaptationStep, type AdaptationProblem, type Projection } from '../algorithms/low-rank-adaptation';
import type { PolynomialAttentionOptions } from '../algorithms/polynomial-attention';
import { polynomialPyramidAttention, pyramidAttention, type Pyramid } from '../algorithms/pyramid-attention';
import { resize } from '../data/images';
import type { Device, Tensor } from '../device/device';
import { Philox } from '../kernels/random';
import type { ImageFrame } from './frames';
import type { Photograph } from './parameters';

/** Columns of a token: red, green, blue, x, y, each from -1 to 1 before they are multiplied by the bound. */
const tokenColumns = 5;
const colorColumns = 3;

/** How exp is approximated; the logits lie in [-R², R²] at a bound R on the entries. */
export type Approximation = Pick<PolynomialAttentionOptions, 'degree' | 'approximation'>;

/** A photograph at all scales from 1 pixel to `side`, a power of two. */
export function scalesOf(photograph: Photograph, side: number): Photograph[] {
  const sides = Array.from({ length: Math.log2(side) + 1 }, (_, level) => 2 ** level);
  return sides.map((size) => resize(photograph, size, size));
}

/** Pixels of all scales together. */
export const countTokens = (scales: readonly Photograph[]): number =>
  scales.reduce((sum, { width }) => sum + width ** 2, 0);

/**
 * The pyramid that a visual autoregressive model attends over: keys and values are the pixels of each scale; a query is what
 * its pixel looks like one scale coarser. All entries of queries and keys are at most `bound`.
 */
export function pyramidOf(scales: readonly Photograph[], bound: number): Pyramid {
  return {
    dimension: tokenColumns,
    valueDimension: colorColumns,
    scales: scales.map((scale, level) => ({
      queries: tokensOf(scales[Math.max(0, level - 1)] ?? scale, scale.width, bound),
      keys: tokensOf(scale, scale.width, bound),
      values: colorsOf(scale),
    })),
  };
}

/** A token for each pixel of a side x side grid, its colour taken from a picture of that size or half of it. */
function tokensOf({ width, pixels }: Photograph, side: number, bound: number): Float32Array {
  return Float32Array.from({ length: side * side * tokenColumns }, (_, at) => {
    const [pixel, column] = [Math.floor(at / tokenColumns), at % tokenColumns];
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    if (column >= colorColumns) return bound * ((2 * ((column === 3 ? x : y) + 0.5)) / side - 1);
    const source = Math.floor((y * width) / side) * width + Math.floor((x * width) / side);
    return bound * ((2 * (pixels[4 * source + column] ?? 0)) / 255 - 1);
  });
}

function colorsOf({ width, pixels }: Photograph): Float32Array {
  const length = width * width * colorColumns;
  return Float32Array.from({ length }, (_, at) => {
    return (pixels[4 * Math.floor(at / colorColumns) + (at % colorColumns)] ?? 0) / 255;
  });
}

/** The results of the finest scale, exact and fast, and the relative error over all scales, in the Euclidean norm. */
export interface PyramidComparison {
  readonly exact: ArrayLike<number>;
  readonly fast: ArrayLike<number>;
  readonly error: number;
}

/** Runs both forms. */
export async function comparePyramid(
  device: Device,
  scales: readonly Photograph[],
  bound: number,
  approximation: Approximation,
): Promise<PyramidComparison> {
  using _scope = device.scope();
  const pyramid = pyramidOf(scales, bound);
  const [exact, fast] = [
    pyramidAttention(device, pyramid),
    polynomialPyramidAttention(device, pyramid, { ...approximation, bound: bound ** 2 }),
  ];
  const [truth, value] = [await readAll(exact), await readAll(fast)];
  const error = relativeError(truth.flat(), value.flat());
  return { exact: truth.at(-1) ?? [], fast: value.at(-1) ?? [], error };
}

async function readAll(tensors: readonly Tensor[]): Promise<number[][]> {
  const read: number[][] = [];
  for (const tensor of tensors) read.push(Array.from(await tensor.read()));
  return read;
}

/** |x - y| / |x|; a result that is no number counts as infinitely wrong, shown as 10^6. */
function relativeError(x: readonly number[], y: readonly number[]): number {
  let [distance, size] = [0, 0];
  x.forEach((value, at) => {
    distance += (value - (y[at] ?? NaN)) ** 2;
    size += value ** 2;
  });
  const error = Math.sqrt(distance / size);
  return error < 1e6 ? error : 1e6;
}

/** A picture of the results of one scale. */
export function pictureOf(slot: string, colors: ArrayLike<number>, side: number, note: string): ImageFrame {
  const pixels = Uint8ClampedArray.from({ length: 4 * side * side }, (_, at) =>
    at % 4 === 3 ? 255 : 255 * (colors[Math.floor(at / 4) * colorColumns + (at % 4)] ?? 0),
  );
  return { slot, width: side, height: side, pixels, note };
}

/**
 * A head that is being adapted to a photograph: its tokens are the pixels, its targets their colours, its frozen weights random
 * with rows of length one, its factors of rank 2 as they are in the middle of training.
 */
function adaptationOf(device: Device, photograph: Photograph, bound: number, seed: number): AdaptationProblem {
  const side = photograph.width;
  const random = new Philox(seed);
  const matrix = (rows: number, columns: number, size: number): Tensor =>
    device.tensor(
      Float32Array.from({ length: rows * columns }, () => size * random.normal()),
      [rows, columns],
    );
  const projection = (size: number) => ({
    frozen: matrix(tokenColumns, colorColumns, size / Math.sqrt(tokenColumns)),
    down: matrix(tokenColumns, 2, 0.1),
    up: matrix(2, colorColumns, size),
  });
  return {
    tokens: device.tensor(tokensOf(photograph, side, 1), [side * side, tokenColumns]),
    targets: device.tensor(colorsOf(photograph), [side * side, colorColumns]),
    weights: { queries: projection(bound), keys: projection(bound), values: projection(1) },
    strength: 1,
  };
}

/** Relative errors of the gradient of the factors, by projection, in the Euclidean norm. */
export async function compareGradients(
  device: Device,
  photograph: Photograph,
  bound: number,
  seed: number,
  degree: number,
): Promise<Record<Projection, number>> {
  using _scope = device.scope();
  const problem = adaptationOf(device, photograph, bound, seed);
  const [exact, fast] = [adaptationStep(problem, 'exact'), adaptationStep(problem, { degree })];
  const error = async (projection: Projection): Promise<number> => {
    const both = (step: typeof exact) => readAll([step.gradient[projection].down, step.gradient[projection].up]);
    return relativeError((await both(exact)).flat(), (await both(fast)).flat());
  };
  return { queries: await error('queries'), keys: await error('keys'), values: await error('values') };
}

/** Records one gradient, for timing. */
export function recordGradient(device: Device, photograph: Photograph, seed: number, degree: number | 'exact'): void {
  adaptationStep(adaptationOf(device, photograph, 1, seed), degree === 'exact' ? 'exact' : { degree });
}
