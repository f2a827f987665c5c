/**
 * Triple detection: does a token have two others with which its number adds up to 0 modulo M? One head of attention over pairs
 * of keys solves it with four columns; ordinary attention, which sees one key at a time, cannot (Sanford, Hsu, Telgarsky,
 * NeurIPS 2023; Alman and Song, ICLR 2024).
 */
import type { Device } from '../device/device';
import { attention } from '../kernels/attention';
import { Philox } from '../kernels/random';
import { tensorAttention } from '../kernels/tensor-attention';

/** Sequences of numbers modulo `modulus`, and which tokens have a pair. */
export interface TripleTask {
  readonly length: number;
  readonly modulus: number;
  readonly sequences: readonly Uint32Array[];
  /** 1 where x_i + x_j + x_k = 0 modulo M for some j and k, token by token. */
  readonly labels: readonly Uint8Array[];
}

/** Draws sequences; about half of the tokens have a pair, because the modulus is length² / (2 ln 2). */
export function makeTriples(length: number, sequences: number, seed: number): TripleTask {
  const modulus = Math.max(3, Math.round(length ** 2 / (2 * Math.LN2)));
  const random = new Philox(seed);
  const made = Array.from({ length: sequences }, () =>
    Uint32Array.from({ length }, () => Math.min(modulus - 1, Math.floor(random.uniform() * modulus))),
  );
  return { length, modulus, sequences: made, labels: made.map((numbers) => labelTriples(numbers, modulus)) };
}

function labelTriples(numbers: Uint32Array, modulus: number): Uint8Array {
  const sums = new Set<number>();
  for (const one of numbers) for (const other of numbers) sums.add((one + other) % modulus);
  return Uint8Array.from(numbers, (number) => (sums.has((modulus - number) % modulus) ? 1 : 0));
}

/**
 * Detects with one head over pairs: cos(a + b + c) is a sum of four products of a function of a, of b and of c, so it can be
 * the logit. At a large scale the head looks at the pair that comes closest, and the keys, given as values too, let each token
 * read off how close that is. Returns 0 or 1 for each token of each sequence.
 */
export async function detectWithPairs(device: Device, task: TripleTask): Promise<Uint8Array[]> {
  const { length, modulus } = task;
  // Between a pair that fits and the next best one the cosine drops by this; the scale makes that outweigh all pairs together.
  const gap = 1 - Math.cos((2 * Math.PI) / modulus);
  const scale = (2 * Math.log(length) + 8) / gap;
  const found: Uint8Array[] = [];
  for (const numbers of task.sequences) {
    using _scope = device.scope();
    const angles = Float64Array.from(numbers, (number) => (2 * Math.PI * number) / modulus);
    const table = (row: (cosine: number, sine: number) => readonly number[]) =>
      device.tensor(
        Array.from(angles).flatMap((angle) => row(Math.cos(angle), Math.sin(angle))),
        [length, 4],
      );
    const queries = table((cosine, sine) => [cosine, -cosine, -sine, -sine]);
    const first = table((cosine, sine) => [cosine, sine, cosine, sine]);
    const second = table((cosine, sine) => [cosine, sine, sine, cosine]);
    const input = { queries, keys: [first, second], values: [first, second] };
    const read = await tensorAttention(input, { scale }).read();
    found.push(
      Uint8Array.from(angles, (angle, token) => {
        const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
        const [a = 0, b = 0, c = 0, d = 0] = read.subarray(4 * token, 4 * token + 4);
        return cosine * a - cosine * b - sine * c - sine * d > 1 - gap / 2 ? 1 : 0;
      }),
    );
  }
  return found;
}

/** Heads of the ordinary attention that is tried beside, and the powers of the scale they are spread over. */
const heads = 8;

/**
 * Tries it with ordinary attention: eight heads whose logits are cos(a + b + phase) at scales from 1 to 10,000, and the best
 * linear read-out of their outputs and the token itself, fitted by least squares to the first half of the sequences. Returns
 * 0 or 1 for each token of the second half.
 */
