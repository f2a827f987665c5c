/** The streaming transport kernels against their float64 references, under default limits. */
import { describe, expect, it } from 'vitest';
import type { Device, Tensor } from '../../src/device';
import { squaredDistances } from '../../src/kernels/distances';
import {
  packedWidth,
  packPoints,
  splitPairs,
  transposePairs,
  type GroundCost,
  type Pairs,
  type PointPairs,
} from '../../src/kernels/pairs';
import { Philox } from '../../src/kernels/random';
import {
  barycentricMap,
  logSumExpOverPairs,
  marginalError,
  planCosts,
  updatePotential,
} from '../../src/kernels/transport';
import { cTransform, largestCosts, planPicture } from '../../src/kernels/transport-dual';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

/** WGSL leaves the rounding direction open: one operation may be off by a whole ULP. */
const ulp = 2 ** -23;
/** Relative error of our exponential with a ULP for every operation after the polynomial's fit. */
const exponentialError = 4e-7;

interface Problem {
  readonly rows: number;
  readonly columns: number;
  readonly dimension: number;
  readonly cost: GroundCost;
  readonly epsilon: number;
}

const problems: readonly Problem[] = [
  { rows: 1, columns: 1, dimension: 1, cost: 'squared-euclidean', epsilon: 0.1 },
  { rows: 1, columns: 7, dimension: 2, cost: 'squared-euclidean', epsilon: 0.01 },
  { rows: 5, columns: 1, dimension: 4, cost: 'euclidean', epsilon: 0.05 },
  { rows: 67, columns: 131, dimension: 3, cost: 'squared-euclidean', epsilon: 0.002 },
  { rows: 259, columns: 1031, dimension: 3, cost: 'squared-euclidean', epsilon: 0.02 },
  { rows: 61, columns: 258, dimension: 3, cost: 'manhattan', epsilon: 0.02 },
  { rows: 37, columns: 130, dimension: 11, cost: 'squared-euclidean', epsilon: 0.3 },
  { rows: 29, columns: 31, dimension: 5, cost: 'euclidean', epsilon: 0.05 },
];

/** The same float32-exact inputs on any device. */
function inputs({ rows, columns, dimension }: Problem) {
  const random = new Philox(11, rows * columns);
  const numbers = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => scale * (random.uniform() - 0.25));
  return {
    x: numbers(rows * dimension, 1),
    y: numbers(columns * dimension, 1),
    f: numbers(rows, 0.3).map((value) => value - 0.3),
    g: numbers(columns, 0.3),
  };
}

function place(device: Device, problem: Problem) {
  const { rows, columns, dimension, cost } = problem;
  const { x, y, f, g } = inputs(problem);
  const width = packedWidth(dimension);
  const pairs: PointPairs = {
    x: device.tensor(packPoints(x, dimension), [rows, width]),
    y: device.tensor(packPoints(y, dimension), [columns, width]),
    dimension,
    cost,
  };
  const potentials = { rows: device.tensor(f, [rows]), columns: device.tensor(g, [columns]) };
  return { pairs, potentials };
}

/** What rounding may do to each row's log-sum: the plan-weighted mean of the exponents' errors, then the sum's own. */
function logSumBounds(problem: Problem, pairs: Pairs): Float64Array {
  const { rows, columns, dimension, epsilon, cost } = problem;
  const { x, y, f, g } = inputs(problem);
  const { chunks, chunk } = splitPairs(rows, columns);
  expect(pairs).toBeDefined();
  const bounds = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const exponents: number[] = [];
    const errors: number[] = [];
    for (let j = 0; j < columns; j++) {
      let c = 0;
      for (let k = 0; k < dimension; k++) {
        const difference = (x[i * dimension + k] ?? 0) - (y[j * dimension + k] ?? 0);
        c += cost === 'manhattan' ? Math.abs(difference) : difference * difference;
      }
      if (cost === 'euclidean') c = Math.sqrt(c);
      const sum = (f[i] ?? 0) + (g[j] ?? 0);
      const exponent = (sum - c) / epsilon;
      exponents.push(exponent);
      errors.push((ulp * (Math.abs(sum) + (dimension + 5) * c + 4 * Math.abs(sum - c))) / epsilon);
    }
    const maximum = Math.max(...exponents);
    const weights = exponents.map((exponent) => Math.exp(exponent - maximum));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const mean = weights.reduce((sum, weight, j) => sum + weight * (errors[j] ?? 0), 0) / total;
    const logSum = Math.abs(maximum + Math.log(total));
    bounds[i] =
      1.05 * mean + 2 * exponentialError + ulp * (chunk / 4 + chunks + 6 + 2 * logSum + 2 * Math.abs(maximum));
  }
  return bounds;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: (index: number) => number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    const limit = bound(i);
    if (!(difference <= limit))
      expect.fail(
        `entry ${String(i)}: ${String(actual[i])} instead of ${String(expected[i])}, off by ${String(difference)} > ${String(limit)}`,
      );
  }
}

