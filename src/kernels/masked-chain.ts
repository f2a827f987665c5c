/** A denoiser that is exact: what a Markov chain says of a hidden position, given the positions that are known. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';

/** A stationary Markov chain on a device. */
export interface ChainTables {
  /** Logarithms of the powers of the transition matrix, [longest + 1, classes, classes]; the first is never looked at. */
  readonly powers: Tensor;
  /** Logarithm of the stationary distribution, [classes]. */
  readonly stationary: Tensor;
}

/** Which positions `maskedChainLogits` looks at. */
export type MaskedChainOptions =
  | {
      /** One position of each sequence, u32 [events, batch], and which of the events. */
      readonly positions: Tensor;
      readonly event: number;
    }
  | {
      /** All positions, each of which stays hidden with this probability, above 0 and below 1. */
      readonly stay: number;
    };

/** The logarithm of a probability that is zero. */
const never = -1e30;

/**
 * Log-probabilities of the classes at hidden positions of sequences, u32 [batch, length]; the class `classes` stands for
 * "hidden". By the Markov property only the nearest known position on either side counts.
 *
 * With `positions`: of one position in each sequence, [batch, classes]. With `stay`: of every position and with staying hidden as
 * one class more, [batch * length, classes + 1]; a known position keeps its class.
 */
export const maskedChainLogits = defineKernel({
  name: 'maskedChainLogits',
  summary: 'Exact log-probabilities of hidden positions of a Markov chain, given the known ones.',
  shaders: ['sampling/chain_logits'],
  cost: (tokens: Tensor, chain: ChainTables, options: MaskedChainOptions) => {
    const { batch, length, classes } = checkChain(tokens, chain, options);
    const items = 'stay' in options ? batch * length : batch;
    return { flops: items * (2 * length + 4 * classes), bytes: 4 * items * (3 * classes + length) };
  },
  webgpu(gpu, tokens, chain, options): Tensor {
    const [batch = 1, length = 1] = tokens.shape;
    const [longest = 1, classes = 1] = chain.powers.shape;
    const isChosen = 'positions' in options;
    const items = isChosen ? batch : batch * length;
    const out = gpu.empty(isChosen ? [batch, classes] : [items, classes + 1]);
    gpu.dispatch({
      shader: 'sampling/chain_logits',
      conditions: { chosen: isChosen },
      uniforms: {
        items: u32(items),
        length: u32(length),
        classes: u32(classes),
        longest: u32(longest - 1),
        event: u32(isChosen ? options.event : 0),
        stay: f32(isChosen ? 0 : Math.log(options.stay)),
        moveOn: f32(isChosen ? 0 : Math.log1p(-options.stay)),
      },
      reads: [tokens, chain.powers, chain.stationary, ...(isChosen ? [options.positions] : [])],
      writes: [out],
      workgroups: [Math.ceil(items / 64)],
    });
    return out;
  },
  reference(cpu, tokens, chain, options): Tensor {
    const { batch, length, classes } = checkChain(tokens, chain, options);
    if ('positions' in options) {
      const out = cpu.empty([batch, classes]);
      for (let sequence = 0; sequence < batch; sequence++) {
        const row = tokens.data.slice(sequence * length, (sequence + 1) * length);
        const position = options.positions.data[options.event * batch + sequence] ?? 0;
        out.data.set(posterior(row, position, chain), sequence * classes);
      }
      return out;
    }
    const out = cpu.full([batch * length, classes + 1], never);
    tokens.data.forEach((token, item) => {
      const first = item * (classes + 1);
      if (token < classes) {
        out.data[first + token] = 0;
        return;
      }
      const position = item % length;
      const row = tokens.data.slice(item - position, item - position + length);
      const values = posterior(row, position, chain).map((value) => value + Math.log1p(-options.stay));
      out.data.set([...values, Math.log(options.stay)], first);
    });
    return out;
  },
});

function checkChain(tokens: Tensor, chain: ChainTables, options: MaskedChainOptions) {
  const [batch, length] = matrixShape(tokens, 'tokens');
  const [longest = 0, classes = 0] = chain.powers.shape;
  if (tokens.type !== 'u32' || longest <= length || chain.stationary.size !== classes) {
    throw new InvalidInputError(
      'maskedChainLogits needs u32 tokens and powers of the chain up to the length of a sequence.',
    );
  }
  if (
    'stay' in options ? !(options.stay > 0 && options.stay < 1) : options.positions.size < (options.event + 1) * batch
  ) {
    throw new InvalidInputError('maskedChainLogits needs stay between 0 and 1, or a position for each sequence.');
  }
  return { batch, length, classes };
}

function posterior(
  row: ArrayLike<number>,
  position: number,
  { powers, stationary }: { readonly powers: ReferenceTensor; readonly stationary: ReferenceTensor },
): number[] {
  const classes = stationary.size;
  const isKnown = (at: number): boolean => (row[at] ?? classes) < classes;
  const transition = (distance: number, start: number, end: number): number =>
    powers.data[(distance * classes + start) * classes + end] ?? never;
  let left = position - 1;
  while (left >= 0 && !isKnown(left)) left -= 1;
  let right = position + 1;
  while (right < row.length && !isKnown(right)) right += 1;
  const before = left >= 0 ? row[left] : undefined;
  const after = right < row.length ? row[right] : undefined;
  const from = (distance: number, end: number): number =>
    before === undefined ? (stationary.data[end] ?? never) : transition(distance, before, end);
  const total = after === undefined ? 0 : from(right - left, after);
  return Array.from(
    { length: classes },
    (_, end) =>
      from(position - left, end) + (after === undefined ? 0 : transition(right - position, end, after)) - total,
  );
}

/** Writes samples [batch] (u32) into tokens [batch, length] (u32) at the positions of one event; returns the tokens. */
export const revealTokens = defineKernel({
  name: 'revealTokens',
  summary: 'Writes one sampled class into each sequence, in place.',
  shaders: ['sampling/reveal'],
  cost: (tokens: Tensor, samples: Tensor, positions: Tensor, event: number) => {
    const [batch] = checkReveal(tokens, samples, positions, event);
    return { flops: 0, bytes: 12 * batch };
  },
  webgpu(gpu, tokens, samples, positions, event): Tensor {
    const [batch = 1, length = 1] = tokens.shape;
    gpu.dispatch({
      shader: 'sampling/reveal',
      uniforms: { batch: u32(batch), length: u32(length), event: u32(event) },
      reads: [samples, positions],
      writes: [tokens],
      workgroups: [Math.ceil(batch / 64)],
    });
    return tokens;
  },
  reference(_, tokens, samples, positions, event): Tensor {
    const [batch, length] = checkReveal(tokens, samples, positions, event);
    for (let sequence = 0; sequence < batch; sequence++) {
      tokens.data[sequence * length + (positions.data[event * batch + sequence] ?? 0)] = samples.data[sequence] ?? 0;
    }
    return tokens;
  },
});

function checkReveal(
  tokens: Tensor,
  samples: Tensor,
  positions: Tensor,
  event: number,
): readonly [batch: number, length: number] {
  const [batch, length] = matrixShape(tokens, 'tokens');
  if ([tokens, samples, positions].some(({ type }) => type !== 'u32')) {
    throw new InvalidInputError('revealTokens works on u32 tensors only.');
  }
  if (samples.size !== batch || positions.size < (event + 1) * batch) {
    throw new InvalidInputError(`revealTokens needs a sample and a position for each of ${String(batch)} sequences.`);
  }
  return [batch, length];
}
