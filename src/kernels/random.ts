/**
 * Random numbers from one counter-based generator, the same in WGSL and in TypeScript: Philox4x32-10 (Salmon, Moraes,
 * Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Draw i of a stream is word i mod 4 of block i div 4.
 */
import { InvalidInputError } from '../device/errors';
import type { Device } from '../device/device';
import { defineKernel } from '../device/kernel';
import { sizeOf, type Shape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { WebGpuDevice } from '../device/webgpu-device';

/** Which random numbers: the same seed and stream give the same ones on every device. */
export interface RandomOptions {
  /** An unsigned 32-bit integer, from the lab's seed. */
  readonly seed: number;
  /** An unsigned 32-bit integer that tells independent uses of one seed apart (an iteration, a purpose). Default 0. */
  readonly stream?: number;
}

/** Options of `randomIntegers`. */
export interface RandomIntegerOptions extends RandomOptions {
  /** Numbers run from 0 to `below - 1`; at most 2^32, which is the default. */
  readonly below?: number;
}

const TWO_TO_MINUS_24 = 2 ** -24;
const TWO_TO_32 = 2 ** 32;

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const carry = aLow * bHigh + (middle % 65536);
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536);
}

/** The Philox4x32-10 block at a counter of four words under a key of two: four unsigned 32-bit integers. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [x, y, z, w] = counter;
  let [keyX, keyY] = key;
  for (let round = 0; round < 10; round++) {
    const low0 = Math.imul(0xd2511f53, x);
    const high0 = multiplyHigh(0xd2511f53, x);
    const low1 = Math.imul(0xcd9e8d57, z);
    const high1 = multiplyHigh(0xcd9e8d57, z);
    x = (high1 ^ y ^ keyX) >>> 0;
    y = low1 >>> 0;
    z = (high0 ^ w ^ keyY) >>> 0;
    w = low0 >>> 0;
    keyX = (keyX + 0x9e3779b9) >>> 0;
    keyY = (keyY + 0xbb67ae85) >>> 0;
  }
  return [x, y, z, w];
}

/** Two standard normal numbers from two words (Box and Muller 1958), in float64 from the same 24 bits that WGSL uses. */
function normalsFromWords(first: number, second: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log1p(-(first >>> 8) * TWO_TO_MINUS_24));
  const k = second >>> 8;
  const quarter = (k + 0x200000) >>> 22;
  const angle = (k - quarter * 0x400000) * (Math.PI / 2 / 0x400000);
  const cosine = radius * Math.cos(angle);
  const sine = radius * Math.sin(angle);
  switch (quarter & 3) {
    case 0:
      return [cosine, sine];
    case 1:
      return [-sine, cosine];
    case 2:
      return [-cosine, -sine];
    default:
      return [sine, -cosine];
  }
}

/**
 * One stream of random numbers. `new Philox(seed, stream)` yields, draw by draw, what the kernels of the same seed and
 * stream put into a tensor, as long as one kind of number is drawn. Throws `InvalidInputError` for a seed or stream that is not
 * an unsigned 32-bit integer.
 */
export class Philox {
  readonly #key: readonly [number, number];
  #block = 0;
  #words: readonly number[] = [];
  #used = 0;
  #spareNormal: number | undefined;

  constructor(seed: number, stream = 0) {
    this.#key = [requireWord(seed, 'seed'), requireWord(stream, 'stream')];
  }

  /** The next 32 random bits, as an unsigned integer. */
  word(): number {
    if (this.#used === this.#words.length) {
      this.#words = philox4x32([this.#block >>> 0, Math.floor(this.#block / TWO_TO_32), 0, 0], this.#key);
      this.#block += 1;
      this.#used = 0;
    }
    return this.#words[this.#used++] ?? 0;
  }

  /** Uniform on [0, 1), a multiple of 2^-24: exact in float32. */
  uniform(): number {
    return (this.word() >>> 8) * TWO_TO_MINUS_24;
  }

  /** Standard normal; two words give two numbers. The largest magnitude is 5.77. */
  normal(): number {
    const spare = this.#spareNormal;
    if (spare !== undefined) {
      this.#spareNormal = undefined;
      return spare;
    }
    const [first, second] = normalsFromWords(this.word(), this.word());
    this.#spareNormal = second;
    return first;
  }

  /** A whole number from 0 to `below - 1`, by the upper half of a product: no probability is off by more than 2^-32. */
  integer(below: number): number {
    return boundedInteger(this.word(), requireBound(below));
  }

  /** Puts the items in random order, in place (Fisher and Yates). */
  shuffle<T>(items: { [index: number]: T; readonly length: number }): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const held = items[last] as T;
      items[last] = items[other] as T;
      items[other] = held;
    }
  }

  /**
   * `count` different whole numbers out of 0 to `population - 1`, in random order; memory and time grow with `count` only.
   * Throws `InvalidInputError` if there are not that many.
   */
  sample(count: number, population: number): Uint32Array<ArrayBuffer> {
    requireBound(population);
    if (!Number.isInteger(count) || count < 0 || count > population) {
      throw new InvalidInputError(
        `Cannot draw ${String(count)} different items out of ${String(population)}: ask for a whole number from 0 to ${String(population)}.`,
        { field: 'count', count, population },
      );
    }
    // A shuffle that stops early; only positions that were moved are remembered.
    const moved = new Map<number, number>();
    const drawn = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const j = i + this.integer(population - i);
      drawn[i] = moved.get(j) ?? j;
      moved.set(j, moved.get(i) ?? i);
    }
    return drawn;
  }
}

