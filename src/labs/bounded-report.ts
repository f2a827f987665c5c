/** What the fast attention lab shows: the picture at one bound, errors as the bound grows, and times as the picture does. */
import { polynomialPyramidAttention, pyramidAttention } from '../algorithms/pyramid-attention';
import type { Device } from '../device/device';
import * as bounded from './bounded-attention';
import type { ImageFrame } from './frames';
import type { Photograph } from './parameters';
import { timeOnce } from './time-once';

/** Bounds on the entries that the sweep tries. */
const bounds = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4];
/** Errors below this are drawn as this. */
const floor = 1e-8;

/** Attention over a photograph's scales by a polynomial. */
export interface BoundedSetting extends bounded.Approximation {
  readonly degree: number;
  readonly scales: readonly Photograph[];
  readonly seed: number;
}

/** The bound in units of the threshold, which grows like √ln n. */
const overThreshold = (scales: readonly Photograph[], bound: number): number =>
  bound / Math.sqrt(Math.log(bounded.countTokens(scales)));

/** The last of some scales. */
function finestOf(scales: readonly Photograph[]): Photograph {
  const finest = scales.at(-1);
  if (finest === undefined) throw new RangeError('There must be a scale.');
  return finest;
}

/** The photograph at the finest scale. */
export function originalOf(scales: readonly Photograph[]): ImageFrame {
  const { width, pixels } = finestOf(scales);
  return { slot: 'original', width, height: width, pixels };
}

/** The finest scale by both forms, and the errors, at one bound. */
export async function lookAtBound(device: Device, { scales, seed, ...approximation }: BoundedSetting, bound: number) {
  const { exact, fast, error } = await bounded.comparePyramid(device, scales, bound, approximation);
  // The exact gradient stores the weights of all pairs: it is taken at 32 x 32 pixels at most.
  const adapted = finestOf(scales.slice(0, 6));
  const gradient = await bounded.compareGradients(device, adapted, bound, seed, approximation.degree);
  const { width } = finestOf(scales);
  const tokens = bounded.countTokens(scales);
  const rows = [
    { quantity: 'tokens over all scales, n', value: tokens },
    { quantity: 'R / √ln n', value: overThreshold(scales, bound) },
    { quantity: 'relative error over all scales', value: error },
    { quantity: 'relative error of the gradient, queries', value: gradient.queries },
    { quantity: 'relative error of the gradient, keys', value: gradient.keys },
    { quantity: 'relative error of the gradient, values', value: gradient.values },
  ];
  const pictures = [
    bounded.pictureOf('exact', exact, width, `R = ${bound.toPrecision(3)}`),
    bounded.pictureOf('fast', fast, width, `error ${error.toPrecision(2)}`),
  ];
  const text = `${tokens.toLocaleString('en')} tokens, degree ${approximation.degree}: error ${error.toPrecision(2)} at R = ${bound.toPrecision(3)}`;
  const status = { state: 'done', text } as const;
  return { pictures, numbers: { rows, source: device.info.label }, status };
}

/** Errors at one bound: of attention over scales, and of the gradient of adaptation. */
export interface BoundErrors {
  readonly bound: number;
  readonly error: number;
  readonly gradient: number;
}

/** Errors at growing bounds, on the five coarsest scales; what comes of it is all of them. */
export async function* sweepBounds(device: Device, { scales: all, seed, ...approximation }: BoundedSetting) {
  const scales = all.slice(0, 5);
  const sweep: BoundErrors[] = [];
  for (const bound of bounds) {
    const { error } = await bounded.comparePyramid(device, scales, bound, approximation);
    const { queries } = await bounded.compareGradients(device, finestOf(scales), bound, seed, approximation.degree);
    sweep.push({ bound, error, gradient: queries });
    const x = overThreshold(scales, bound);
    yield {
      errors: [
        { series: 'attention over scales', x, y: Math.max(floor, error) },
        { series: 'gradient of adaptation', x, y: Math.max(floor, queries) },
      ],
    };
  }
  return sweep;
}

/** Times at growing sides of the finest scale; what comes of it is milliseconds by series. */
export async function* timeSides(
  device: Device,
  photograph: Photograph,
  { degree, seed, longest }: { readonly degree: number; readonly seed: number; readonly longest: number },
) {
  const times: Record<string, number[]> = { exact: [], fast: [], 'exact gradient': [], 'fast gradient': [] };
  const steps = Math.floor(Math.log2(longest)) - 2;
  for (let side = 8; side <= longest; side *= 2) {
    const scales = bounded.scalesOf(photograph, side);
    const [pyramid, finest] = [bounded.pyramidOf(scales, 1), finestOf(scales)];
    const calls: Record<string, () => void> = {
      exact: () => void pyramidAttention(device, pyramid),
      fast: () => void polynomialPyramidAttention(device, pyramid, { degree }),
      'fast gradient': () => bounded.recordGradient(device, finest, seed, degree),
      ...(side <= 32 && { 'exact gradient': () => bounded.recordGradient(device, finest, seed, 'exact') }),
    };
    for (const [series, call] of Object.entries(calls)) {
      const milliseconds = await timeOnce(device, call, call);
      times[series]?.push(milliseconds);
      const status = { state: 'running', text: `${series}, side ${side}`, step: Math.log2(side) - 2, steps } as const;
      yield { time: { series, x: side, y: milliseconds }, status };
    }
  }
  return times;
}
