/** The radix sort and sorting into buckets: the same order as the reference to the last element, stable, NaN refused. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { ElementType } from '../../src/device';
import { checkedSort, countingSort, radixSort, type SortOptions } from '../../src/kernels/sort';
import { openReference, openTestDevice } from '../support/device';
import { inBothForms } from '../support/forms';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

function keysOf(count: number, type: ElementType, seed = count): number[] {
  const draw = uniformSource(seed);
  switch (type) {
    case 'f32': {
      const special = [0, -0, 3.4028234663852886e38, -3.4028234663852886e38, 1.5];
      return Array.from(float32s(count, seed, -1e3, 1e3), (value, i) => (i % 7 === 3 ? (special[i % 5] ?? 0) : value));
    }
    case 'u32':
      return Array.from({ length: count }, () => Math.floor(draw() * 2 ** 32));
    case 'i32':
      return Array.from({ length: count }, () => Math.floor(draw() * 2 ** 32) - 2 ** 31);
    default:
      return type satisfies never;
  }
}

async function sortBoth(keys: readonly number[], type: ElementType, options: SortOptions = {}) {
  const read = async (device: typeof gpu | typeof cpu): Promise<readonly [number[], number[]]> => {
    const sorted = radixSort(device.tensor(keys, [keys.length], type), options);
    return [Array.from(await sorted.keys.read()), Array.from(await sorted.payload.read())];
  };
  return { actual: await read(gpu), expected: await read(cpu) };
}

inBothForms(gpu, () => {
  describe.each(['u32', 'i32', 'f32'] as const)('sorting %s keys', (type) => {
    it('gives the order of the reference, and where each key was', async () => {
      // Around 16 keys of an invocation and 1,024 or 2,048 of a block.
      for (const count of type === 'u32' ? [1, 17, 1025, 5003, 9001] : [2051]) {
        for (const descending of type === 'i32' ? [true] : [false, true]) {
          using _scope = gpu.scope();
          const { actual, expected } = await sortBoth(keysOf(count, type), type, { descending });
          expect(actual).toEqual(expected);
        }
      }
    });
  });

  it('keeps the order of equal keys', async () => {
    using _scope = gpu.scope();
    const draw = uniformSource(5);
    const few = Array.from({ length: 5003 }, () => Math.floor(draw() * 3));
    for (const descending of [false, true]) {
      const { actual, expected } = await sortBoth(few, 'u32', { descending, bits: 4 });
      expect(actual).toEqual(expected);
    }
    const same = await sortBoth(new Array<number>(4100).fill(7), 'u32', { bits: 3 });
    expect(same.actual[1]).toEqual(Array.from({ length: 4100 }, (_, i) => i));
  });

  it('sorts by as many bits as it is told', async () => {
    using _scope = gpu.scope();
    for (const bits of [1, 5, 12]) {
      const draw = uniformSource(bits);
      const { actual, expected } = await sortBoth(
        Array.from({ length: 3001 }, () => Math.floor(draw() * 2 ** bits)),
        'u32',
        { bits },
      );
      expect(actual).toEqual(expected);
    }
  });

  it('moves a payload along', async () => {
    using _scope = gpu.scope();
    const keys = keysOf(2500, 'i32');
    const payload = float32s(2500, 9);
    const sorted = radixSort(gpu.tensor(keys, [2500], 'i32'), { payload: gpu.tensor(payload, [2500]) });
    const expected = radixSort(cpu.tensor(keys, [2500], 'i32'), { payload: cpu.tensor(payload, [2500]) });
    expect(Array.from(await sorted.payload.read())).toEqual(Array.from(await expected.payload.read()));
    expect(sorted.payload.type).toBe('f32');
  });
});

it('sorts 2^18 keys', async () => {
  using _scope = gpu.scope();
  const keys = Uint32Array.from(keysOf(2 ** 18, 'u32'));
  const sorted = radixSort(gpu.tensor(keys, [keys.length], 'u32'));
  const permutation = await sorted.payload.read();
  const actual = await sorted.keys.read();
  // Not toEqual: of so many numbers it would print for minutes where they differ.
  expect(keys.toSorted().every((key, i) => key === actual[i])).toBe(true);
  const seen = new Uint8Array(keys.length);
  permutation.forEach((from) => (seen[from] = 1));
  expect(seen.every((mark) => mark === 1)).toBe(true);
});

inBothForms(gpu, () => {
  describe('sorting into buckets', () => {
    it.each([
      { count: 1, buckets: 1 },
      { count: 4099, buckets: 8 },
      { count: 3000, buckets: 15 },
      { count: 3000, buckets: 16 },
      { count: 500, buckets: 1031 },
    ])('$count keys into $buckets', async ({ count, buckets }) => {
      using _scope = gpu.scope();
      const draw = uniformSource(count + buckets);
      // Some keys belong to no bucket, one by far.
      const keys = Array.from({ length: count }, (_, i) =>
        i === 1 ? 2 ** 32 - 1 : Math.floor(draw() * (buckets + 1)),
      );
      const read = async (device: typeof gpu | typeof cpu): Promise<number[][]> => {
        const { keys: sorted, permutation, offsets } = countingSort(device.tensor(keys, [count], 'u32'), buckets);
        return Promise.all([sorted, permutation, offsets].map(async (tensor) => Array.from(await tensor.read())));
      };
      const [actual, expected] = [await read(gpu), await read(cpu)];
      expect(actual).toEqual(expected);
      expect(actual[2]?.at(-1)).toBe(keys.filter((key) => key < buckets).length);
    });
  });
});

describe('bad input', () => {
  it('names the NaN, wherever it is and whatever its sign', async () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      for (const position of [0, 4999]) {
        const keys = float32s(5000, 1);
        keys[position] = NaN;
        const sorting = checkedSort(device.tensor(keys, [5000]));
        await expect(sorting).rejects.toThrow(InvalidInputError);
        await expect(sorting).rejects.toThrow(`keys[${String(position)}] is NaN`);
      }
      const { keys } = await checkedSort(device.tensor([2, -1, Infinity, -Infinity, 3], [5]), { descending: true });
      expect(Array.from(await keys.read())).toEqual([Infinity, 3, 2, -1, -Infinity]);
    }
    const bits = Uint32Array.from([0x3f800000, 0xffc00001]);
    using _scope = gpu.scope();
    await expect(checkedSort(gpu.tensor(new Float32Array(bits.buffer), [2]))).rejects.toThrow('keys[1] is NaN');
  });

  it('is refused', () => {
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const keys = device.full([6], 0, 'u32');
      expect(() => radixSort(device.full([2, 3], 0, 'u32'))).toThrow(InvalidInputError);
      expect(() => radixSort(keys, { payload: device.full([5], 0) })).toThrow(/payload has 5 elements/);
      expect(() => radixSort(keys, { bits: 33 })).toThrow(/bits must be/);
      expect(() => radixSort(device.full([6], 0), { bits: 16 })).toThrow(/32 for f32 keys/);
      expect(() => countingSort(keys, 0)).toThrow(/buckets must be an integer/);
      expect(() => countingSort(device.full([6], 0), 4)).toThrow(/sorts u32 keys/);
    }
  });
});
