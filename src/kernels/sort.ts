/**
 * Stable sorting of 32-bit keys with a payload, by digits of four or eight bits from the lowest up (a radix sort in the manner
 * of Satish, Harris and Garland 2009), and sorting into buckets. Counts and prefix sums only: the same result every time.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Device } from '../device/device';
import type { ElementType, Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { prefixSum } from './scan';
import { isSerial } from './serial';

/** Options of `radixSort`. */
export interface SortOptions {
  /** Moved along with the keys, as many elements of any type. Default: the positions 0, 1, ... as u32. */
  readonly payload?: Tensor;
  /** The largest first; equal keys keep their order all the same. Default false. */
  readonly descending?: boolean;
  /** For u32 keys below 2^bits: fewer passes. Default 32. */
  readonly bits?: number;
}

/** Sorted keys with what was moved along. */
export interface Sorted<T extends Tensor = Tensor> {
  /** In order, of the type of the keys given. */
  readonly keys: T;
  /** The payload in the order of the keys; where none was given the permutation: where each key was before. */
  readonly payload: T;
}

/** Keys of a block, which a workgroup takes or one invocation, and bits of a digit: 16 counts in all lanes, or 256 in one. */
const shared = { keysPerBlock: 1024, blocksPerGroup: 1, digitBits: 4 };
const serial = { keysPerBlock: 2048, blocksPerGroup: 4, digitBits: 8 };
const sizesOn = (device: Device): typeof shared => (isSerial(device) ? serial : shared);

/**
 * Sorts a vector of u32, i32 or f32 keys, stably, with a payload: all tensors are `[n]`. Of f32 keys, -0 comes before 0;
 * NaN would end up beyond the infinities (`checkedSort` refuses it instead). Throws `InvalidInputError` for a payload of
 * another size, and for `bits` that are not an integer from 1 to 32 or not for u32 keys.
 */
export const radixSort = defineKernel({
  name: 'radixSort',
  summary: 'Sorts keys [n] of 32 bits stably and moves a payload [n] along, or says where each key was.',
  shaders: ['sort/count', 'sort/scatter', 'scan/rows'],
  cost(keys: Tensor, options: SortOptions = {}) {
    const passes = passesOf(keys, options);
    return { flops: 8 * passes * keys.size, bytes: 20 * passes * keys.size };
  },
  webgpu(gpu, keys, options = {}): Sorted {
    passesOf(keys, options);
    using scope = gpu.scope();
    const sorted = recordSort(gpu, keys, options, 0xffff_ffff);
    return { keys: scope.keep(sorted.keys), payload: scope.keep(sorted.payload) };
  },
  reference(cpu, keys, options = {}): Sorted {
    passesOf(keys, options);
    const sign = options.descending === true ? -1 : 1;
    const [values, payload] = [keys.data, options.payload?.data];
    const order = Uint32Array.from(values.keys()).sort((i, j) => {
      const [left = 0, right = 0] = [values[i], values[j]];
      return sign * (left - right || Number(Object.is(right, -0)) - Number(Object.is(left, -0))) || i - j;
    });
    return {
      keys: cpu.tensor(
        Array.from(order, (i) => values[i] ?? 0),
        keys.shape,
        keys.type,
      ),
      payload: cpu.tensor(
        payload === undefined ? order : Array.from(order, (i) => payload[i] ?? 0),
        keys.shape,
        options.payload?.type ?? 'u32',
      ),
    };
  },
});

/** Keys sorted into buckets. */
export interface Buckets<T extends Tensor = Tensor> {
  /** The keys in order, u32 `[n]`. */
  readonly keys: T;
  /** Where each of them was before, u32 `[n]`; within a bucket in the order in which they came. */
  readonly permutation: T;
  /** Where each bucket begins, and behind the last one where it ends: u32 `[buckets + 1]`. */
  readonly offsets: T;
}

