/** The Wasserstein dictionary: its dual against finite differences and weak duality, descent, both devices, planted atoms, bad input. */
import { describe, expect, it } from 'vitest';
import { gridDivergences, matchTargets, placeHistograms } from '../../src/algorithms/grid-transport';
import { atomsOf, mixturesOf, productFactorization, startingDictionary } from '../../src/algorithms/product-dictionary';
import {
  blockDual,
  dictionaryBlocks,
  solveWassersteinDictionary,
  wassersteinDictionary,
  type DictionarySweep,
} from '../../src/algorithms/wasserstein-dictionary';
import { CancelledError, InvalidInputError } from '../../src/device/errors';
import { Philox } from '../../src/kernels/random';
import { plantedHistograms } from '../../src/labs/joint-histograms';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

const [height, width] = [5, 7];
const random = new Philox(3);
const noisy = (count: number): number[] => {
  const values = Array.from({ length: count }, () => (random.uniform() < 0.2 ? 0 : random.uniform()));
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
};
const small = { histograms: [noisy(35), noisy(35), noisy(35)], height, width };
const planted = plantedHistograms(3, { side: 10, groups: 10, shift: 0.05, samples: 400, seed: 5 });
const problem = { histograms: planted.histograms, height: 10, width: 10 };

describe('transport on a grid', () => {
  it('has the cost of the dense plan', async () => {
    using _scope = cpu.scope();
    const epsilon = 0.05;
    const [p = [], q = []] = small.histograms;
    const sources = placeHistograms(cpu, [p], { height, width, epsilon });
    const potential = cpu.full([1, 35], 0);
    const target = cpu.tensor(q, [1, 35]);
    const { costs } = await matchTargets(sources, target, potential, { tolerance: 1e-12, maximumIterations: 5000 });
    const x = await potential.read();
    const cost = (i: number, j: number): number => {
      const [down, across] = [Math.floor(i / width) - Math.floor(j / width), (i % width) - (j % width)];
      return (down / (height - 1)) ** 2 + (across / (width - 1)) ** 2;
    };
    let [primal, missing] = [0, 0];
    const columns = new Float64Array(35);
    p.forEach((mass, i) => {
      if (mass === 0) return;
      const weights = q.map((_, j) => Math.exp((x[j] ?? NaN) - cost(i, j) / epsilon));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, j) => {
        const entry = (mass * weight) / total;
        columns[j] = (columns[j] ?? 0) + entry;
        if (entry > 0) primal += entry * (cost(i, j) + epsilon * Math.log(entry));
      });
    });
    q.forEach((mass, j) => (missing += Math.abs(mass - (columns[j] ?? NaN))));
    expect(missing).toBeLessThanOrEqual(1e-10);
    expect(Math.abs((costs[0] ?? NaN) - primal)).toBeLessThanOrEqual(1e-10);
  });

  it('has a divergence that is 0 for the same and the squared shift for a shift', async () => {
    const [line, moved] = [new Array<number>(41).fill(0), new Array<number>(41).fill(0)];
    [1, 2, 1].forEach((mass, i) => {
      line[10 + i] = mass / 4;
      moved[18 + i] = mass / 4;
    });
    const grid = { height: 1, width: 41, epsilon: 0.02 };
    for (const device of [gpu, cpu]) {
      using _scope = device.scope();
      const [same = NaN, apart = NaN] = await gridDivergences(device, [line, line], [line, moved], grid);
      expect(Math.abs(same)).toBeLessThanOrEqual(1e-5);
      expect(Math.abs(apart - 0.04)).toBeLessThanOrEqual(1e-4);
    }
  });
});

