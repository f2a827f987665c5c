/** The kernels of a mixture of experts against the reference: grouped products, tiles, choices, limits, sums. */
import { describe, expect, it } from 'vitest';
import { expertModes, mixtureOfExperts } from '../../src/algorithms/mixture-of-experts';
import * as routing from '../../src/algorithms/routing';
import type { Tensor } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { addExpert, chooseExperts, combineSlots, limitLoads, paddedPlaces, rowNorms } from '../../src/kernels/experts';
import { equalTiles, expertTiles, groupedMatmul } from '../../src/kernels/grouped-matmul';
import { countingSort } from '../../src/kernels/sort';
import { topK } from '../../src/kernels/top-k';
import { openReference, openTestDevice } from '../support/device';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
type TestDevice = typeof gpu | typeof cpu;

const ulp = 2 ** -23;
/** Experts of pairs; `most` of them is no expert. */
const expertsOf = (pairs: number, most: number, seed: number): number[] => {
  const draw = uniformSource(seed);
  return Array.from({ length: pairs }, () => Math.floor(draw() * (most + 1)));
};

/** One element, primes, multiples of four, more than a tile of 32 rows and 64 columns; then experts with nothing or everything. */
const products = [
  { tokens: 1, slots: 1, count: 1, inner: 1, width: 1, experts: [0] },
  { tokens: 37, slots: 2, count: 5, inner: 7, width: 13, experts: expertsOf(74, 5, 1) },
  { tokens: 50, slots: 3, count: 4, inner: 20, width: 72, experts: expertsOf(150, 4, 2) },
  { tokens: 67, slots: 1, count: 3, inner: 8, width: 4, experts: Array.from({ length: 67 }, () => 1) },
  { tokens: 3, slots: 2, count: 300, inner: 4, width: 68, experts: [299, 5, 300, 5, 0, 300] },
  { tokens: 4, slots: 1, count: 2, inner: 3, width: 5, experts: [2, 2, 2, 2] },
];