export async function detectWithSingles(device: Device, task: TripleTask, seed: number): Promise<Uint8Array[]> {
  const { length, modulus } = task;
  const random = new Philox(seed);
  const phases = Array.from({ length: heads }, () => 2 * Math.PI * random.uniform());
  const rows: Float64Array[][] = [];
  for (const numbers of task.sequences) {
    using _scope = device.scope();
    const angles = Float64Array.from(numbers, (number) => (2 * Math.PI * number) / modulus);
    const matrix = (columns: number, entries: (angle: number) => readonly number[]) =>
      device.tensor(Array.from(angles).flatMap(entries), [length, columns]);
    const queries = matrix(2 * heads, (angle) =>
      phases.flatMap((phase, head) => {
        const scale = 10 ** ((4 * head) / (heads - 1));
        return [scale * Math.cos(angle + phase), scale * Math.sin(angle + phase)];
      }),
    );
    const keys = matrix(2 * heads, (angle) => phases.flatMap(() => [Math.cos(angle), -Math.sin(angle)]));
    const values = matrix(4 * heads, (angle) =>
      phases.flatMap(() => [Math.cos(angle), Math.sin(angle), Math.cos(2 * angle), Math.sin(2 * angle)]),
    );
    const read = await attention(queries, keys, values, { heads, scale: 1 }).read();
    rows.push(
      Array.from(angles, (angle, token) => {
        const outputs = Array.from(read.subarray(4 * heads * token, 4 * heads * (token + 1)));
        return Float64Array.from(
          [1, Math.cos(angle), Math.sin(angle)].flatMap((own) => [own, ...outputs.map((output) => own * output)]),
        );
      }),
    );
  }
  const half = Math.ceil(rows.length / 2);
  const weights = leastSquares(
    rows.slice(0, half).flat(),
    task.labels.slice(0, half).flatMap((labels) => Array.from(labels)),
  );
  return rows.slice(half).map((tokens) => Uint8Array.from(tokens, (row) => (dot(row, weights) > 0.5 ? 1 : 0)));
}

/** Of the tokens, how many were told right. */
export function accuracy(found: readonly Uint8Array[], labels: readonly Uint8Array[]): number {
  const right = found.flatMap((tokens, at) => Array.from(tokens, (value, token) => value === labels[at]?.[token]));
  return right.filter(Boolean).length / right.length;
}

const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let sum = 0;
  for (let at = 0; at < x.length; at++) sum += (x[at] ?? 0) * (y[at] ?? 0);
  return sum;
};

/** Weights w with the least sum of (row . w - target)^2 + 1e-3 |w|^2, by the normal equations and elimination. */
function leastSquares(rows: readonly Float64Array[], targets: readonly number[]): Float64Array {
  const size = rows[0]?.length ?? 0;
  const system = Array.from({ length: size }, (_, i) => {
    const line = new Float64Array(size + 1);
    rows.forEach((row, at) => {
      for (let j = 0; j < size; j++) line[j] = (line[j] ?? 0) + (row[i] ?? 0) * (row[j] ?? 0);
      line[size] = (line[size] ?? 0) + (row[i] ?? 0) * (targets[at] ?? 0);
    });
    line[i] = (line[i] ?? 0) + 1e-3;
    return line;
  });
  // Positive definite, so no pivoting is needed.
  system.forEach((pivot, i) => {
    for (const line of system.slice(i + 1)) {
      const factor = (line[i] ?? 0) / (pivot[i] ?? 1);
      for (let j = i; j <= size; j++) line[j] = (line[j] ?? 0) - factor * (pivot[j] ?? 0);
    }
  });
  const weights = new Float64Array(size);
  for (let i = size - 1; i >= 0; i--) {
    const line = system[i] ?? new Float64Array(size + 1);
    weights[i] = ((line[size] ?? 0) - dot(line.subarray(i + 1, size), weights.subarray(i + 1))) / (line[i] ?? 1);
  }
  return weights;
}