function boundedInteger(word: number, below: number): number {
  return below === TWO_TO_32 ? word : multiplyHigh(word, below);
}

function requireWord(value: number, field: 'seed' | 'stream'): number {
  if (!Number.isInteger(value) || value < 0 || value >= TWO_TO_32) {
    throw new InvalidInputError(`The ${field} must be a whole number from 0 to 4294967295, not ${String(value)}.`, {
      field,
      value,
    });
  }
  return value;
}

function requireBound(below: number): number {
  if (!Number.isInteger(below) || below < 1 || below > TWO_TO_32) {
    throw new InvalidInputError(`Random integers need an upper bound from 1 to 2^32, not ${String(below)}.`, {
      field: 'below',
      below,
    });
  }
  return below;
}

/** Numbers that one workgroup makes: 256 invocations of one block each. */
const NUMBERS_PER_WORKGROUP = 1024;

function dispatchRandom(
  gpu: WebGpuDevice,
  name: 'uniform' | 'normal' | 'integers',
  shape: Shape,
  { seed, stream = 0 }: RandomOptions,
  more: Readonly<Record<string, ReturnType<typeof u32>>> = {},
): Tensor {
  const uniforms = {
    size: u32(sizeOf(shape)),
    seed: u32(requireWord(seed, 'seed')),
    stream: u32(requireWord(stream, 'stream')),
    ...more,
  };
  const out = gpu.empty(shape, name === 'integers' ? 'u32' : 'f32');
  gpu.dispatch({
    shader: `random/${name}`,
    uniforms,
    reads: [],
    writes: [out],
    workgroups: [Math.ceil(out.size / NUMBERS_PER_WORKGROUP), 1, 1],
  });
  return out;
}

/** Uniform numbers on [0, 1) with 24 bits: bit for bit `new Philox(seed, stream).uniform()`. */
export const randomUniform = defineKernel({
  name: 'randomUniform',
  summary: 'Uniform random numbers on [0, 1), the same on every device.',
  shaders: ['random/uniform'],
  cost: (device: Device, shape: Shape, options: RandomOptions) => cost(device, shape, options, 20),
  webgpu(gpu, _device, shape, options) {
    return dispatchRandom(gpu, 'uniform', shape, options);
  },
  reference(cpu, _device, shape, { seed, stream }): Tensor {
    const random = new Philox(seed, stream);
    const out = cpu.empty(shape);
    for (let i = 0; i < out.size; i++) out.data[i] = random.uniform();
    return out;
  },
});

/** Standard normal numbers: the float32 roundings of `new Philox(seed, stream).normal()` to within 20 units in the last place. */
export const randomNormal = defineKernel({
  name: 'randomNormal',
  summary: 'Standard normal random numbers (Box-Muller), from the same bits on every device.',
  shaders: ['random/normal'],
  cost: (device: Device, shape: Shape, options: RandomOptions) => cost(device, shape, options, 40),
  webgpu(gpu, _device, shape, options) {
    return dispatchRandom(gpu, 'normal', shape, options);
  },
  reference(cpu, _device, shape, { seed, stream }): Tensor {
    const random = new Philox(seed, stream);
    const out = cpu.empty(shape);
    for (let i = 0; i < out.size; i++) out.data[i] = random.normal();
    return out;
  },
});

/** Whole numbers from 0 to `below - 1` (u32): equal to `new Philox(seed, stream).integer(below)`. */
export const randomIntegers = defineKernel({
  name: 'randomIntegers',
  summary: 'Uniform random whole numbers below a bound, the same on every device.',
  shaders: ['random/integers'],
  cost: (device: Device, shape: Shape, options: RandomIntegerOptions) => cost(device, shape, options, 20),
  webgpu(gpu, _device, shape, { below = TWO_TO_32, ...options }) {
    // 2^32 does not fit a u32; the shader takes 0 for "all 32 bits".
    return dispatchRandom(gpu, 'integers', shape, options, { below: u32(requireBound(below) % TWO_TO_32) });
  },
  reference(cpu, _device, shape, { seed, stream, below = TWO_TO_32 }): Tensor {
    const random = new Philox(seed, stream);
    const out = cpu.empty(shape, 'u32');
    for (let i = 0; i < out.size; i++) out.data[i] = random.integer(below);
    return out;
  },
});

function cost(
  _device: Device,
  shape: Shape,
  _options: RandomOptions,
  operations: number,
): { flops: number; bytes: number } {
  const size = sizeOf(shape);
  return { flops: operations * size, bytes: 4 * size };
}
