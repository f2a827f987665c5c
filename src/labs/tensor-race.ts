/** Exact and polynomial attention over tuples of keys side by side: inputs, errors, times, and where the entries grow too large. */
import { polynomialAttention } from '../algorithms/polynomial-attention';
import type { Device, Tensor } from '../device/device';
import { attention } from '../kernels/attention';
import { Philox } from '../kernels/random';
import { tensorAttention, type TensorAttentionInput } from '../kernels/tensor-attention';
import { timeOnce } from './time-once';

/** What inputs look like. */
export interface RaceInput {
  /** Rows of the queries and of each list. */
  readonly count: number;
  readonly dimension: number;
  /** Lists of keys: 1 is ordinary attention. */
  readonly lists: number;
  /** Entries are uniform in [-bound, bound]. */
  readonly bound: number;
  readonly seed: number;
}

/** Queries, keys and values, all uniform in [-bound, bound]. They belong to the current scope. */
function makeInput(device: Device, { count, dimension, lists, bound, seed }: RaceInput): TensorAttentionInput {
  const draw = (stream: number): Tensor => {
    const random = new Philox(seed, stream);
    const numbers = Float32Array.from({ length: count * dimension }, () => bound * (2 * random.uniform() - 1));
    return device.tensor(numbers, [count, dimension]);
  };
  const each = (first: number): Tensor[] => Array.from({ length: lists }, (_, list) => draw(first + list));
  return { queries: draw(0), keys: each(1), values: each(1 + lists) };
}

/** Exact attention for any number of lists. */
function exactAttention(input: TensorAttentionInput): Tensor {
  const [keys, values] = [input.keys[0], input.values[0]];
  if (input.keys.length > 1 || keys === undefined || values === undefined) return tensorAttention(input);
  return attention(input.queries, keys, values, { scale: 1 / (input.queries.shape[1] ?? 1) });
}

/** Largest error of the polynomial of each degree, and the largest exact result. */
export interface RaceErrors {
  readonly errors: readonly number[];
  readonly largest: number;
  /** |error| of the last degree, entry by entry, [count, dimension]. */
  readonly map: Float32Array<ArrayBuffer>;
}

/** Errors on one input, for several degrees. */
export async function measureErrors(device: Device, race: RaceInput, degrees: readonly number[]): Promise<RaceErrors> {
  using _scope = device.scope();
  const input = makeInput(device, race);
  const exact = await exactAttention(input).read();
  const errors: number[] = [];
  let map: Float32Array<ArrayBuffer> = new Float32Array(exact.length);
  for (const degree of degrees) {
    using _inner = device.scope();
    const fast = await polynomialAttention(input, { degree }).read();
    map = Float32Array.from(exact, (value, at) => Math.abs(value - (fast[at] ?? NaN)));
    let most = 0;
    for (const error of map) most = Math.max(most, error);
    errors.push(most);
  }
  let largest = 0;
  for (const value of exact) largest = Math.max(largest, Math.abs(value));
  return { errors, largest, map };
}

/** What is called how by the number of keys at once. */
const tupleNames = ['one key', 'pairs', 'triples'];

/** For one key, pairs and triples, one after another: the bound at which a degree is off by 1 %. */
export async function* findBreaking(
  device: Device,
  race: Omit<RaceInput, 'bound' | 'count' | 'lists'>,
  degree: number,
): AsyncGenerator<readonly { readonly label: string; readonly value: number }[]> {
  const found: { label: string; value: number }[] = [];
  for (const [at, label] of tupleNames.entries()) {
    found.push({ label, value: await breakingBound(device, { ...race, count: 16, lists: at + 1 }, degree, 0.01) });
    yield [...found];
  }
}

/** Milliseconds of one exact or polynomial call at a size. */
async function timeAttention(device: Device, race: RaceInput, degree: number | 'exact'): Promise<number> {
  using _scope = device.scope();
  const call = (input: TensorAttentionInput): Tensor =>
    degree === 'exact' ? exactAttention(input) : polynomialAttention(input, { degree });
  const input = makeInput(device, race);
  // The exact form compiles one pipeline for all sizes; products of matrices choose theirs by size.
  const warm = degree === 'exact' ? makeInput(device, { ...race, count: Math.min(race.count, 32) }) : input;
  return await timeOnce(
    device,
    () => void call(warm),
    () => void call(input),
  );
}

/** A timing of the race over sizes. */
export interface RaceTime {
  readonly series: string;
  readonly count: number;
  readonly milliseconds: number;
}

/** Times exact attention up to one size and the polynomial up to another, from 32 keys on, doubling. */
export async function* timeSizes(
  device: Device,
  race: Omit<RaceInput, 'bound' | 'count'>,
  degree: number,
  { exactUpTo, longest }: { readonly exactUpTo: number; readonly longest: number },
): AsyncGenerator<RaceTime> {
  // Lists of more keys take exactUpTo ** 3 steps at fewer keys in each.
  const exactMost = exactUpTo ** (3 / (1 + Math.max(2, race.lists)));
  for (let count = 32; count <= Math.max(exactMost, longest); count *= 2) {
    const timed = { ...race, count, bound: 1 };
    if (count <= exactMost) {
      yield { series: 'exact', count, milliseconds: await timeAttention(device, timed, 'exact') };
    }
    if (count <= longest) {
      yield { series: `degree ${degree}`, count, milliseconds: await timeAttention(device, timed, degree) };
    }
  }
}

/** The bound on the entries at which the relative error of a degree reaches `tolerance`, by bisection of its logarithm. */
async function breakingBound(
  device: Device,
  race: Omit<RaceInput, 'bound'>,
  degree: number,
  tolerance: number,
): Promise<number> {
  let [low, high] = [0.25, 8];
  while (high / low > 1.05) {
    const bound = Math.sqrt(low * high);
    const { errors, largest } = await measureErrors(device, { ...race, bound }, [degree]);
    if ((errors[0] ?? NaN) <= tolerance * largest) low = bound;
    else high = bound;
  }
  return Math.sqrt(low * high);
}
