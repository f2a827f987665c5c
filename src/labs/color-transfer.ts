/** Colour transfer: photographs as clouds of colours, and the photograph that a transport plan makes of one of them. */
import type { TransportCertificate } from '../algorithms/certificate';
import { solveSinkhorn, type SinkhornOptions, type SinkhornResult, type SinkhornStep } from '../algorithms/sinkhorn';
import { mapPoints } from '../algorithms/transport-map';
import { fromColorSpace, toColorSpace } from '../data/colors';
import type { PointProblem } from '../algorithms/transport-problem';
import { openReferenceDevice } from '../device';
import { paletteOf, repaint, type Palette } from '../data/palette';
import { planPicture } from '../kernels/transport-dual';
import { Philox } from '../kernels/random';
import type { HeatmapFrame, ImageFrame, LineFrame, ScatterFrame, StatusFrame } from './frames';
import type { Photograph } from './parameters';

/** Where colours are compared: three coordinates, or only the lightness of OKLab. */
export type TransferSpace = 'oklab' | 'linear-rgb' | 'lightness';

/** Colours drawn from a photograph, dark to light. */
export interface ColorCloud {
  readonly coordinates: Float32Array<ArrayBuffer>;
  readonly dimension: number;
  /** The same colours as RGBA bytes. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** What a map of colours needs of a solved or half-solved problem. */
type Solution = Pick<SinkhornStep & SinkhornResult, 'problem' | 'potentials' | 'epsilon'>;

/** The most points of a cloud that are drawn. */
const mostPoints = 4096;

/** The most pairs of colours and samples that one map of a photograph may take. */
const mapBudget = { reference: 1e7, fallback: 1e8, hardware: 4e10 };

/** Draws `count` pixels at random (with repetition) from a stream of a seed, sorted from dark to light. */
export function sampleColors(
  photograph: Photograph,
  space: TransferSpace,
  count: number,
  seed: number,
  stream: number,
): ColorCloud {
  const random = new Philox(seed, stream);
  const total = photograph.width * photograph.height;
  const words = new Uint32Array(photograph.pixels.slice().buffer);
  const drawn = Uint32Array.from({ length: count }, () => words[Math.floor(random.uniform() * total)] ?? 0);
  const lightness = toCoordinates(new Uint8ClampedArray(drawn.buffer), 'lightness');
  const order = Array.from(drawn.keys()).sort((a, b) => (lightness[a] ?? 0) - (lightness[b] ?? 0));
  const pixels = new Uint8ClampedArray(Uint32Array.from(order, (at) => drawn[at] ?? 0).buffer);
  return { coordinates: toCoordinates(pixels, space), dimension: dimensionOf(space), pixels };
}

/** A cloud for the scatter figure, in sRGB from 0 to 1. */
export function scatterOf(series: string, { pixels }: ColorCloud): ScatterFrame {
  const count = Math.min(mostPoints, pixels.length / 4);
  const stride = pixels.length / 4 / count;
  const colors = Uint8Array.from(
    { length: 3 * count },
    (_, at) => pixels[4 * Math.floor(Math.floor(at / 3) * stride) + (at % 3)] ?? 0,
  );
  return { series, points: Float32Array.from(colors, (byte) => byte / 255), colors };
}

/** A photograph as it is, for a slot of the image figure. */
export function pictureOf(slot: string, { width, height, pixels }: Photograph): ImageFrame {
  return { slot, width, height, pixels: pixels.slice() };
}

/** The palette that the device can map in reasonable time: all colours of the photograph where it can. */
export function paletteFor(photograph: Photograph, { problem }: Solution): Palette {
  const { device, columns } = problem;
  const budget =
    mapBudget[device.kind === 'reference' ? 'reference' : device.info.isFallback ? 'fallback' : 'hardware'];
  const palettes = [8, 7, 6].map((bits) => () => paletteOf(photograph, bits));
  for (const palette of palettes) {
    const candidate = palette();
    if (candidate.count * columns.count <= budget) return candidate;
  }
  return paletteOf(photograph, 5);
}

/** The recoloured photograph and the plan. */
export async function picturesOf(
  photograph: Photograph,
  palette: Palette,
  space: TransferSpace,
  solution: Solution,
): Promise<{ readonly pictures: ImageFrame; readonly plan: HeatmapFrame }> {
  return { pictures: await recolour(photograph, palette, space, solution), plan: await planOf(solution) };
}

/** The photograph in the colours that the plan's barycentric map gives to its own. */
async function recolour(
  photograph: Photograph,
  palette: Palette,
  space: TransferSpace,
  { problem, potentials, epsilon }: Solution,
): Promise<ImageFrame> {
  const mapped = await mapPoints(problem, potentials, epsilon, toCoordinates(palette.colors, space));
  const pixels = repaint(photograph, palette, toPixels(mapped, palette.colors, space));
  const { width, height } = photograph;
  return {
    slot: 'result',
    width,
    height,
    pixels,
    note: palette.bits < 8 ? `colours told apart at ${palette.bits} bits a channel` : `${width} × ${height}`,
  };
}

/** The plan, max-pooled; values are relative to the plan that spreads all mass evenly. */
export async function planOf({ problem, potentials, epsilon }: Solution, largestSide = 256): Promise<HeatmapFrame> {
  const { device, pairs, rows, columns } = problem;
  using _scope = device.scope();
  const [height, width] = [Math.min(largestSide, rows.count), Math.min(largestSide, columns.count)];
  const masses = await planPicture(pairs, potentials, epsilon, [height, width]).read();
  const values = Float32Array.from(masses, (mass) => mass * rows.count * columns.count);
  return { rows: height, columns: width, values, of: [rows.count, columns.count], pooling: 'max' };
}

/** The exact cost between two clouds of as many points in one dimension: sorted, each goes to its like. Undefined in three. */
export function exactCost(x: ColorCloud, y: ColorCloud): number | undefined {
  if (x.dimension !== 1) return undefined;
  const [first, second] = [x.coordinates.slice().sort(), y.coordinates.slice().sort()];
  return first.reduce((sum, value, i) => sum + (value - (second[i] ?? NaN)) ** 2, 0) / first.length;
}

/** The errors since the last step, and how far the iteration is. */
export function progressOf(
  { iteration, rowErrors, marginalError }: SinkhornStep,
  steps: number,
): { readonly error: LineFrame; readonly status: StatusFrame } {
  const first = iteration - rowErrors.length + 1;
  const text = `iteration ${iteration}, marginal error ${marginalError.toExponential(1)}`;
  return {
    error: { series: 'Sinkhorn', x: rowErrors.map((_, at) => first + at), y: rowErrors },
    status: { state: 'running', text, step: iteration, steps },
  };
}

/** The most samples that are solved in float64 as well. */
const largestCheck = 1024;

/** Relative difference of the transport cost to the same run in float64 on the CPU; undefined above 1,024 samples. */
export async function differenceToFloat64(
  { transportCost, problem }: SinkhornResult,
  points: PointProblem,
  options: SinkhornOptions,
): Promise<number | undefined> {
  if (problem.rows.count > largestCheck) return undefined;
  const device = openReferenceDevice().session(problem.device.signal);
  const truth = await solveSinkhorn(device, points, options);
  device.close();
  return Math.abs(transportCost / truth.transportCost - 1);
}

/** What a run of the lab came to. */
export interface TransferSummary extends SinkhornResult, Omit<TransportCertificate, 'marginalError'> {
  readonly largestCost: number;
  readonly colours: number;
  readonly samples: number;
  /** By sorting, in one dimension. */
  readonly exact: number | undefined;
  /** Relative difference of the transport cost to a run in float64. */
  readonly difference: number | undefined;
  /** Of the device's memory, between two passes over all pairs. */
  readonly heldBytes: number;
}

/** The rows of the table of numbers. */
export function numbersOf(summary: TransferSummary): readonly { readonly quantity: string; readonly value: number }[] {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ['transport cost', summary.transportCost],
    ['exact cost, at least', summary.lower],
    ['exact cost, at most', summary.upper],
    ['exact cost, by sorting', summary.exact],
    ['relative difference to float64', summary.difference],
    ['cost + epsilon · sum P log P', summary.entropicObjective],
    ['marginal error, L1', summary.marginalError],
    ['iterations', summary.iterations],
    ['epsilon', summary.epsilon],
    ['largest cost', summary.largestCost],
    ['colours mapped', summary.colours],
    ['memory held between passes, MiB', summary.heldBytes / 2 ** 20],
    ['a stored cost would take, MiB', (4 * summary.samples ** 2) / 2 ** 20],
  ];
  return rows.flatMap(([quantity, value]) => (value === undefined ? [] : [{ quantity, value }]));
}

const dimensionOf = (space: TransferSpace): number => (space === 'lightness' ? 1 : 3);

function toCoordinates(pixels: Uint8ClampedArray, space: TransferSpace): Float32Array<ArrayBuffer> {
  if (space !== 'lightness') return toColorSpace(pixels, space);
  return toColorSpace(pixels, 'oklab').filter((_, at) => at % 3 === 0);
}

/** Pixels of mapped coordinates; where only lightness was mapped, colours keep their own hue. */
function toPixels(
  mapped: Float64Array,
  colors: Uint8ClampedArray,
  space: TransferSpace,
): Uint8ClampedArray<ArrayBuffer> {
  if (space !== 'lightness') return fromColorSpace(mapped, space);
  const coordinates = toColorSpace(colors, 'oklab');
  mapped.forEach((lightness, at) => (coordinates[3 * at] = lightness));
  return fromColorSpace(coordinates, 'oklab');
}