describe.each(dictionaryBlocks.map((block) => [block] as const))('the dual of the %s', (block) => {
  const options = { epsilon: 0.05, proximal: 0.7 };
  const dictionary = startingDictionary(small, 2, 4);
  const potentials = Float64Array.from({ length: 105 }, () => 0.2 * random.normal());

  it('has the gradient that finite differences have', async () => {
    const direction = potentials.map(() => random.normal());
    const at = (step: number) =>
      blockDual(
        cpu,
        small,
        dictionary,
        block,
        potentials.map((g, i) => g + step * (direction[i] ?? 0)),
        options,
      );
    const [up, down, here] = [await at(1e-5), await at(-1e-5), await at(0)];
    const slope = here.gradient.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0);
    expect((up.value - down.value) / 2e-5).toBeCloseTo(slope, 6);
  });

  it('bounds the primal from below', async () => {
    using _scope = cpu.scope();
    const { value, point } = await blockDual(cpu, small, dictionary, block, potentials, options);
    const old = dictionary[block];
    for (const z of [old, point]) {
      const changed = { ...dictionary, [block]: Float64Array.from(z) };
      const sources = placeHistograms(cpu, small.histograms, { height, width, epsilon: options.epsilon });
      const mixtures = cpu.tensor(
        mixturesOf(changed).flatMap((values) => Array.from(values)),
        [3, 35],
      );
      const { costs } = await matchTargets(sources, mixtures, cpu.full([3, 35], 0), {
        tolerance: 1e-9,
        maximumIterations: 3000,
      });
      const proximal = z.reduce((sum, entry, i) => sum + (entry - (old[i] ?? NaN)) ** 2, 0) * (options.proximal / 2);
      expect(costs.reduce((sum, cost) => sum + cost, 0) + proximal).toBeGreaterThanOrEqual(value - 1e-9);
    }
  });
});

describe('learning', () => {
  const options = { epsilon: 0.02, atoms: 3, sweeps: 5, tolerance: 1e-3, seed: 2 };
  const learn = async (device: typeof gpu | typeof cpu): Promise<DictionarySweep[]> => {
    using _scope = device.scope();
    const seen: DictionarySweep[] = [];
    for await (const sweep of wassersteinDictionary(device, problem, options)) seen.push(sweep);
    return seen;
  };

  it('descends alike on both devices, in rows that are probabilities, at the promised rate', async () => {
    const [fast, exact] = [await learn(gpu), await learn(cpu)];
    const fall = (exact[0]?.objective ?? NaN) - (exact.at(-1)?.objective ?? NaN);
    expect(fall).toBeGreaterThan(0.1);
    for (const seen of [fast, exact]) {
      seen.slice(1).forEach(({ objective, stationarity, blocks }, n) => {
        expect(objective).toBeLessThanOrEqual((seen[n]?.objective ?? NaN) + 1e-4 * fall);
        // What a sweep moves is paid for by the fall of the objective.
        expect(stationarity / 2).toBeLessThanOrEqual((seen[n]?.objective ?? NaN) - objective + 1e-2 * fall);
        for (const { residual } of blocks) expect(residual).toBeLessThanOrEqual(options.tolerance);
      });
      const { left, right, codes } = seen.at(-1)?.dictionary ?? startingDictionary(problem, 3, 1);
      for (const [values, length] of [
        [left, 10],
        [right, 10],
        [codes, 3],
      ] as const) {
        for (let at = 0; at < values.length; at += length) {
          const row = values.slice(at, at + length);
          expect(Math.min(...row)).toBeGreaterThanOrEqual(0);
          expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
        }
      }
    }
    // The blocks are solved to 1e-3, and may end at other steps.
    fast.forEach(({ objective }, n) =>
      expect(Math.abs(objective - (exact[n]?.objective ?? NaN))).toBeLessThan(5e-3 * fall),
    );
  });

  it('finds planted atoms that a Frobenius factorization finds less well', async () => {
    using _scope = gpu.scope();
    const made = plantedHistograms(3, { side: 10, groups: 16, shift: 0.05, samples: 400, seed: 5 });
    const shifted = { histograms: made.histograms, height: 10, width: 10 };
    const start = startingDictionary(shifted, 3, 5);
    const learning = { ...options, sweeps: 12, tolerance: 5e-3, start };
    const { dictionary } = await solveWassersteinDictionary(gpu, shifted, learning);
    const steps = productFactorization(gpu, shifted, start, { loss: 'frobenius', iterations: 100 });
    let next = await steps.next();
    while (next.done !== true) next = await steps.next();
    const grid = { height: 10, width: 10, epsilon: 0.01 };
    const distance = async (learned: typeof dictionary): Promise<number> => {
      const atoms = atomsOf(learned);
      const from = atoms.flatMap((atom) => made.planted.map(() => atom));
      const to = atoms.flatMap(() => made.planted);
      const values = await gridDivergences(gpu, from, to, grid, { maximumIterations: 60 });
      // To each planted atom the nearest of the learned.
      return [0, 1, 2].reduce(
        (sum, truth) => sum + Math.min(...[0, 1, 2].map((k) => values[3 * k + truth] ?? NaN)) / 3,
        0,
      );
    };
    const [own, rival, before] = [await distance(dictionary), await distance(next.value), await distance(start)];
    expect(own).toBeLessThan(rival);
    expect(own).toBeLessThan(before / 4);
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    const session = gpu.session(controller.signal);
    const steps = wassersteinDictionary(session, problem, options);
    await steps.next();
    controller.abort();
    await expect(steps.next()).rejects.toThrow(CancelledError);
    session.close();
  });
});

