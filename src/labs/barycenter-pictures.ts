/** The barycenter lab's parts: its three histograms, and the triangle on which their weights are picked. */
import {
  solveBarycenter,
  type BarycenterOptions,
  type BarycenterProblem,
  type BarycenterResult,
} from '../algorithms/barycenter';
import { digitSide, loadDigit } from '../data/digits';
import { openReferenceDevice } from '../device';
import type { Device } from '../device/device';
import type { ImageFrame, StatusFrame, TableFrame } from './frames';
import { inkOf, pointMasses, type MassGrid } from './mass-pictures';
import type { NumericMatrix, Photograph } from './parameters';

/** Pixels of the triangle's side of the picture; weights are picked on it. */
export const triangleSize = 128;

const corners = [
  [64, 10],
  [8, 112],
  [120, 112],
] as const;
const colors: readonly (readonly number[])[] = [
  [226, 112, 32],
  [36, 120, 200],
  [40, 150, 90],
];

const cornerFields = ['topPoints', 'leftPoints', 'rightPoints'];

/** Weights at a pixel: its barycentric coordinates; outside the triangle those of a point on its border. They sum to one. */
export function weightsAt(x: number, y: number): [number, number, number] {
  const [a, b, c] = corners;
  const area = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1]);
  const first = ((b[1] - c[1]) * (x - c[0]) + (c[0] - b[0]) * (y - c[1])) / area;
  const second = ((c[1] - a[1]) * (x - c[0]) + (a[0] - c[0]) * (y - c[1])) / area;
  const inside = [first, second, 1 - first - second].map((weight) => (weight < 0.02 ? 0 : weight));
  const total = inside.reduce((sum, weight) => sum + weight, 0);
  const [u = 0, v = 0, w = 0] = inside.map((weight) => weight / total);
  return [u, v, w];
}

/** The triangle with a mark at the weights' pixel. */
export function trianglePicture(markX: number, markY: number): ImageFrame {
  const pixels = new Uint8ClampedArray(4 * triangleSize ** 2).fill(255);
  const weights = weightsAt(markX, markY);
  const mark = [0, 1].map((axis) =>
    corners.reduce((sum, corner, k) => sum + (weights[k] ?? 0) * (corner[axis] ?? 0), 0),
  );
  for (let at = 0; at < triangleSize ** 2; at++) {
    const [x, y] = [at % triangleSize, Math.floor(at / triangleSize)];
    const [u, v, w] = weightsAt(x, y);
    const nearest = corners.reduce<readonly [number, number]>(
      ([px, py], [cx, cy], k) => [px + ([u, v, w][k] ?? 0) * cx, py + ([u, v, w][k] ?? 0) * cy],
      [0, 0],
    );
    const isInside = Math.hypot(nearest[0] - x, nearest[1] - y) < 1.5;
    const ring = Math.abs(Math.hypot(x - (mark[0] ?? 0), y - (mark[1] ?? 0)) - 4);
    for (let channel = 0; channel < 3; channel++) {
      const mixed = [u, v, w].reduce((sum, weight, k) => sum + weight * (colors[k]?.[channel] ?? 0), 0);
      pixels[4 * at + channel] = ring < 1.4 ? 20 : isInside ? 110 + 0.57 * mixed : 250;
    }
  }
  const note = weights.map((weight) => `${(100 * weight).toFixed(0)} %`).join(' · ');
  return { slot: 'triangle', width: triangleSize, height: triangleSize, pixels, note };
}

/** Three photographs as ink on one square grid, each in its middle. */
export function inkTriple(photographs: readonly Photograph[], size: number): MassGrid[] {
  return photographs.map((photograph) => {
    const { width, height, masses } = inkOf(photograph, size);
    const [left, top] = [Math.floor((size - width) / 2), Math.floor((size - height) / 2)];
    const square = new Float64Array(size * size);
    masses.forEach((mass, at) => (square[(top + Math.floor(at / width)) * size + left + (at % width)] = mass));
    return { width: size, height: size, masses: square };
  });
}

/** A three and two eights, as people wrote them. */
export async function digitTriple(): Promise<MassGrid[]> {
  const digits = [await loadDigit(3, 1), await loadDigit(8, 0), await loadDigit(8, 4)];
  return digits.map((ink) => {
    const total = ink.reduce((sum, mass) => sum + mass, 0);
    return { width: digitSide, height: digitSide, masses: ink.map((mass) => mass / total) };
  });
}