async function both(run: (device: Device) => Tensor): Promise<[gpu: ArrayLike<number>, reference: ArrayLike<number>]> {
  return [await run(gpu).read(), await run(cpu).read()];
}

const title = ({ rows, columns, dimension, cost, epsilon }: Problem) =>
  `${String(rows)} x ${String(columns)} points of ${String(dimension)} coordinates, ${cost}, epsilon ${String(epsilon)}`;

describe.each(problems.map((problem) => ({ name: title(problem), problem })))('$name', ({ problem }) => {
  const { rows, columns, dimension, epsilon } = problem;

  it('sums the rows of the plan in the log domain', async () => {
    const [actual, expected] = await both((device) => {
      const { pairs, potentials } = place(device, problem);
      return logSumExpOverPairs(pairs, potentials, epsilon);
    });
    const bounds = logSumBounds(problem, place(cpu, problem).pairs);
    expectClose(actual, expected, (i) => bounds[i] ?? 0);
  });

  it('sums the same rows and their costs', async () => {
    const [actualSums] = await both((device) => {
      const { pairs, potentials } = place(device, problem);
      return planCosts(pairs, potentials, epsilon).logSums;
    });
    const [actual, expected] = await both((device) => {
      const { pairs, potentials } = place(device, problem);
      return planCosts(pairs, potentials, epsilon).costs;
    });
    const { pairs, potentials } = place(gpu, problem);
    const logSums = await logSumExpOverPairs(pairs, potentials, epsilon).read();
    expect([...Array.from(actualSums)]).toEqual([...Array.from(logSums)]);
    // Every entry carries the error of its exponent; the largest one bounds them all.
    const worst = (ulp * (0.6 + (dimension + 9) * 4 * dimension)) / epsilon;
    expectClose(actual, expected, (i) => (worst + ulp * columns + 1e-6) * Math.abs(expected[i] ?? 0) + 1e-30);
  });

  it('averages values under every row of the plan', async () => {
    const width = 8;
    const random = new Philox(5, columns);
    const values = Float32Array.from({ length: columns * width }, () => random.uniform());
    const [actual, expected] = await both((device) => {
      const { pairs, potentials } = place(device, problem);
      return barycentricMap(pairs, device.tensor(values, [columns, width]), potentials, epsilon);
    });
    const bounds = logSumBounds(problem, place(cpu, problem).pairs);
    // Values lie in [0, 1): weights that are off by a factor 1 + e move their mean by at most 2e.
    expectClose(
      actual,
      expected,
      (index) => 2 * Math.expm1(bounds[Math.floor(index / width)] ?? 0) + ulp * (columns / 4 + 8),
    );
  });

  it('finds the smallest C - g and the largest C + g', async () => {
    const scale = 4 * dimension + 0.3;
    for (const kernel of [cTransform, largestCosts]) {
      const [actual, expected] = await both((device) => {
        const { pairs, potentials } = place(device, problem);
        return kernel(pairs, potentials.columns);
      });
      expectClose(actual, expected, () => ulp * (dimension + 4) * scale);
    }
  });

  it('gives the plan as a picture, max-pooled', async () => {
    const size = [Math.min(rows, 19), Math.min(columns, 23)] as const;
    const [actual, expected] = await both((device) => {
      const { pairs, potentials } = place(device, problem);
      return planPicture(pairs, potentials, epsilon, size);
    });
    const worst = (ulp * (0.6 + (dimension + 9) * 4 * dimension)) / epsilon;
    expectClose(actual, expected, (i) => (worst + 1e-6) * (expected[i] ?? 0) + 1e-37);
  });
});

describe('costs in a matrix', () => {
  const problem: Problem = { rows: 67, columns: 131, dimension: 3, cost: 'squared-euclidean', epsilon: 0.02 };

  it('gives what the points give, from both sides', async () => {
    const { pairs, potentials } = place(gpu, problem);
    const { x, y } = inputs(problem);
    const matrix = squaredDistances(gpu.tensor(x, [67, 3]), gpu.tensor(y, [131, 3]));
    const bounds = logSumBounds(problem, pairs);
    const fromPoints = await logSumExpOverPairs(pairs, potentials, 0.02).read();
    const fromMatrix = await logSumExpOverPairs({ matrix }, potentials, 0.02).read();
    expectClose(fromMatrix, fromPoints, (i) => bounds[i] ?? 0);
    const swapped = { rows: potentials.columns, columns: potentials.rows };
    const columnsFromPoints = await logSumExpOverPairs(transposePairs(pairs), swapped, 0.02).read();
    const columnsFromMatrix = await logSumExpOverPairs(transposePairs({ matrix }), swapped, 0.02).read();
    const worst = Math.max(...bounds) * 2;
    expectClose(columnsFromMatrix, columnsFromPoints, () => worst);
  });
});