describe.each(products)('$tokens tokens, $slots slots, $count experts, $inner x $width', (shape) => {
  const { tokens, slots, count, inner, width, experts } = shape;
  const pairs = tokens * slots;
  const weights = float32s(count * inner * width, 4);

  it.each([
    { gather: false, scatter: false, each: false, relu: false },
    { gather: true, scatter: false, each: false, relu: true },
    { gather: false, scatter: true, each: false, relu: false },
    { gather: true, scatter: true, each: true, relu: false },
  ])('multiplies grouped rows: gather $gather, scatter $scatter, each $each', async (flags) => {
    const rows = (flags.gather ? tokens : pairs) * (flags.each ? count : 1);
    const x = float32s(rows * inner, 3);
    const run = async (device: TestDevice, numbers: Float32Array, matrix: Float32Array): Promise<number[]> => {
      using _scope = device.scope();
      const { permutation, offsets } = countingSort(device.tensor(experts, [pairs], 'u32'), count);
      const tiles = expertTiles(offsets, pairs);
      const out = device.full([pairs, width], -7);
      const options = { ...flags, permutation, slots, out };
      groupedMatmul(
        device.tensor(numbers, [rows, inner]),
        device.tensor(matrix, [count, inner, width]),
        tiles,
        options,
      );
      return Array.from(await out.read());
    };
    const [actual, expected] = [await run(gpu, x, weights), await run(cpu, x, weights)];
    const magnitudes = await run(cpu, x.map(Math.abs), weights.map(Math.abs));
    expected.forEach((value, i) => {
      // One rounding for each product and each sum.
      const bound = value === -7 ? 0 : 2 * inner * ulp * Math.abs(magnitudes[i] ?? 0);
      if (!(Math.abs((actual[i] ?? NaN) - value) <= bound))
        expect.fail(`${String(i)}: ${String(actual[i])} instead of ${String(value)}`);
    });
  });

  it('sorts, limits and places pairs as the reference does', async () => {
    const run = async (device: TestDevice): Promise<number[][]> => {
      using _scope = device.scope();
      const sorted = countingSort(device.tensor(experts, [pairs], 'u32'), count);
      const { pairs: placed, tokens: of } = paddedPlaces(sorted.permutation, sorted.offsets, 3, slots);
      const tensors = [expertTiles(sorted.offsets, pairs), limitLoads(sorted, 2), placed, of];
      return await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.read())));
    };
    const [actual, expected] = [await run(gpu), await run(cpu)];
    expect(actual).toEqual(expected);
    const tiled = (expected[0] ?? []).reduce(
      (sum, value, i) => sum + (i % 3 === 0 ? 0 : i % 3 === 1 ? -value : value),
      0,
    );
    expect(tiled).toBe(experts.filter((expert) => expert < count).length);
  });

  it('adds up outputs by slots and by experts', async () => {
    const outputs = float32s(pairs * width, 5);
    const gates = float32s(pairs, 6, 0, 1);
    const run = async (device: TestDevice, numbers: Float32Array): Promise<number[][]> => {
      using _scope = device.scope();
      const assignment = { experts: device.tensor(experts, [pairs], 'u32'), gates: device.tensor(gates, [pairs]) };
      const sum = device.full([tokens, width], 1);
      addExpert(sum, device.tensor(numbers.subarray(0, tokens * width), [tokens, width]), assignment, slots, 0);
      const all = combineSlots(device.tensor(numbers, [pairs, width]), assignment, slots, count);
      return [Array.from(await all.read()), Array.from(await sum.read())];
    };
    const [actual, expected] = [await run(gpu, outputs), await run(cpu, outputs)];
    const magnitudes = await run(cpu, outputs.map(Math.abs));
    expected.forEach((values, which) => {
      values.forEach((value, i) => {
        const bound = 2 * (slots + 1) * ulp * (magnitudes[which]?.[i] ?? 0);
        expect(Math.abs((actual[which]?.[i] ?? NaN) - value)).toBeLessThanOrEqual(bound);
      });
    });
  });
});

it('chooses as many candidates as reach the threshold, in each prototype', async () => {
  // Eighths, so that the sums are exact on both devices.
  const weights = Array.from(
    { length: 70 },
    (_, row) =>
      [
        [4, 2, 1, 1],
        [8, 0, 0, 0],
        [2, 2, 2, 2],
      ][row % 3] ?? [],
  ).flat();
  for (const options of [
    { experts: 4, threshold: 0.5 },
    { experts: 8, threshold: 0.75, prototypes: 2, normalize: true },
    { experts: 4 },
  ]) {
    const run = async (device: TestDevice): Promise<number[][]> => {
      using _scope = device.scope();
      const chosen = chooseExperts(
        topK(
          device.tensor(
            weights.map((w) => w / 8),
            [70, 4],
          ),
          4,
        ),
        options,
      );
      return [Array.from(await chosen.experts.read()), Array.from(await chosen.gates.read())];
    };
    const [[experts, gates], [expectedExperts, expectedGates]] = [await run(gpu), await run(cpu)];
    expect(experts).toEqual(expectedExperts);
    gates?.forEach((gate, i) => {
      expect(Math.abs(gate - (expectedGates?.[i] ?? NaN))).toBeLessThanOrEqual(3 * ulp);
    });
  }
});

it.each([
  [1, 1, 1],
  [6, 3, 5],
  [130, 2, 17],
])('measures the length of %d rows, %d a row, %d wide', async (rows, columns, width) => {
  using _scope = gpu.scope();
  const x = float32s(rows * width, 8);
  const actual = rowNorms(gpu.tensor(x, [rows, width]), columns);
  expect(actual.shape).toEqual([rows / columns, columns]);
  const expected = await rowNorms(cpu.tensor(x, [rows, width]), columns).read();
  (await actual.read()).forEach((value, i) => {
    expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThanOrEqual((width + 4) * ulp * (expected[i] ?? 0));
  });
});

