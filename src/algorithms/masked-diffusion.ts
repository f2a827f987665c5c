/**
 * Masked diffusion with a denoiser that is exact: sequences of a Markov chain, drawn from all hidden to all known by many small
 * steps, or by the first-hitting sampler, which jumps from one unmasking to the next (Zheng et al. 2025). Hidden shares are 1 -
 * alpha(t) with alpha(t) = 1 - t, time running from 1 down to 0.
 */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { maskedChainLogits, revealTokens, type ChainTables } from '../kernels/masked-chain';
import { Philox } from '../kernels/random';
import { sampleCategorical } from '../kernels/sampling';

/** A stationary Markov chain over characters, in float64 on the host. */
export interface CharacterChain {
  readonly characters: string;
  /** Transition probabilities, row by row; none is zero. */
  readonly transitions: Float64Array;
  readonly stationary: Float64Array;
}

/** The alphabet: letters and the space. */
const alphabet = ' abcdefghijklmnopqrstuvwxyz';

/** How characters follow each other in a text; what is no letter counts as a space. Each pair is given 0.05 occurrences more. */
export function chainOfText(text: string): CharacterChain {
  const clean = text
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, ' ')
    .trim();
  if (clean.length < 2) throw new InvalidInputError('A chain needs a text of at least two letters.', { field: 'text' });
  const size = alphabet.length;
  const transitions = new Float64Array(size * size).fill(0.05);
  for (let i = 0; i + 1 < clean.length; i++) {
    const at = alphabet.indexOf(clean[i] ?? ' ') * size + alphabet.indexOf(clean[i + 1] ?? ' ');
    transitions[at] = (transitions[at] ?? 0) + 1;
  }
  for (let row = 0; row < size; row++) {
    const entries = transitions.subarray(row * size, (row + 1) * size);
    const total = entries.reduce((sum, value) => sum + value, 0);
    entries.forEach((value, column) => (entries[column] = value / total));
  }
  let stationary = new Float64Array(size).fill(1 / size);
  // The second eigenvalue of such a chain is near 0.5: after 200 steps nothing is left of it.
  for (let step = 0; step < 200; step++) stationary = multiply(stationary, transitions, 1, size);
  return { characters: alphabet, transitions, stationary };
}

function multiply(left: Float64Array, right: Float64Array, rows: number, size: number): Float64Array<ArrayBuffer> {
  const product = new Float64Array(rows * size);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < size; k++) {
      const factor = left[row * size + k] ?? 0;
      for (let column = 0; column < size; column++) {
        product[row * size + column] = (product[row * size + column] ?? 0) + factor * (right[k * size + column] ?? 0);
      }
    }
  }
  return product;
}

/** Puts what the denoiser needs for sequences of this length on a device; it belongs to the scope that is open. */
function placeChain(device: Device, { transitions, stationary }: CharacterChain, length: number): ChainTables {
  const size = stationary.length;
  const powers = new Float32Array((length + 1) * size * size);
  let power: Float64Array = transitions;
  for (let distance = 1; distance <= length; distance++) {
    powers.set(power.map(Math.log), distance * size * size);
    power = multiply(power, transitions, size, size);
  }
  return {
    powers: device.tensor(powers, [length + 1, size, size]),
    stationary: device.tensor(stationary.map(Math.log), [size]),
  };
}

/** What to draw. */
export interface DiffusionOptions {
  readonly batch: number;
  readonly length: number;
  readonly seed: number;
  /** The noise of categorical sampling, as in `sampleCategorical`. */
  readonly noise?: 'precise' | 'single';
  readonly bits?: number;
}

/** Where a sampler stands. */
export interface DiffusionState {
  /** Tokens, batch * length; the number of characters stands for "hidden". */
  readonly tokens: Uint32Array;
  readonly step: number;
  readonly steps: number;
  /** The time that is left, from 1 down to 0; for the first-hitting sampler that of the first sequence. */
  readonly time: number;
  readonly milliseconds: number;
  /** Noise drawn so far: one for each class at each position looked at. */
  readonly noises: number;
}

