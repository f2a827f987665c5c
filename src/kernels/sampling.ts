/** Drawing classes from logits by the Gumbel-max trick, in float32 as it is usually done and with noise that is exact. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { philox4x32 } from './random';
import { rowWorkgroup } from './row-workgroup';
import { checkLogits } from './softmax';

/** Options of `sampleCategorical`. */
export interface CategoricalOptions {
  /** An unsigned 32-bit integer. */
  readonly seed: number;
  /** An unsigned 32-bit integer that tells independent uses of one seed apart. Default 0. */
  readonly stream?: number;
  /**
   * `precise` (default): 64 random bits for each class, so that noise of any size occurs as often as it should.
   * `single`: the noise -log(-log(u)) with u a multiple of 2^-bits, as float32 generators give it: never above bits * ln 2.
   */
  readonly noise?: 'precise' | 'single';
  /** Bits of u for `single`: 24 as float32 has them (default), 11 as float16, 8 as bfloat16. From 1 to 24. */
  readonly bits?: number;
  /** How many classes to draw for each row. Default 1. */
  readonly draws?: number;
  /** Where to put the classes, u32 of any shape with rows * draws elements; a new tensor [rows, draws] unless given. */
  readonly out?: Tensor;
}

/**
 * Draws classes with the probabilities softmax(logits), each as the largest of logit + Gumbel noise: logits [rows, classes]
 * -> [rows, draws], u32. The same seed and stream give the same noise on every device: word block b of item i is the Philox
 * block (b, i, 0, 0). A class with a logit 1e30 below the others is never drawn. Equal scores go to the lower class.
 *
 * Throws `InvalidInputError` for logits that are not an f32 matrix, and for a seed, bits or draws out of range.
 */
export const sampleCategorical = defineKernel({
  name: 'sampleCategorical',
  summary: 'Draws classes from rows of logits by the Gumbel-max trick: [rows, classes] becomes [rows, draws].',
  shaders: ['sampling/categorical'],
  cost: (logits: Tensor, options: CategoricalOptions) => {
    const { rows, draws, noise } = checkDraws(logits, options);
    const flops = noise === 'single' ? 70 : 110;
    return { flops: flops * draws * logits.size, bytes: 4 * draws * (logits.size + rows) };
  },
  webgpu(gpu, logits, options): Tensor {
    const [rows = 1, classes = 1] = logits.shape;
    const { seed, stream, noise, bits, draws } = checkOptions(options);
    const isSingle = noise === 'single';
    const out = options.out ?? gpu.empty([rows, draws], 'u32');
    const blocks = Math.ceil(classes / (isSingle ? 4 : 2));
    const { lanes, rows: items } = rowWorkgroup(gpu, blocks);
    gpu.dispatch({
      shader: 'sampling/categorical',
      conditions: { single: isSingle },
      constants: { LANES: lanes, ITEMS: items },
      uniforms: {
        items: u32(rows * draws),
        classes: u32(classes),
        draws: u32(draws),
        seed: u32(seed),
        stream: u32(stream),
        ...(isSingle ? { bits: u32(bits) } : {}),
      },
      reads: [logits],
      writes: [out],
      workgroups: [Math.ceil((rows * draws) / items)],
    });
    return out;
  },
  reference(cpu, logits, options): Tensor {
    const { rows, classes, draws } = checkDraws(logits, options);
    const out = options.out ?? cpu.empty([rows, draws], 'u32');
    for (let item = 0; item < rows * draws; item++) {
      const first = Math.floor(item / draws) * classes;
      let best = -Infinity;
      for (let index = 0; index < classes; index++) {
        const score = (logits.data[first + index] ?? 0) + gumbelNoise(options, item, index);
        if (score > best) [best, out.data[item]] = [score, index];
      }
    }
    return out;
  },
});

