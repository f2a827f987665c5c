/** Whether sequences come from a Markov chain: their pairs against the exact ones, in units of what exact sampling gives. */
import { Philox } from '../kernels/random';
import type { CharacterChain } from './masked-diffusion';

/** What is measured of a batch of sequences. */
export interface SampleStatistics {
  /** Total variation distance of their pairs of neighbours from the chain's. */
  readonly distance: number;
  /** Mean of -log of a character's probability under the chain, in nats a character, and its standard error. */
  readonly surprisal: number;
  readonly standardError: number;
  /** Entropy of how often each character occurs, in nats. */
  readonly entropy: number;
}

/** Statistics of tokens, batch * length, all of them known. */
export function sampleStatistics(
  { transitions, stationary }: CharacterChain,
  tokens: Uint32Array,
  length: number,
): SampleStatistics {
  const size = stationary.length;
  const batch = tokens.length / length;
  const pairs = new Float64Array(size * size);
  const singles = new Float64Array(size);
  const means: number[] = [];
  for (let sequence = 0; sequence < batch; sequence++) {
    let total = 0;
    for (let i = 0; i < length; i++) {
      const token = tokens[sequence * length + i] ?? 0;
      singles[token] = (singles[token] ?? 0) + 1;
      if (i === 0) {
        total -= Math.log(stationary[token] ?? 0);
        continue;
      }
      const at = (tokens[sequence * length + i - 1] ?? 0) * size + token;
      pairs[at] = (pairs[at] ?? 0) + 1;
      total -= Math.log(transitions[at] ?? 0);
    }
    means.push(total / length);
  }
  const count = batch * (length - 1);
  const distance = pairs.reduce((sum, value, at) => {
    const exact = (stationary[Math.floor(at / size)] ?? 0) * (transitions[at] ?? 0);
    return sum + Math.abs(value / count - exact) / 2;
  }, 0);
  const surprisal = means.reduce((sum, mean) => sum + mean, 0) / batch;
  const variance = means.reduce((sum, mean) => sum + (mean - surprisal) ** 2, 0) / Math.max(1, batch - 1);
  const entropy = singles.reduce((sum, value) => {
    const share = value / tokens.length;
    return share > 0 ? sum - share * Math.log(share) : sum;
  }, 0);
  return { distance, surprisal, standardError: Math.sqrt(variance / batch), entropy };
}

/** Draws sequences from left to right, in float64 on the host: exact samples of the chain. */
export function exactSequences(chain: CharacterChain, batch: number, length: number, random: Philox): Uint32Array {
  const size = chain.stationary.length;
  const tokens = new Uint32Array(batch * length);
  for (let at = 0; at < tokens.length; at++) {
    const before = tokens[at - 1] ?? 0;
    const row = at % length === 0 ? chain.stationary : chain.transitions.subarray(before * size, (before + 1) * size);
    let rest = random.uniform() + random.uniform() * 2 ** -24;
    let token = 0;
    for (; token < size - 1; token++) {
      rest -= row[token] ?? 0;
      if (rest < 0) break;
    }
    tokens[at] = token;
  }
  return tokens;
}

/** What exact samples of this size measure: the mean of the distance, and how far it varies. */
export interface ExactNoise {
  readonly mean: number;
  readonly deviation: number;
}

/** The distance of exact samples from the chain, over 24 batches. */
export function exactNoise(chain: CharacterChain, batch: number, length: number, seed: number): ExactNoise {
  const random = new Philox(seed, 2 ** 31 + 1);
  const distances = Array.from(
    { length: 24 },
    () => sampleStatistics(chain, exactSequences(chain, batch, length, random), length).distance,
  );
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  const variance = distances.reduce((sum, distance) => sum + (distance - mean) ** 2, 0) / (distances.length - 1);
  return { mean, deviation: Math.sqrt(variance) };
}

/** Mean surprisal of the chain's sequences of this length, in nats a character. */
export function exactSurprisal({ transitions, stationary }: CharacterChain, length: number): number {
  const size = stationary.length;
  const entropyOf = (row: Float64Array): number => row.reduce((sum, value) => sum - value * Math.log(value), 0);
  const rate = stationary.reduce(
    (sum, share, row) => sum + share * entropyOf(transitions.subarray(row * size, (row + 1) * size)),
    0,
  );
  return (entropyOf(stationary) + (length - 1) * rate) / length;
}