/** How often a sampler shows where it stands. */
const shownStates = 8;

/**
 * The original sampler: `steps` equal steps of time, in each of which every position draws between staying hidden and each
 * character. Positions that unmask in the same step do not know of each other, an error that vanishes with many steps.
 */
export async function* smallSteps(
  device: Device,
  chain: CharacterChain,
  { batch, length, seed, steps, ...noise }: DiffusionOptions & { readonly steps: number },
): AsyncGenerator<DiffusionState> {
  using _scope = device.scope();
  const tables = placeChain(device, chain, length);
  const classes = chain.characters.length;
  let current = device.full([batch, length], classes, 'u32');
  let next = device.empty([batch, length], 'u32');
  const start = performance.now();
  for (let step = 0; step < steps;) {
    const end = Math.min(steps, step + Math.ceil(steps / shownStates));
    for (; step < end; step++) {
      using _step = device.scope();
      // Of the hidden share (steps - step) / steps, all but one part stays; in the last step nothing does.
      const stay = Math.max(1 - 1 / (steps - step), 1e-30);
      sampleCategorical(maskedChainLogits(current, tables, { stay }), { ...noise, seed, stream: 1 + step, out: next });
      [current, next] = [next, current];
      if (step % 16 === 15) await device.flush();
    }
    const tokens = Uint32Array.from(await device.read(current));
    const noises = step * batch * length * (classes + 1);
    yield { tokens, step, steps, time: 1 - step / steps, milliseconds: performance.now() - start, noises };
  }
}

/**
 * The first-hitting sampler: with n positions hidden at time t, the next unmasking comes at
 * alpha^-1(1 - u^(1/n) (1 - alpha(t))), u uniform, and may hit any of them. Positions do not depend on times, so the whole run is
 * `length` draws of one character for each sequence.
 */
export async function* firstHitting(
  device: Device,
  chain: CharacterChain,
  { batch, length, seed, ...noise }: DiffusionOptions,
): AsyncGenerator<DiffusionState> {
  using _scope = device.scope();
  const tables = placeChain(device, chain, length);
  const classes = chain.characters.length;
  const random = new Philox(seed, 2 ** 31);
  const times = hittingTimes(length, random);
  const order = new Uint32Array(length * batch);
  for (let sequence = 0; sequence < batch; sequence++) {
    random.sample(length, length).forEach((position, event) => (order[event * batch + sequence] = position));
  }
  const positions = device.tensor(order, [length, batch], 'u32');
  const tokens = device.full([batch, length], classes, 'u32');
  const start = performance.now();
  for (let event = 0; event < length;) {
    const end = Math.min(length, event + Math.ceil(length / shownStates));
    for (; event < end; event++) {
      using _event = device.scope();
      const logits = maskedChainLogits(tokens, tables, { positions, event });
      revealTokens(tokens, sampleCategorical(logits, { ...noise, seed, stream: 1 + event }), positions, event);
    }
    const read = Uint32Array.from(await device.read(tokens));
    const milliseconds = performance.now() - start;
    yield {
      tokens: read,
      step: event,
      steps: length,
      time: times[event - 1] ?? 0,
      milliseconds,
      noises: event * batch * classes,
    };
  }
}

/** The times at which `length` hidden positions unmask, falling from 1, for alpha(t) = 1 - t. */
export function hittingTimes(length: number, random: Philox): Float64Array {
  const alpha = (time: number): number => 1 - time;
  const inverse = (share: number): number => 1 - share;
  const times = new Float64Array(length);
  let time = 1;
  for (let hidden = length; hidden > 0; hidden--) {
    time = inverse(1 - random.uniform() ** (1 / hidden) * (1 - alpha(time)));
    times[length - hidden] = time;
  }
  return times;
}