/**
 * Sorts u32 keys `[n]` into `buckets` buckets, stably: which expert gets which token. A key of `buckets` or more belongs to
 * none: those come last, behind `offsets[buckets]`, and `keys` gives them as `buckets`. Throws `InvalidInputError` for keys
 * that are not a u32 vector and for a number of buckets that is not an integer from 1 to 2^31.
 */
export const countingSort = defineKernel({
  name: 'countingSort',
  summary: 'Sorts small keys [n] into buckets: the permutation, and where each bucket begins [buckets + 1].',
  shaders: ['sort/count', 'sort/scatter', 'sort/bounds', 'scan/rows'],
  cost(keys: Tensor, buckets: number) {
    const passes = passesFor(bucketBits(keys, buckets), keys.device);
    return { flops: 8 * passes * keys.size, bytes: 20 * passes * keys.size };
  },
  webgpu(gpu, keys, buckets): Buckets {
    using scope = gpu.scope();
    const sorted = recordSort(gpu, keys, { bits: bucketBits(keys, buckets) }, buckets);
    const offsets = gpu.empty([buckets + 1], 'u32');
    gpu.dispatch({
      shader: 'sort/bounds',
      uniforms: { size: u32(keys.size), buckets: u32(buckets) },
      reads: [sorted.keys],
      writes: [offsets],
      workgroups: [Math.ceil((buckets + 1) / 64)],
      share: 0,
    });
    return { keys: scope.keep(sorted.keys), permutation: scope.keep(sorted.payload), offsets: scope.keep(offsets) };
  },
  reference(cpu, keys, buckets): Buckets {
    bucketBits(keys, buckets);
    const clamped = Uint32Array.from(keys.data, (key) => Math.min(key, buckets));
    const order = Uint32Array.from(clamped.keys()).sort((i, j) => (clamped[i] ?? 0) - (clamped[j] ?? 0) || i - j);
    const sorted = order.map((i) => clamped[i] ?? 0);
    const offsets = cpu.empty([buckets + 1], 'u32');
    let at = 0;
    for (let bucket = 0; bucket <= buckets; bucket++) {
      while (at < sorted.length && (sorted[at] ?? 0) < bucket) at += 1;
      offsets.data[bucket] = at;
    }
    return { keys: cpu.tensor(sorted, keys.shape, 'u32'), permutation: cpu.tensor(order, keys.shape, 'u32'), offsets };
  },
});

/** The position of the first NaN of an f32 tensor, u32 `[1]`; 2^32 - 1 where there is none. */
export const firstNaN = defineKernel({
  name: 'firstNaN',
  summary: 'Where the first NaN of a tensor is, [1].',
  shaders: ['sort/first_nan'],
  cost: (x: Tensor) => ({ flops: 2 * x.size, bytes: 4 * x.size }),
  webgpu(gpu, x): Tensor {
    const result = gpu.full([1], 0xffff_ffff, 'u32');
    gpu.dispatch({
      shader: 'sort/first_nan',
      uniforms: { size: u32(x.size) },
      reads: [x],
      writes: [result],
      workgroups: [Math.ceil(x.size / 4096)],
    });
    return result;
  },
  reference: (cpu, x): Tensor => cpu.tensor([x.data.findIndex(Number.isNaN) >>> 0], [1], 'u32'),
});

/** `radixSort` that looks for NaN among f32 keys first: rejects with `InvalidInputError` naming its position. Waits for the device. */
export async function checkedSort(keys: Tensor, options: SortOptions = {}): Promise<Sorted> {
  if (keys.type === 'f32') {
    using _scope = keys.device.scope();
    const [at = 0] = await firstNaN(keys).read();
    if (at < keys.size) {
      throw new InvalidInputError(
        `keys[${String(at)}] is NaN, which has no place in an order: remove or replace it before sorting.`,
        { field: 'keys', position: at },
      );
    }
  }
  return radixSort(keys, options);
}

const typeConditions: Readonly<Record<ElementType, string>> = { f32: 'float', i32: 'signed', u32: 'unsigned' };

