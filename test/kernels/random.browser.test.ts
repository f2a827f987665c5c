import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { Philox, randomIntegers, randomNormal, randomUniform } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

// One number, a prime, both sides of a block and of a workgroup, and a shape of more than one axis.
const shapes: readonly (readonly number[])[] = [[1], [3], [4], [5], [1021], [1024], [1025], [7, 11, 13]];
// The last seed and stream have every bit set.
const streams = [
  { seed: 0, stream: 0 },
  { seed: 7, stream: 1 },
  { seed: 4294967295, stream: 4294967295 },
] as const;

describe('randomUniform', () => {
  it('is bit for bit the stream of the TypeScript generator, on both devices', async () => {
    using scope = gpu.scope();
    expect(scope).toBeDefined();
    for (const shape of shapes) {
      for (const options of streams) {
        const made = await gpu.read(randomUniform(gpu, shape, options));
        const random = new Philox(options.seed, options.stream);
        const expected = Float32Array.from({ length: made.length }, () => random.uniform());
        expect(made).toEqual(expected);
        expect(Float32Array.from(await cpu.read(randomUniform(cpu, shape, options)))).toEqual(expected);
      }
    }
  });

  it('stays in step over three million numbers', async () => {
    using scope = gpu.scope();
    expect(scope).toBeDefined();
    // A dispatch past 65,535 workgroups would need 256 MiB, twice what one binding holds by default.
    const size = 3_000_001;
    const made = await gpu.read(randomUniform(gpu, [size], { seed: 3 }));
    const random = new Philox(3);
    let wrong = 0;
    for (let i = 0; i < size; i++) if (made[i] !== random.uniform()) wrong += 1;
    expect(wrong).toBe(0);
  });
});

describe('randomIntegers', () => {
  it('equals the TypeScript generator, with and without a bound', async () => {
    using scope = gpu.scope();
    expect(scope).toBeDefined();
    for (const below of [1, 2, 10, 16_384, 2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
      for (const options of streams) {
        const made = await gpu.read(randomIntegers(gpu, [1021], { ...options, below }));
        const random = new Philox(options.seed, options.stream);
        expect(made).toEqual(Uint32Array.from({ length: 1021 }, () => random.integer(below)));
        expect(await cpu.read(randomIntegers(cpu, [1021], { ...options, below }))).toEqual(made);
      }
    }
  });

  it('gives all 32 bits where no bound is named', async () => {
    using scope = gpu.scope();
    expect(scope).toBeDefined();
    const random = new Philox(9);
    expect(await gpu.read(randomIntegers(gpu, [9], { seed: 9 }))).toEqual(
      Uint32Array.from({ length: 9 }, () => random.word()),
    );
  });
});

describe('randomNormal', () => {
  it('rounds the float64 Box-Muller numbers to within 20 units in the last place', async () => {
    using scope = gpu.scope();
    expect(scope).toBeDefined();
    // In units of 2^-23, relative: -ln(1 - x) costs at most 14 (WGSL's log: 2^-21 absolute at 0.287 and more; the series: 7), which
    // the root halves and adds 4.5 to; sine or cosine 5; the product 1. Together 17.5.
    const tolerance = 20 * 2 ** -23;
    for (const shape of [...shapes, [200_003]]) {
      for (const options of streams) {
        const made = await gpu.read(randomNormal(gpu, shape, options));
        const expected = await cpu.read(randomNormal(cpu, shape, options));
        let worst = 0;
        for (let i = 0; i < made.length; i++) {
          const value = expected[i] ?? NaN;
          const error = Math.abs((made[i] ?? NaN) - value);
          worst = Math.max(worst, error === 0 ? 0 : error / Math.abs(value));
        }
        expect(worst).toBeLessThanOrEqual(tolerance);
      }
    }
  });

  it('is the normal stream of the TypeScript generator', async () => {
    const random = new Philox(5, 6);
    const made = await cpu.read(randomNormal(cpu, [9], { seed: 5, stream: 6 }));
    expect(made).toEqual(Float64Array.from({ length: 9 }, () => random.normal()));
  });
});

it('refuses seeds, streams and bounds that are not 32-bit integers before it records anything', () => {
  for (const device of [gpu, cpu]) {
    expect(() => randomUniform(device, [4], { seed: -1 })).toThrow(InvalidInputError);
    expect(() => randomNormal(device, [4], { seed: 0, stream: 0.5 })).toThrow(InvalidInputError);
    expect(() => randomIntegers(device, [4], { seed: 0, below: 0 })).toThrow(InvalidInputError);
    expect(() => randomUniform(device, [0], { seed: 0 })).toThrow(InvalidInputError);
  }
});