/** The pictures, and a picture of points in place of each for which there are some; the sheet is the whole square. */
export function withPainted(grids: readonly MassGrid[], points: readonly (NumericMatrix | undefined)[]): MassGrid[] {
  return grids.map((grid, index) => {
    const own = points[index];
    return own === undefined ? grid : (pointMasses([own], grid.width, cornerFields[index] ?? '', true)[0] ?? grid);
  });
}

/** The mean place of a histogram, the longer side being 1. */
function meanPlace({ width, height, masses }: MassGrid): readonly [x: number, y: number] {
  const scale = Math.max(width, height, 2) - 1;
  let [x, y] = [0, 0];
  masses.forEach((mass, at) => {
    x += (mass * (at % width)) / scale;
    y += (mass * Math.floor(at / width)) / scale;
  });
  return [x, y];
}

/** How spread out a histogram is: `exp(-sum p log p)`, as many even places have the same entropy. */
const spreadOf = (masses: Float64Array): number =>
  Math.exp(-masses.reduce((sum, mass) => sum + (mass > 0 ? mass * Math.log(mass) : 0), 0));

/** The mean of histograms pixel by pixel. */
export function pixelMean(grids: readonly MassGrid[], weights: readonly number[]): MassGrid {
  const [{ width, height, masses }] = grids as readonly [MassGrid, ...MassGrid[]];
  const mean = masses.map((_, at) =>
    grids.reduce((sum, grid, k) => sum + (weights[k] ?? 0) * (grid.masses[at] ?? 0), 0),
  );
  return { width, height, masses: mean };
}

/** L1 distance of two histograms. */
const massDistance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, mass, at) => sum + Math.abs(mass - (b[at] ?? NaN)), 0);

/** What a barycenter came to. */
export interface BarycenterSummary {
  /** How far its mean place is from the weighted mean of the pictures' mean places, in pixels. */
  readonly meanError: number;
  /** As many places of even mass have its entropy. */
  readonly spread: number;
  /** The same for the pixel by pixel mean. */
  readonly pixelSpread: number;
  /** L1 distance to the first picture. */
  readonly fromFirst: number;
}

/** The numbers of a barycenter, as a summary and as frames. */
export function summarizeBarycenter(
  device: Device,
  { barycenter, status, marginalError, iteration }: BarycenterResult,
  grids: readonly MassGrid[],
  mean: MassGrid,
): { readonly summary: BarycenterSummary; readonly numbers: TableFrame; readonly status: StatusFrame } {
  const [x, y] = meanPlace({ ...mean, masses: barycenter });
  const [wantedX, wantedY] = meanPlace(mean);
  const summary = {
    meanError: Math.hypot(x - wantedX, y - wantedY) * (Math.max(mean.width, mean.height, 2) - 1),
    spread: spreadOf(barycenter),
    pixelSpread: spreadOf(mean.masses),
    fromFirst: massDistance(barycenter, grids[0]?.masses ?? barycenter),
  };
  const rows = {
    'mean place, off the weighted mean by (px)': summary.meanError,
    'places of even mass with the same entropy': summary.spread,
    'the same of the pixel by pixel mean': summary.pixelSpread,
    'L1 distance to the first picture': summary.fromFirst,
    'marginal error, L1 over all plans': marginalError,
    iterations: iteration,
  };
  const ending = status === 'converged' ? 'converged' : `stopped after ${String(iteration)} iterations`;
  return {
    summary,
    numbers: {
      rows: Object.entries(rows).map(([quantity, value]) => ({ quantity, value })),
      source: device.info.label,
    },
    status: { state: status, text: `${ending}, marginal error ${marginalError.toExponential(1)}` },
  };
}

/** L1 distance of a barycenter to the same iterations in float64 on the CPU. */
export async function differenceToFloat64(
  device: Device,
  problem: BarycenterProblem,
  options: BarycenterOptions,
  { barycenter }: BarycenterResult,
): Promise<number> {
  const reference = openReferenceDevice().session(device.signal);
  const truth = await solveBarycenter(reference, problem, options);
  reference.close();
  return massDistance(truth.barycenter, barycenter);
}