it.each(['frobenius', 'kullback-leibler'] as const)(
  'a plain factorization by %s never raises its loss',
  async (loss) => {
    using _scope = cpu.scope();
    const value = (dictionary: ReturnType<typeof startingDictionary>): number =>
      mixturesOf(dictionary).reduce((sum, mixture, i) => {
        const data = problem.histograms[i] ?? [];
        return (
          sum +
          mixture.reduce((part, m, at) => {
            const x = data[at] ?? 0;
            return part + (loss === 'frobenius' ? (x - m) ** 2 : x > 0 ? x * Math.log(x / m) : 0);
          }, 0)
        );
      }, 0);
    const start = startingDictionary(problem, 3, 2);
    let before = value(start);
    for await (const { dictionary } of productFactorization(cpu, problem, start, {
      loss,
      iterations: 30,
      showEvery: 10,
    })) {
      // Frobenius mixtures are shown with rows that sum to one, which may cost a little.
      expect(value(dictionary)).toBeLessThanOrEqual(before * (loss === 'frobenius' ? 1.02 : 1 + 1e-9));
      before = value(dictionary);
    }
  },
);

describe('bad input', () => {
  const good = { epsilon: 0.05, atoms: 2 };
  it.each([
    ['no histograms', { histograms: [] }, good, /no histograms/],
    ['a wrong size', { histograms: [[1]] }, good, /1 instead of 35/],
    ['no mass', { histograms: [new Array<number>(35).fill(0)] }, good, /all zero/],
    ['negative mass', { histograms: [[-1, 2, ...new Array<number>(33).fill(0)]] }, good, /-1 at index 0/],
    ['no atoms', {}, { ...good, atoms: 0 }, /atoms/],
    ['half an atom', {}, { ...good, atoms: 1.5 }, /atoms/],
    ['epsilon 0', {}, { ...good, epsilon: 0 }, /epsilon/],
    ['a proximal weight of 0', {}, { ...good, proximal: 0 }, /proximal/],
    ['a negative proximal weight', {}, { ...good, proximal: -1 }, /proximal/],
    ['a start of other sizes', {}, { ...good, start: startingDictionary(small, 3, 1) }, /left/],
  ])('is refused: %s', async (_name, patch, options, message) => {
    using _scope = cpu.scope();
    const error = await solveWassersteinDictionary(cpu, { ...small, ...patch }, options).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(String(error)).toMatch(message);
  });
});