it('gives one layer in three modes, on both devices, for every router', async () => {
  const [tokens, count, inner, hidden, rank, k] = [45, 6, 8, 12, 4, 2];
  const layer = async (device: TestDevice, router: number): Promise<number[][]> => {
    using _scope = device.scope();
    const random = (shape: readonly number[], seed: number): Tensor =>
      device.tensor(
        float32s(
          shape.reduce((a, b) => a * b),
          seed,
        ),
        shape,
      );
    const x = random([tokens, inner], 1);
    const weights = { first: random([count, inner, hidden], 2), second: random([count, hidden, inner], 3) };
    const scores = random([tokens, count], 4);
    const route = [
      () => routing.routeTopK(scores, k),
      () => routing.routeTopP(scores, 0.4),
      () => routing.routePrototypes(x, random([k, inner, count / k], 5)),
      () => routing.selfSelect(x, random([count, inner, rank], 6), k),
      () => routing.compete(x, weights, k),
      () => routing.limitCapacity(routing.routeTopK(scores, k), 9),
    ][router]?.();
    if (route === undefined) return [];
    const results: number[][] = [];
    for (const mode of expertModes)
      results.push(Array.from(await mixtureOfExperts(x, weights, route, { mode }).read()));
    return results;
  };
  for (let router = 0; router < 6; router++) {
    const [actual, [expected]] = [await layer(gpu, router), await layer(cpu, router)];
    for (const values of actual) {
      values.forEach((value, i) => {
        // Numbers below about 10 through some forty roundings, and gates of exponentials.
        if (!(Math.abs(value - (expected?.[i] ?? NaN)) < 2e-5)) expect.fail(`router ${String(router)}, ${String(i)}`);
      });
    }
  }
  expect(gpu.memory().liveBuffers).toBe(0);
});

it('refuses bad input', () => {
  for (const device of [gpu, cpu]) {
    using _scope = device.scope();
    const x = device.full([4, 3], 1);
    const weights = device.full([2, 3, 5], 1);
    const tiles = equalTiles(device, 2, 2);
    const [experts, gates] = [device.full([4], 0, 'u32'), device.full([4], 1)];
    const candidates = { values: device.full([2, 2], 0.5), indices: device.full([2, 2], 0, 'u32') };
    expect(() => groupedMatmul(x, device.full([2, 4, 5], 1), tiles)).toThrow(/weights must be/);
    expect(() => groupedMatmul(x, weights, experts)).toThrow(/tiles must be/);
    expect(() => groupedMatmul(x, weights, tiles, { gather: true })).toThrow(/need a permutation/);
    expect(() => groupedMatmul(x, weights, tiles, { slots: 0 })).toThrow(/slots/);
    expect(() => groupedMatmul(x, weights, tiles, { out: x })).toThrow(/as out/);
    expect(() => expertTiles(gates, 3)).toThrow(/offsets must be/);
    expect(() => expertTiles(experts, 0)).toThrow(/one row or more/);
    expect(() => combineSlots(x, { experts, gates }, 3, 2)).toThrow(InvalidInputError);
    expect(() => {
      addExpert(x, x, { experts, gates }, 1, 0);
    }).toThrow(/another tensor/);
    expect(() => rowNorms(x, 3)).toThrow(/rows of 3/);
    expect(() => chooseExperts(candidates, { experts: 1 })).toThrow(/lower k/);
    expect(() => chooseExperts(candidates, { experts: 5, prototypes: 2 })).toThrow(/prototypes/);
    expect(() => chooseExperts(candidates, { experts: 4, threshold: 0 })).toThrow(/threshold/);
    expect(() => paddedPlaces(experts, experts, 0, 1)).toThrow(/capacity/);
  }
});