/** Records the passes; everything made belongs to the open scope. Keys above `largest` are taken for it. */
function recordSort(gpu: WebGpuDevice, keys: GpuTensor, options: SortOptions, largest: number): Sorted<GpuTensor> {
  const payload = options.payload as GpuTensor | undefined;
  const { keysPerBlock, blocksPerGroup, digitBits } = sizesOn(gpu);
  const passes = passesFor(options.bits ?? 32, gpu);
  const blocks = Math.ceil(keys.size / keysPerBlock);
  const out = { keys: gpu.empty(keys.shape, keys.type), payload: gpu.empty(keys.shape, payload?.type ?? 'u32') };
  const other =
    passes > 1 ? { keys: gpu.empty(keys.shape, 'u32'), payload: gpu.empty(keys.shape, out.payload.type) } : out;
  const [counts, starts] = [gpu.empty([2 ** digitBits * blocks], 'u32'), gpu.empty([2 ** digitBits * blocks], 'u32')];
  const uniforms = { size: u32(keys.size), blocks: u32(blocks), largest: u32(largest) };
  let source = { keys, payload: payload ?? keys };
  for (let pass = 0; pass < passes; pass++) {
    const target = (passes - pass) % 2 === 1 ? out : other;
    const isFirst = pass === 0;
    const isLast = pass === passes - 1;
    const order = { [typeConditions[keys.type]]: true, descending: options.descending === true };
    const common = {
      constants: { BLOCK: keysPerBlock },
      uniforms: { ...uniforms, shift: u32(digitBits * pass) },
      workgroups: [Math.ceil(blocks / blocksPerGroup)],
    } as const;
    gpu.dispatch({
      ...common,
      shader: 'sort/count',
      conditions: { ...(isFirst ? order : {}), first: isFirst, serial: isSerial(gpu) },
      reads: [source.keys],
      writes: [counts],
      share: 0.3 / passes,
    });
    prefixSum(counts, { exclusive: true, out: starts });
    gpu.dispatch({
      ...common,
      shader: 'sort/scatter',
      conditions: {
        ...(isFirst || isLast ? order : {}),
        first: isFirst,
        last: isLast,
        serial: isSerial(gpu),
        positions: isFirst && payload === undefined,
      },
      reads: [source.keys, source.payload, starts],
      writes: [target.keys, target.payload],
      share: 0.7 / passes,
    });
    source = target;
  }
  return out;
}

/** How many passes a call takes, all of it checked. */
function passesOf(keys: Tensor, { payload, bits = 32 }: SortOptions): number {
  checkVector(keys);
  if (payload !== undefined && payload.size !== keys.size) {
    throw new InvalidInputError(
      `The payload has ${String(payload.size)} elements instead of one for each of the ${String(keys.size)} keys.`,
      { field: 'payload' },
    );
  }
  if (!Number.isInteger(bits) || bits < 1 || bits > 32 || (bits < 32 && keys.type !== 'u32')) {
    throw new InvalidInputError(
      `bits must be an integer from 1 to 32, and 32 for ${keys.type === 'u32' ? 'f32 and i32' : keys.type} keys, but is ${String(bits)}.`,
      { field: 'bits' },
    );
  }
  return passesFor(bits, keys.device);
}

const passesFor = (bits: number, device: Device): number => Math.ceil(bits / sizesOn(device).digitBits);

function checkVector(keys: Tensor): void {
  if (keys.shape.length === 1) return;
  throw new InvalidInputError(`The keys must be a vector, but their shape is [${keys.shape.join(', ')}].`, {
    field: 'keys',
  });
}

/** Bits of the largest key, which is `buckets` itself: no bucket at all. */
function bucketBits(keys: Tensor, buckets: number): number {
  checkVector(keys);
  if (keys.type !== 'u32') throw new InvalidInputError(`countingSort sorts u32 keys, but these are ${keys.type}.`);
  if (!Number.isInteger(buckets) || buckets < 1 || buckets > 2 ** 31) {
    throw new InvalidInputError(`buckets must be an integer from 1 to 2^31, but is ${String(buckets)}.`, {
      field: 'buckets',
    });
  }
  return 32 - Math.clz32(buckets);
}
