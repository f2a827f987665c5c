/** Mixture models in float64: what the kernels of `gaussian-mixture.ts` mean, component by component. */
import type { Placed } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import type { MixtureForms, MixtureFunction, MixtureModel } from './mixture-model';

type PlacedModel = Placed<MixtureModel, ReferenceTensor>;
type PlacedForms = Placed<MixtureForms, ReferenceTensor>;

/** A square matrix, row-major. */
type Matrix = Float64Array;

/** One component, unpacked. */
export interface MixtureComponent {
  readonly logWeight: number;
  /** r, `[d]`. */
  readonly center: Float64Array;
  /** L, `[d, d]`, its diagonal exponentiated. */
  readonly factor: Matrix;
}

/** Reads one component of a model; a diagonal factor comes back as a whole matrix. */
export function readComponent({ parameters, dimension: d, covariance }: PlacedModel, k: number): MixtureComponent {
  const row = parameters.data.slice((k * parameters.size) / (parameters.shape[0] ?? 1));
  const factor = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const packed = covariance === 'full' ? row[1 + d + i * d + j] : i === j ? row[1 + d + i] : 0;
      factor[i * d + j] = i === j ? Math.exp(packed ?? NaN) : (packed ?? NaN);
    }
  }
  return { logWeight: row[0] ?? NaN, center: Float64Array.from(row.slice(1, 1 + d)), factor };
}

/** The row of `mixtureForms` for one component. */
export function formsOf(model: PlacedModel, k: number, of: MixtureFunction): number[] {
  const { dimension: d, covariance } = model;
  const { epsilon } = of;
  const { logWeight, center, factor } = readComponent(model, k);
  const square = multiply(factor, transposed(factor));
  const none = new Float64Array(d);
  const pack = (constant: number, origin: ArrayLike<number>, slope: ArrayLike<number>, quadratic: Matrix): number[] => [
    constant,
    ...Array.from(origin),
    ...Array.from(slope, (value) => value / epsilon),
    ...compressed(quadratic, d, covariance).map((value) => value / epsilon),
  ];
  switch (of.kind) {
    case 'normalizer':
      return pack(logWeight, none, center, square);
    case 'potential': {
      const { inverse, logDeterminant } = inverted(square, d);
      const constant = logWeight - 0.5 * (d * Math.log(2 * Math.PI * epsilon) + logDeterminant);
      return pack(
        constant,
        center,
        none,
        inverse.map((value) => -value),
      );
    }
    case 'bridge': {
      const mix = square.map((value, at) => of.time * value + (at % (d + 1) === 0 ? 1 - of.time : 0));
      const shifted = square.map((value, at) => value - (at % (d + 1) === 0 ? 1 : 0));
      const { inverse, logDeterminant } = inverted(mix, d);
      const norm = center.reduce((sum, value) => sum + value * value, 0);
      return pack(
        logWeight + 0.5 * ((of.time * norm) / epsilon - logDeterminant),
        center.map((value) => of.time * value),
        center,
        multiply(inverse, shifted),
      );
    }
    default:
      return of satisfies never;
  }
}

/** A term's value at a point, its gradient there, and the point's offset from the term's origin. */
export function termOf(
  x: ArrayLike<number>,
  point: number,
  { values, dimension: d, covariance }: PlacedForms,
  k: number,
): { readonly value: number; readonly slope: Float64Array; readonly offset: Float64Array } {
  const start = (k * values.size) / (values.shape[0] ?? 1);
  const at = (index: number): number => values.data[start + index] ?? NaN;
  const offset = Float64Array.from({ length: d }, (_, i) => (x[point * d + i] ?? NaN) - at(1 + i));
  const slope = new Float64Array(d);
  let value = at(0);
  for (let i = 0; i < d; i++) {
    let curved = 0;
    if (covariance === 'diagonal') curved = at(1 + 2 * d + i) * (offset[i] ?? NaN);
    else for (let j = 0; j < d; j++) curved += at(1 + 2 * d + i * d + j) * (offset[j] ?? NaN);
    value += (at(1 + d + i) + 0.5 * curved) * (offset[i] ?? NaN);
    slope[i] = at(1 + d + i) + curved;
  }
  return { value, slope, offset };
}

