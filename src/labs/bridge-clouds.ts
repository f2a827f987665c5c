/** Clouds that a Schroedinger bridge goes between. */
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { ScatterFrame } from './frames';
import { doBoxesMeet, isOnSheet, place, pointsOf, standardPlacement, type PointSet } from './own-points';
import type { NumericMatrix, PaintSheet } from './parameters';

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

/** What named clouds lie on, and what a person paints on. */
export const cloudSheet: PaintSheet = { x: [-3, 3], y: [-3, 3] };

/** Two clouds of one dimension, points one after the other. */
export interface CloudPair {
  readonly source: Float32Array<ArrayBuffer>;
  readonly target: Float32Array<ArrayBuffer>;
  readonly dimension: number;
}

/** Clouds by name, and what stands in their place: matrices with a point in each row. */
export interface CloudChoice {
  readonly source: CloudName;
  readonly target: CloudName;
  readonly sourcePoints: NumericMatrix | undefined;
  readonly targetPoints: NumericMatrix | undefined;
  /** Points of a named cloud. */
  readonly samples: number;
  readonly seed: number;
}

/** Bytes that a bridge between such clouds holds at most. */
export function bridgeBytes(options: CloudChoice & { readonly components: number; readonly batch: number }): number {
  const { samples, sourcePoints, targetPoints, components, batch } = options;
  const points = Math.max(samples, sourcePoints?.rows ?? 0, targetPoints?.rows ?? 0);
  return 2000 * points + 4 * components * (points + 2048 + 8 * batch) + 2e6;
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
 * Both clouds. A person's points that lie on the sheet stay where they are, as painted ones do. Others are moved and scaled to mean
 * zero and a variance of one; a source whose box meets the target's goes along with it. A named cloud only goes with them if
 * it has their dimension. Throws `InvalidInputError` for what does not fit.
 */
export function makeClouds(choice: CloudChoice): CloudPair {
  const { sourcePoints, targetPoints, samples, seed } = choice;
  const dimension = sourcePoints?.columns ?? targetPoints?.columns ?? 2;
  const own = {
    source: sourcePoints && pointsOf(sourcePoints, 'sourcePoints', 2),
    target: targetPoints && pointsOf(targetPoints, 'targetPoints', 2),
  };
  if (own.target && own.target.dimension !== dimension)
    throw new InvalidInputError(
      `The source has ${String(dimension)} columns and the target ${String(own.target.dimension)}: give both the same.`,
      { field: 'targetPoints' },
    );
  const make = (name: CloudName, points: PointSet | undefined, stream: number): Float32Array<ArrayBuffer> => {
    if (points !== undefined) {
      if (isOnSheet(points, cloudSheet)) return Float32Array.from(points.values);
      const { source, target } = own;
      const isJoint = source && target && !isOnSheet(target, cloudSheet) && doBoxesMeet(source, target);
      return Float32Array.from(place(points, standardPlacement(isJoint ? target : points)));
    }
    const random = new Philox(seed, stream);
    if (dimension === 2)
      return Float32Array.from(Array.from({ length: samples }, () => planarPoint(name, random)).flat());
    if (name === 'gaussian') return Float32Array.from({ length: samples * dimension }, () => random.normal());
    throw new InvalidInputError(
      `“${cloudLabels[name]}” lies in the plane: choose the Gaussian to go with points of ${String(dimension)} coordinates.`,
      { field: stream === 0 ? 'source' : 'target' },
    );
  };
  return { source: make(choice.source, own.source, 0), target: make(choice.target, own.target, 1), dimension };
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