it('repeats bit by bit', async () => {
  const problem: Problem = { rows: 259, columns: 1031, dimension: 3, cost: 'squared-euclidean', epsilon: 0.02 };
  const { pairs, potentials } = place(gpu, problem);
  const first = await logSumExpOverPairs(pairs, potentials, 0.02).read();
  for (let k = 0; k < 5; k++) {
    expect(Array.from(await logSumExpOverPairs(pairs, potentials, 0.02).read())).toEqual(Array.from(first));
  }
});

it.each([1, 5, 257, 1009])('steps %i potentials in place and measures the marginals', async (size) => {
  const random = new Philox(3, size);
  const numbers = () => Float32Array.from({ length: size }, () => random.uniform() - 0.5);
  const [potential, logSums, logWeights, weights] = [numbers(), numbers(), numbers(), numbers()];
  const [actual, expected] = await both((device) =>
    updatePotential(
      device.tensor(potential, [size]),
      device.tensor(logSums, [size]),
      device.tensor(logWeights, [size]),
      0.25,
    ),
  );
  expectClose(actual, expected, () => 3 * ulp);
  const [actualErrors, expectedErrors] = await both((device) =>
    marginalError(device.tensor(logSums, [size]), device.tensor(weights, [size]), device.full([3], 0), 1),
  );
  // Each term is at most e^0.5 + 0.5.
  expectClose(actualErrors, expectedErrors, (slot) =>
    slot === 1 ? (exponentialError + ulp * (size / 256 + 10)) * 2.2 * size : 0,
  );
});

it.each([
  [1, 1, 1],
  [3, 67, 2],
  [131, 5, 7],
])('fills a %i x %i matrix of squared distances in %i dimensions', async (rows, columns, dimension) => {
  const { x, y } = inputs({ rows, columns, dimension, cost: 'squared-euclidean', epsilon: 1 });
  const [actual, expected] = await both((device) =>
    squaredDistances(device.tensor(x, [rows, dimension]), device.tensor(y, [columns, dimension])),
  );
  expectClose(actual, expected, (i) => ulp * (dimension + 3) * (expected[i] ?? 0));
});

describe('split potentials', () => {
  const problem: Problem = { rows: 67, columns: 131, dimension: 3, cost: 'squared-euclidean', epsilon: 0.002 };
  const grid = 2 ** -12;
  const split = (values: ArrayLike<number>) =>
    Float64Array.from({ length: 2 * values.length }, (_, at) => {
      const value = values[at >> 1] ?? NaN;
      const whole = Math.round(value / grid) * grid;
      return at % 2 === 0 ? whole : value - whole;
    });

  it('mean what whole ones mean', async () => {
    const { f, g } = inputs(problem);
    const bounds = logSumBounds(problem, place(cpu, problem).pairs);
    for (const device of [gpu, cpu]) {
      const { pairs, potentials } = place(device, problem);
      const halves = { rows: device.tensor(split(f), [67, 2]), columns: device.tensor(split(g), [131, 2]) };
      const whole = await logSumExpOverPairs(pairs, potentials, problem.epsilon).read();
      expectClose(await logSumExpOverPairs(pairs, halves, problem.epsilon).read(), whole, (i) => 2 * (bounds[i] ?? 0));
      const transform = await cTransform(pairs, potentials.columns).read();
      expectClose(await cTransform(pairs, halves.columns).read(), transform, () => 12 * ulp);
    }
  });

  it('keep digits that a float32 cannot', async () => {
    for (const device of [gpu, cpu]) {
      const potential = device.tensor(split([1, -1]), [2, 2]);
      const [logSums, logWeights] = [device.tensor([0, 0], [2]), device.tensor([1e-9, 3], [2])];
      for (let step = 0; step < 10; step++) updatePotential(potential, logSums, logWeights, 1, grid);
      const [first = NaN, rest = NaN, second = NaN, secondRest = NaN] = await potential.read();
      expect(Math.abs(first + rest - 1 - 1e-8)).toBeLessThan(1e-14);
      expect(second + secondRest).toBe(29);
    }
  });
});

describe('bad input', () => {
  it('refuses potentials of the wrong size, unpacked points and pictures larger than the plan', () => {
    const problem: Problem = { rows: 5, columns: 7, dimension: 3, cost: 'squared-euclidean', epsilon: 0.1 };
    const { pairs, potentials } = place(gpu, problem);
    expect(() => logSumExpOverPairs(pairs, { rows: potentials.columns, columns: potentials.rows }, 0.1)).toThrow(
      '7 elements instead of 5',
    );
    expect(() => cTransform({ ...pairs, x: gpu.empty([5, 3]) }, potentials.columns)).toThrow('packPoints');
    expect(() => planPicture(pairs, potentials, 0.1, [6, 7])).toThrow('no larger than the plan');
    expect(() => squaredDistances(gpu.empty([2, 3]), gpu.empty([2, 4]))).toThrow(
      'x has points of 3 coordinates and y of 4',
    );
  });
});
