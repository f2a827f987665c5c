/** Routers and the layer of experts in float64: against loops written out, with ties, all experts, none, and bad input. */
import { describe, expect, it } from 'vitest';
import { expertModes, mixtureOfExperts, modeCost, selfSelectionFlops } from '../../src/algorithms/mixture-of-experts';
import * as routing from '../../src/algorithms/routing';
import { InvalidInputError } from '../../src/device/errors';
import { openReferenceDevice } from '../../src/device';
import { float32s } from '../support/numbers';

const cpu = openReferenceDevice();
const numbers = async (tensor: { read(): Promise<ArrayLike<number>> }): Promise<number[]> =>
  Array.from(await tensor.read());
const rounded = (values: readonly number[]): number[] => values.map((value) => Number(value.toFixed(6)));

describe('top-k', () => {
  it('takes the k best, the lower number of two that tie, with softmax gates', async () => {
    const scores = cpu.tensor([1, 3, 3, 0, 2, 2, 2, 2], [2, 4]);
    const { experts, gates, slots } = routing.routeTopK(scores, 2);
    expect(slots).toBe(2);
    expect(await numbers(experts)).toEqual([1, 2, 0, 1]);
    expect(rounded(await numbers(gates))).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('may take all experts, and one of one', async () => {
    const all = routing.routeTopK(cpu.tensor([0, Math.log(3)], [1, 2]), 2);
    expect(await numbers(all.experts)).toEqual([1, 0]);
    expect(rounded(await numbers(all.gates))).toEqual([0.75, 0.25]);
    expect(await numbers(routing.routeTopK(cpu.tensor([5], [1, 1]), 1).gates)).toEqual([1]);
  });

  it('refuses more experts than there are, and what is no count', () => {
    const scores = cpu.full([3, 4], 0);
    const error = (k: number) => {
      try {
        routing.routeTopK(scores, k);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    };
    expect(error(5)).toBeInstanceOf(InvalidInputError);
    expect(error(5)).toMatchObject({ details: { field: 'k', most: 4 } });
    expect(error(5)).toMatchObject({ message: expect.stringContaining('5 experts') as string });
    for (const k of [0, -1, 1.5, NaN]) expect(error(k)).toBeInstanceOf(InvalidInputError);
    expect(() => routing.selfSelect(cpu.full([2, 3], 1), cpu.full([4, 3, 1], 1), 5)).toThrow(/lower k/);
  });

  it('follows a bias', async () => {
    const bias = cpu.tensor([0, 0, 9, 0, 0, 9], [2, 3]);
    expect(await numbers(routing.routeTopK(cpu.full([2, 3], 1), 1, { bias }).experts)).toEqual([2, 2]);
  });
});

describe('top-p', () => {
  const logits = [0.5, 0.3, 0.15, 0.05].map(Math.log);

  it.each([
    { p: 0.4, kept: 1 },
    { p: 0.6, kept: 2 },
    { p: 0.9, kept: 3 },
    { p: 1, kept: 4 },
  ])('takes the fewest experts that reach $p', async ({ p, kept }) => {
    const { experts, gates } = routing.routeTopP(cpu.tensor(logits, [1, 4]), p);
    expect(await numbers(experts)).toEqual([0, 1, 2, 3].map((expert) => (expert < kept ? expert : 4)));
    expect(rounded(await numbers(gates))).toEqual([0.5, 0.3, 0.15, 0.05].map((g, i) => (i < kept ? g : 0)));
  });

  it('takes more experts where the router is undecided', async () => {
    const route = async (scale: number) => {
      const scores = cpu.tensor(
        Array.from(float32s(64 * 8, 1), (value) => scale * value),
        [64, 8],
      );
      return (await numbers(routing.routeTopP(scores, 0.5).experts)).filter((expert) => expert < 8).length;
    };
    expect(await route(0.1)).toBeGreaterThan(await route(4));
    expect(await route(100)).toBeGreaterThanOrEqual(64);
  });

  it('refuses a threshold outside (0, 1]', () => {
    for (const p of [0, -0.1, 1.01, NaN]) expect(() => routing.routeTopP(cpu.full([1, 2], 0), p)).toThrow(/threshold/);
  });
});

describe('prototypes', () => {
  it('take one expert of every group, each with its own softmax', async () => {
    // Scores of two groups of two experts: (x, 0) and (0, x).
    const routers = cpu.tensor([1, 0, 0, 1], [2, 1, 2]);
    const { experts, gates, slots, expertCount } = routing.routePrototypes(cpu.tensor([2, -2], [2, 1]), routers);
    expect([slots, expertCount]).toEqual([2, 4]);
    expect(await numbers(experts)).toEqual([0, 3, 1, 2]);
    const sure = 1 / (1 + Math.exp(-2));
    expect(rounded(await numbers(gates))).toEqual(rounded([sure, sure, sure, sure]));
  });
});

describe('experts that choose themselves', () => {
  const [tokens, count, inner, rank, hidden, width] = [7, 5, 6, 2, 4, 3];
  const x = cpu.tensor(float32s(tokens * inner, 1), [tokens, inner]);
  const down = cpu.tensor(float32s(count * inner * rank, 2), [count, inner, rank]);
  const up = cpu.tensor(float32s(count * rank * hidden, 3), [count, rank, hidden]);
  const second = cpu.tensor(float32s(count * hidden * width, 4), [count, hidden, width]);

  it('rank by the length of their first projection, and go on from it', async () => {
    const chosen = routing.selfSelect(x, down, 2);
    const lengths = Array.from({ length: count }, (_, e) => {
      const first = Array.from({ length: rank }, (__, r) =>
        Array.from({ length: inner }, (___, k) => (x.data[k] ?? 0) * (down.data[(e * inner + k) * rank + r] ?? 0)),
      );
      return Math.hypot(...first.map((terms) => terms.reduce((a, b) => a + b)));
    });
    const order = lengths.map((_, e) => e).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0));
    expect((await numbers(chosen.experts)).slice(0, 2)).toEqual(order.slice(0, 2));

    const products = Array.from({ length: count }, (_, e) =>
      Array.from({ length: inner * hidden }, (__, at) => {
        const [k, h] = [Math.floor(at / hidden), at % hidden];
        return Array.from(
          { length: rank },
          (___, r) => (down.data[(e * inner + k) * rank + r] ?? 0) * (up.data[(e * rank + r) * hidden + h] ?? 0),
        ).reduce((a, b) => a + b);
      }),
    );
    const whole = { first: cpu.tensor(products.flat(), [count, inner, hidden]), second };
    const expected = await numbers(mixtureOfExperts(x, whole, chosen, { mode: 'dense' }));
    const parts = { first: up, second };
    const actual = await numbers(mixtureOfExperts(chosen.projections, parts, chosen, { isProjected: true }));
    expect(rounded(actual)).toEqual(rounded(expected));
    expect(() => mixtureOfExperts(chosen.projections, parts, chosen, { isProjected: true, mode: 'padded' })).toThrow(
      InvalidInputError,
    );
  });

  it('compete with their outputs', async () => {
    const weights = { first: cpu.tensor(float32s(count * inner * hidden, 5), [count, inner, hidden]), second };
    const responses = await numbers(routing.expertResponses(x, weights));
    // One expert for all tokens gives each expert's outputs.
    for (let expert = 0; expert < count; expert++) {
      const only = {
        experts: cpu.full([tokens], expert, 'u32'),
        gates: cpu.full([tokens], 1),
        slots: 1,
        expertCount: count,
      };
      const outputs = await numbers(mixtureOfExperts(x, weights, only, { mode: 'dense' }));
      for (let token = 0; token < tokens; token++) {
        const length = Math.hypot(...outputs.slice(token * width, (token + 1) * width));
        expect(responses[token * count + expert]).toBeCloseTo(length, 10);
      }
    }
    const winners = await numbers(routing.compete(x, weights, 1).experts);
    expect(winners[0]).toBe(responses.indexOf(Math.max(...responses.slice(0, count))));
  });
});

describe('capacity', () => {
  it('drops the later tokens, and the load says how many', async () => {
    const scores = cpu.tensor([1, 0, 1, 0, 0, 1, 1, 0], [4, 2]);
    const route = routing.routeTopK(scores, 1);
    const limited = routing.limitCapacity(route, 2);
    expect(await numbers(limited.experts)).toEqual([0, 0, 1, 2]);
    const loads = await routing.expertLoads(route);
    expect(Array.from(loads)).toEqual([3, 1]);
    expect(Array.from(await routing.expertLoads(limited))).toEqual([2, 1]);
    expect(routing.droppedShare(loads, 2)).toBe(0.25);
    expect(() => routing.limitCapacity(route, 0)).toThrow(/capacity/);
  });

  it('gives statistics of loads', () => {
    expect(routing.loadStatistics([32, 32])).toEqual({ pairs: 64, largest: 32, variation: 0, tiles: 2, occupancy: 1 });
    expect(routing.loadStatistics([33, 0])).toEqual({
      pairs: 33,
      largest: 33,
      variation: 1,
      tiles: 2,
      occupancy: 33 / 64,
    });
    expect(routing.loadStatistics([0])).toEqual({ pairs: 0, largest: 0, variation: 0, tiles: 0, occupancy: 0 });
    expect(routing.droppedShare([0], 1)).toBe(0);
  });
});

describe('the layer', () => {
  it.each([
    { tokens: 1, count: 1, k: 1, inner: 1, hidden: 1, width: 1 },
    { tokens: 13, count: 5, k: 2, inner: 7, hidden: 11, width: 3 },
    { tokens: 70, count: 3, k: 3, inner: 4, hidden: 8, width: 4 },
  ])('is the gated sum of its experts, in every mode: $tokens tokens', async (sizes) => {
    const { tokens, count, k, inner, hidden, width } = sizes;
    const x = cpu.tensor(float32s(tokens * inner, 1), [tokens, inner]);
    const first = cpu.tensor(float32s(count * inner * hidden, 2), [count, inner, hidden]);
    const second = cpu.tensor(float32s(count * hidden * width, 3), [count, hidden, width]);
    const route = routing.routeTopK(cpu.tensor(float32s(tokens * count, 4), [tokens, count]), k);
    const expected = new Float64Array(tokens * width);
    const [experts, gates] = [await numbers(route.experts), await numbers(route.gates)];
    experts.forEach((e, pair) => {
      const token = Math.floor(pair / k);
      for (let h = 0; h < hidden; h++) {
        let sum = 0;
        for (let i = 0; i < inner; i++)
          sum += (x.data[token * inner + i] ?? 0) * (first.data[(e * inner + i) * hidden + h] ?? 0);
        for (let c = 0; c < width; c++) {
          expected[token * width + c] =
            (expected[token * width + c] ?? 0) +
            (gates[pair] ?? 0) * Math.max(0, sum) * (second.data[(e * hidden + h) * width + c] ?? 0);
        }
      }
    });
    for (const mode of expertModes) {
      const actual = await numbers(mixtureOfExperts(x, { first, second }, route, { mode }));
      expect(rounded(actual), mode).toEqual(rounded(Array.from(expected)));
    }
  });

  it('drops in a padded buffer what a limited routing drops', async () => {
    const x = cpu.tensor(float32s(40 * 4, 1), [40, 4]);
    const weights = { first: cpu.full([3, 4, 4], 0.5), second: cpu.full([3, 4, 4], 1) };
    const route = routing.routeTopK(cpu.tensor(float32s(40 * 3, 4), [40, 3]), 2);
    const limited = routing.limitCapacity(route, 20);
    const padded = await numbers(mixtureOfExperts(x, weights, route, { mode: 'padded', capacity: 20 }));
    expect(rounded(await numbers(mixtureOfExperts(x, weights, limited)))).toEqual(rounded(padded));
    expect(rounded(await numbers(mixtureOfExperts(x, weights, limited, { mode: 'dense' })))).toEqual(rounded(padded));
    expect(rounded(await numbers(mixtureOfExperts(x, weights, route)))).not.toEqual(rounded(padded));
  });

  it('refuses a routing that is not its own', () => {
    const weights = { first: cpu.full([3, 4, 4], 1), second: cpu.full([3, 4, 4], 1) };
    const route = routing.routeTopK(cpu.full([5, 3], 0), 1);
    expect(() => mixtureOfExperts(cpu.full([6, 4], 0), weights, route)).toThrow(/6 tokens/);
    expect(() => mixtureOfExperts(cpu.full([5, 4], 0), { ...weights, second: cpu.full([2, 4, 4], 1) }, route)).toThrow(
      /of 3 experts/,
    );
    expect(() => mixtureOfExperts(cpu.full([5, 3], 0), weights, route)).toThrow(/weights must be/);
  });

  it('counts what it moves', () => {
    const sizes = { tokens: 64, experts: 4, slots: 2, pairs: 128, inner: 8, hidden: 16, width: 8, capacity: 32 };
    const even = expertModes.map((mode) => modeCost(mode, sizes));
    expect(even.map(({ rows }) => rows)).toEqual([128, 128, 256]);
    expect(even.map(({ paddedRows }) => paddedRows)).toEqual([0, 0, 0]);
    const skewed = modeCost('padded', { ...sizes, capacity: 64 });
    expect(skewed.paddedRows).toBe(128);
    expect(skewed.bytes).toBeGreaterThan(modeCost('padded', sizes).bytes);
    expect(selfSelectionFlops(sizes, 2)).toEqual({ before: 2 * 64 * 4 * 8 * 2, after: 2 * 128 * 16 * 10 });
  });
});
