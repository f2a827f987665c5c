/** What the tensor attention lab shows: errors at one bound and as it grows, where the polynomial breaks, times, triples told. */
import { accuracy, detectWithPairs, detectWithSingles, makeTriples } from '../algorithms/triple-detection';
import type { Device } from '../device/device';
import { monomialCount } from '../kernels/polynomial';
import type { BarsFrame, StatusFrame } from './frames';
import { findBreaking, measureErrors, timeSizes, type RaceErrors, type RaceInput } from './tensor-race';

const degrees = [2, 4, 6, 8] as const;
/** Errors below this are drawn as this. */
const floor = 1e-10;
const running = (text: string): StatusFrame => ({ state: 'running', text });

/** Errors at one bound: the map is of the chosen degree. */
export async function lookAtBound(device: Device, race: RaceInput, degree: number) {
  // The chosen degree comes last: the error map is of it.
  const ordered = [...degrees.filter((one) => one !== degree), degree];
  const measured = await measureErrors(device, race, ordered);
  const numbers = { rows: errorRows(measured, race, ordered), source: device.info.label };
  const map = { rows: race.count, columns: race.dimension, values: measured.map };
  const error = measured.errors.at(-1) ?? NaN;
  const text = `degree ${degree}: error ${error.toPrecision(3)} at B = ${race.bound.toPrecision(3)}, n = ${race.count}`;
  return { error, map, numbers, status: { state: 'done', text } as const };
}

/** The errors as rows of a table. */
function errorRows({ errors, largest }: RaceErrors, { bound, dimension }: RaceInput, degrees: readonly number[]) {
  return [
    { quantity: `largest |result| at B = ${bound.toPrecision(3)}`, value: largest },
    ...degrees
      .map((degree, at) => ({ degree, value: errors[at] ?? NaN }))
      .sort((one, other) => one.degree - other.degree)
      .map(({ degree, value }) => ({
        quantity: `largest error, degree ${degree} (${monomialCount(dimension, degree)} features)`,
        value,
      })),
  ];
}

/** Errors of all degrees as the bound grows; what comes of it is those of the chosen one. */
export async function* sweepBounds(device: Device, race: Omit<RaceInput, 'bound'>, degree: number) {
  const curve: { readonly bound: number; readonly error: number }[] = [];
  for (let bound = 0.25; bound <= 3; bound += 0.25) {
    const { errors } = await measureErrors(device, { ...race, bound }, degrees);
    curve.push({ bound, error: errors[degrees.findIndex((one) => one === degree)] ?? NaN });
    const point = (one: number, at: number) => {
      return { series: `degree ${one}`, x: bound, y: Math.max(floor, errors[at] ?? NaN) };
    };
    yield { errors: degrees.map(point), status: running(`errors at B = ${bound}`) };
  }
  return curve;
}

/** The bounds at which the polynomial breaks, as bars; what comes of it is the bars. */
export async function* showBreaking(device: Device, { dimension, seed }: Omit<RaceInput, 'bound'>, degree: number) {
  let bars: BarsFrame['bars'] = [];
  for await (bars of findBreaking(device, { dimension, seed }, degree)) {
    yield { breaking: { bars }, status: running('where the polynomial breaks') };
  }
  return bars;
}

/** Times at growing sizes; what comes of it is the longest ones in milliseconds. */
export async function* showTimes(
  device: Device,
  race: Omit<RaceInput, 'bound'>,
  degree: number,
  sizes: { readonly exactUpTo: number; readonly longest: number },
) {
  const times: { exact?: number; fast?: number } = {};
  const steps = Math.floor(Math.log2(Math.max(sizes.exactUpTo, sizes.longest))) - 4;
  for await (const { series, count: x, milliseconds: y } of timeSizes(device, race, degree, sizes)) {
    times[series === 'exact' ? 'exact' : 'fast'] = y;
    const status = { ...running(`${series}, n = ${x}`), step: Math.log2(x) - 4, steps };
    yield { time: { series, x, y }, status };
  }
  return times;
}

/** Shares of tokens told right by attention over pairs and by ordinary attention, which learns on half of 32 sequences. */
export async function tellTriples(device: Device, tokens: number, seed: number) {
  const task = makeTriples(tokens, 32, seed);
  const pairs = accuracy(await detectWithPairs(device, task), task.labels);
  const singles = accuracy(await detectWithSingles(device, task, seed), task.labels.slice(16));
  const bars = [
    { label: 'over pairs', value: pairs, highlight: true },
    { label: 'ordinary', value: singles },
  ];
  return { pairs, singles, shown: { bars, reference: { label: 'chance', value: 0.5 } } };
}