/** The noise that `sampleCategorical` adds to a class of an item, in float64. */
export function gumbelNoise(options: Omit<CategoricalOptions, 'out'>, item: number, index: number): number {
  const { seed, stream, noise, bits } = checkOptions(options);
  if (noise === 'single') {
    const word = philox4x32([Math.floor(index / 4), item, 0, 0], [seed, stream])[index % 4] ?? 0;
    const uniform = Math.floor(word / 2 ** (32 - bits)) * 2 ** -bits;
    return uniform === 0 ? -3e38 : -Math.log(-Math.log(uniform));
  }
  const words = philox4x32([Math.floor(index / 2), item, 0, 0], [seed, stream]);
  const [high, low] = index % 2 === 0 ? [words[0], words[1]] : [words[2], words[3]];
  const v = (high % 2 ** 31) * 2 ** -32 + (low + 0.5) * 2 ** -64;
  return -Math.log(high >= 2 ** 31 ? -Math.log(v) : -Math.log1p(-v));
}

/** Options of `countCategories`. */
export interface CountOptions {
  /** Counts to add to, u32 [classes]; zeros unless given. */
  readonly into?: Tensor;
}

/** Counts how often each class occurs: samples of any shape (u32) -> [classes] (u32). Samples not below `classes` are left out. */
export const countCategories = defineKernel({
  name: 'countCategories',
  summary: 'Counts how often each class occurs, by integer atomics.',
  shaders: ['sampling/count'],
  cost: (samples: Tensor, classes: number, { into }: CountOptions = {}) => {
    checkCounts(samples, classes, into);
    return { flops: samples.size, bytes: 8 * samples.size };
  },
  webgpu(gpu, samples, classes, { into = gpu.full([classes], 0, 'u32') } = {}): Tensor {
    gpu.dispatch({
      shader: 'sampling/count',
      uniforms: { size: u32(samples.size), classes: u32(classes) },
      reads: [samples],
      writes: [into],
      workgroups: [Math.ceil(samples.size / 256)],
    });
    return into;
  },
  reference(cpu, samples, classes, { into = cpu.full([classes], 0, 'u32') } = {}): Tensor {
    checkCounts(samples, classes, into);
    for (const sample of samples.data) if (sample < classes) into.data[sample] = (into.data[sample] ?? 0) + 1;
    return into;
  },
});

function checkCounts(samples: Tensor, classes: number, into: Tensor | undefined): void {
  if (samples.type !== 'u32') throw new InvalidInputError(`countCategories counts u32 samples, not ${samples.type}.`);
  if (into !== undefined && (into.type !== 'u32' || into.size !== classes || into === samples)) {
    throw new InvalidInputError(`countCategories needs ${String(classes)} u32 counts to add to.`, { field: 'into' });
  }
}

function checkDraws(logits: Tensor, { out, ...options }: CategoricalOptions) {
  const [rows, classes] = checkLogits('sampleCategorical', logits);
  const { draws, noise } = checkOptions(options);
  if (out !== undefined && (out === logits || out.type !== 'u32' || out.size !== rows * draws)) {
    throw new InvalidInputError(`sampleCategorical needs ${String(rows * draws)} u32 elements as out.`, {
      field: 'out',
    });
  }
  return { rows, classes, draws, noise };
}

function checkOptions({
  seed,
  stream = 0,
  noise = 'precise',
  bits = 24,
  draws = 1,
}: Omit<CategoricalOptions, 'out'>): Required<Omit<CategoricalOptions, 'out'>> {
  const require = (field: string, value: number, low: number, high: number): void => {
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new InvalidInputError(
        `sampleCategorical needs ${field} to be a whole number from ${String(low)} to ${String(high)}, not ${String(value)}.`,
        { field, value },
      );
    }
  };
  require('seed', seed, 0, 2 ** 32 - 1);
  require('stream', stream, 0, 2 ** 32 - 1);
  require('bits', bits, 1, 24);
  require('draws', draws, 1, 2 ** 24);
  return { seed, stream, noise, bits, draws };
}
