/** Clouds that a Schroedinger bridge goes between. */
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { ScatterFrame } from './frames';
import type { NumericMatrix } from './parameters';

/** Clouds that come with the lab, all but the first in the plane. */
export const cloudLabels = {
  gaussian: 'Gaussian',
  ellipse: 'tilted Gaussian',
  'swiss-roll': 'Swiss roll',
  moons: 'two moons',
  'eight-gaussians': 'eight Gaussians',
  ring: 'ring',
} as const;
export type CloudName = keyof typeof cloudLabels;

/** Two clouds of one dimension, points one after the other. */
export interface CloudPair {
  readonly source: Float32Array<ArrayBuffer>;
  readonly target: Float32Array<ArrayBuffer>;
  readonly dimension: number;
}

/** A side: a cloud by name, or a person's matrix with a point in each row. */
export interface CloudChoice {
  readonly name: CloudName;
  readonly file: NumericMatrix | undefined;
}

/** The most points of a cloud that are drawn. */
const mostDrawn = 4096;

function planarPoint(name: CloudName, random: Philox): readonly [number, number] {
  const turn = 2 * Math.PI * random.uniform();
  const [a, b] = [random.normal(), random.normal()];
  switch (name) {
    case 'gaussian':
      return [a, b];
    case 'ellipse':
      return [0.5 + 0.9 * a, -0.3 + 0.4 * a + 0.5 * b];
    case 'swiss-roll': {
      const angle = 1.5 * Math.PI + 1.5 * turn;
      return [(angle * Math.cos(angle) + 0.8 * a) / 7.5, (angle * Math.sin(angle) + 0.8 * b) / 7.5];
    }
    case 'moons': {
      const side = turn < Math.PI ? 1 : -1;
      return [
        side * (1.3 * Math.cos(turn % Math.PI) - 0.65) + 0.08 * a,
        side * (1.3 * Math.sin(turn % Math.PI) - 0.3) + 0.08 * b,
      ];
    }
    case 'eight-gaussians': {
      const corner = (Math.floor((turn / Math.PI) * 4) * Math.PI) / 4;
      return [1.6 * Math.cos(corner) + 0.12 * a, 1.6 * Math.sin(corner) + 0.12 * b];
    }
    case 'ring':
      return [(1.4 + 0.08 * a) * Math.cos(turn), (1.4 + 0.08 * a) * Math.sin(turn)];
    default:
      return name satisfies never;
  }
}

/**
 * Both clouds. A person's points are moved and scaled together, so that the target has mean zero and a variance of one on
 * average; a named cloud then only goes with them if it has their dimension. Throws `InvalidInputError` for what does not fit.
 */
export function makeClouds(from: CloudChoice, to: CloudChoice, count: number, seed: number): CloudPair {
  const dimension = from.file?.columns ?? to.file?.columns ?? 2;
  const make = ({ name, file }: CloudChoice, stream: number, field: string): Float32Array<ArrayBuffer> => {
    if (file !== undefined) {
      if (file.columns !== dimension)
        throw new InvalidInputError(
          `The source has ${String(dimension)} columns and the target ${String(file.columns)}: give both the same.`,
          { field },
        );
      if (file.rows < 2 || file.values.some((value) => !Number.isFinite(value) || Math.abs(value) > 1e18))
        throw new InvalidInputError(
          'A cloud needs two points or more, with coordinates that are numbers of ordinary size.',
          { field },
        );
      return scaled(file.values, dimension, from.file && to.file ? to.file.values : file.values);
    }
    const random = new Philox(seed, stream);
    if (dimension === 2)
      return Float32Array.from(Array.from({ length: count }, () => planarPoint(name, random)).flat());
    if (name === 'gaussian') return Float32Array.from({ length: count * dimension }, () => random.normal());
    throw new InvalidInputError(
      `“${cloudLabels[name]}” lies in the plane: choose the Gaussian to go with points of ${String(dimension)} coordinates.`,
      { field },
    );
  };
  return { source: make(from, 0, 'source'), target: make(to, 1, 'target'), dimension };
}

/** Coordinates minus the mean of `like`, over its root mean square deviation. */
function scaled(values: Float64Array, dimension: number, like: Float64Array): Float32Array<ArrayBuffer> {
  const count = like.length / dimension;
  const means = new Float64Array(dimension);
  like.forEach((value, at) => (means[at % dimension] = (means[at % dimension] ?? 0) + value / count));
  const square = like.reduce((sum, value, at) => sum + (value - (means[at % dimension] ?? 0)) ** 2, 0) / like.length;
  return Float32Array.from(values, (value, at) => (value - (means[at % dimension] ?? 0)) / Math.sqrt(square || 1));
}

/** The first two coordinates of a cloud, for the scatter figure. */
export function cloudFrame(series: string, points: ArrayLike<number>, dimension: number): ScatterFrame {
  const count = Math.min(mostDrawn, points.length / dimension);
  return {
    series,
    points: Float32Array.from({ length: 2 * count }, (_, at) =>
      at % 2 < dimension ? (points[Math.floor(at / 2) * dimension + (at % 2)] ?? NaN) : 0,
    ),
  };
}

/** Mean and covariance of a cloud. */
export function momentsOf(
  points: ArrayLike<number>,
  dimension: number,
): { readonly mean: Float64Array; readonly covariance: Float64Array } {
  const count = points.length / dimension;
  const mean = new Float64Array(dimension);
  const covariance = new Float64Array(dimension ** 2);
  for (let at = 0; at < points.length; at++)
    mean[at % dimension] = (mean[at % dimension] ?? 0) + (points[at] ?? NaN) / count;
  for (let row = 0; row < count; row++) {
    for (let at = 0; at < covariance.length; at++) {
      const [i, j] = [Math.floor(at / dimension), at % dimension];
      const product =
        ((points[row * dimension + i] ?? NaN) - (mean[i] ?? NaN)) *
        ((points[row * dimension + j] ?? NaN) - (mean[j] ?? NaN));
      covariance[at] = (covariance[at] ?? 0) + product / count;
    }
  }
  return { mean, covariance };
}