/** The row of `mixtureLossGradient` for one component. */
export function lossGradientOf(
  model: PlacedModel,
  k: number,
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  epsilon: number,
): number[] {
  const { dimension: d, covariance } = model;
  const { factor } = readComponent(model, k);
  const { inverse } = inverted(multiply(factor, transposed(factor)), d);
  const start = (k * model.parameters.size) / (model.parameters.shape[0] ?? 1);
  const mass = target[start] ?? NaN;
  const mean = Float64Array.from({ length: d }, (_, i) => target[start + 1 + i] ?? NaN);
  const second = (moments: ArrayLike<number>): Matrix =>
    Float64Array.from({ length: d * d }, (_, at) => {
      if (covariance === 'full') return moments[start + 1 + d + at] ?? NaN;
      return at % (d + 1) === 0 ? (moments[start + 1 + d + at / (d + 1)] ?? NaN) : 0;
    });
  const pull = multiply(inverse, mean);
  const spread = multiply(multiply(inverse, second(target)), inverse);
  const slope = second(source).map(
    (value, at) => (value - (spread[at] ?? NaN)) / (2 * epsilon) + 0.5 * mass * (inverse[at] ?? NaN),
  );
  const inFactor = multiply(slope, factor).map((value, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    return j > i ? 0 : 2 * value * (i === j ? (factor[at] ?? NaN) : 1);
  });
  return [
    (source[start] ?? NaN) - mass,
    ...Array.from(pull, (value, i) => ((source[start + 1 + i] ?? NaN) - value) / epsilon),
    ...compressed(inFactor, d, covariance),
  ];
}

/** A square matrix times a square matrix or a vector. */
export function multiply(matrix: Matrix, other: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const d = Math.sqrt(matrix.length);
  const columns = other.length / d;
  return Float64Array.from({ length: d * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let total = 0;
    for (let l = 0; l < d; l++) total += (matrix[i * d + l] ?? NaN) * (other[l * columns + j] ?? NaN);
    return total;
  });
}

/** A square matrix with rows and columns exchanged. */
export function transposed(matrix: Matrix): Float64Array<ArrayBuffer> {
  const d = Math.sqrt(matrix.length);
  return Float64Array.from(matrix, (_, at) => matrix[(at % d) * d + Math.floor(at / d)] ?? NaN);
}

/** Inverse and log-determinant of a symmetric positive definite matrix, by Gauss-Jordan elimination. */
function inverted(matrix: Matrix, d: number): { readonly inverse: Matrix; readonly logDeterminant: number } {
  const inverse = Float64Array.from(matrix);
  const at = (i: number, j: number): number => inverse[i * d + j] ?? NaN;
  let logDeterminant = 0;
  for (let pivot = 0; pivot < d; pivot++) {
    const value = at(pivot, pivot);
    logDeterminant += Math.log(value);
    inverse[pivot * d + pivot] = 1;
    for (let j = 0; j < d; j++) inverse[pivot * d + j] = at(pivot, j) / value;
    for (let i = 0; i < d; i++) {
      if (i === pivot) continue;
      const factor = at(i, pivot);
      inverse[i * d + pivot] = 0;
      for (let j = 0; j < d; j++) inverse[i * d + j] = at(i, j) - factor * at(pivot, j);
    }
  }
  return { inverse, logDeterminant };
}

function compressed(matrix: Matrix, d: number, covariance: 'diagonal' | 'full'): number[] {
  return Array.from(matrix).filter((_, at) => covariance === 'full' || at % (d + 1) === 0);
}
