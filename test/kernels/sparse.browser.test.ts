/** The sparse kernels and those on stored plans against their float64 references, under default limits. */
import { describe, expect, it } from 'vitest';
import type { Device, Tensor } from '../../src/device';
import { InvalidInputError } from '../../src/device/errors';
import { serialTuning } from '../../src/kernels/serial';
import { compressPlan, conjugateGradientStep, sparseProduct, startConjugateGradient } from '../../src/kernels/sparse';
import { marginalStep, massThreshold, rankThreshold, scalePlan, planMatrix } from '../../src/kernels/stored-plan';
import { openReference, openTestDevice, tuneTests } from '../support/device';
import { float32s, uniformSource } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** WGSL leaves the rounding direction open: one operation may be off by a whole ULP. */
const ulp = 2 ** -23;
const exponentialError = 4e-7;

/** Shapes with 1, primes, and sizes around every tile: 16 columns, 64 lanes, 256 lanes of the scan, 4,096 entries. */
const shapes = [
  [1, 1],
  [1, 67],
  [131, 1],
  [17, 16],
  [64, 65],
  [257, 259],
] as const;

/** A plan whose entries span many orders of magnitude, with zeros among them. */
function planOf(rows: number, columns: number): Float32Array<ArrayBuffer> {
  const draw = uniformSource(rows * 1000 + columns);
  const plan = new Float32Array(rows * columns).map(() =>
    draw() < 0.1 ? 0 : 10 ** (-30 * draw() ** 2) / (rows * columns),
  );
  plan[0] = 1 / (rows * columns);
  return plan;
}

const both = (data: ArrayLike<number>, shape: readonly number[]): readonly [Tensor, Tensor] => [
  gpu.tensor(data, shape),
  cpu.tensor(data, shape),
];

const relative = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound: (i: number) => number): void => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (!(off <= bound(i))) expect.fail(`entry ${String(i)}: ${String(actual[i])} instead of ${String(expected[i])}`);
  }
};

const cases = ['true', 'false'].flatMap((serial) => shapes.map(([rows, columns]) => ({ rows, columns, serial })));

describe.each(cases)('a plan of $rows x $columns, serial: $serial', ({ rows, columns, serial }) => {
  tuneTests(gpu, serialTuning, serial);
  const size = rows + columns;
  const plan = planOf(rows, columns);

  it('is stored from potentials and costs', async () => {
    using _gpuScope = gpu.scope();
    const cost = float32s(rows * columns, 3, 0, 1);
    const f = float32s(rows, 4, -0.5, 0.3);
    const g = float32s(columns, 5, -0.5, 0.3);
    const [actual, expected] = await Promise.all(
      [gpu, cpu].map((device: Device) =>
        planMatrix(
          { matrix: device.tensor(cost, [rows, columns]) },
          { rows: device.tensor(f, [rows]), columns: device.tensor(g, [columns]) },
          0.05,
        ).read(),
      ),
    );
    // f + g and minus C are rounded before they are divided by epsilon: at most 1.4 in magnitude, a ULP each.
    const bound = (1.4 * 4 * ulp) / 0.05 + exponentialError;
    relative(actual ?? [], expected ?? [], (i) => bound * (expected?.[i] ?? 0) + 1e-37);
  });

  it('is scaled, with its sums and the ascent of the step', async () => {
    using _gpuScope = gpu.scope();
    const step = float32s(size, 6, -2, 2);
    for (const length of [0, 1e-3, 1]) {
      const results = await Promise.all(
        [gpu, cpu].map(async (device: Device) => {
          const out = {
            plan: device.empty([rows, columns]),
            sums: device.empty([size]),
            remainders: device.empty([rows]),
          };
          scalePlan(device.tensor(plan, [rows, columns]), device.tensor(step, [size]), length, out);
          return Promise.all([out.plan.read(), out.sums.read(), out.remainders.read()]);
        }),
      );
      const [actual, expected] = results;
      if (actual === undefined || expected === undefined) throw new Error('two results expected');
      // The exponent of at most 4 is rounded twice; then the product.
      const entryError = 8 * ulp + exponentialError + 2 * ulp;
      relative(actual[0], expected[0], (i) => entryError * (expected[0][i] ?? 0) + 1e-37);
      // Each invocation adds at most 17 terms before the tree of six levels; all terms are positive.
      const sumError = entryError + (17 + 6) * ulp;
      relative(actual[1], expected[1], (i) => sumError * (expected[1][i] ?? 0) + 1e-36);
      // exp(w) - 1 - w beyond |w| = 1/2 is at least 0.106 of exp(w) + 1 + |w| / 8: rounding grows at most twenty-fold.
      relative(actual[2], expected[2], (i) => 40 * sumError * (expected[2][i] ?? 0) + 1e-36);
      if (length === 0) expect(Array.from(actual[0])).toEqual(Array.from(plan));
    }
  });

  it('finds the entry of a rank exactly', async () => {
    using _gpuScope = gpu.scope();
    const sorted = plan.toSorted((a, b) => b - a);
    for (const rank of new Set([1, Math.ceil(plan.length / 3), plan.length])) {
      const [threshold] = await rankThreshold(gpu.tensor(plan, [rows, columns]), rank).read();
      expect(threshold).toBe(sorted[rank - 1]);
      expect((await rankThreshold(cpu.tensor(plan, [rows, columns]), rank).read())[0]).toBe(sorted[rank - 1]);
    }
  });

  it('is thresholded by mass: never more than the budget, and nearly all of it', async () => {
    using _gpuScope = gpu.scope();
    for (const budget of [1e-9, 1e-3, 0.1]) {
      const [[actual = NaN], [expected = NaN]] = await Promise.all(
        [gpu, cpu].map(async (device) => massThreshold(device.tensor(plan, [rows, columns]), budget).read()),
      ).then(([a = new Float32Array(0), b = new Float32Array(0)]) => [a, b] as const);
      const massBelow = (least: number) => plan.reduce((sum, entry) => (entry < least ? sum + entry : sum), 0);
      expect(massBelow(actual)).toBeLessThanOrEqual(budget);
      // The next bin up, an eighth wider, would not fit with every entry taken for the bin's upper edge.
      expect((9 / 8) * massBelow(actual * (9 / 8) * (1 + ulp)) * (1 + 1e-5) >= budget || actual > 1 / plan.length).toBe(
        true,
      );
      expect(Math.abs(Math.log2(actual / expected))).toBeLessThanOrEqual(actual === expected ? 0 : 0.17);
    }
  });

  it('is compressed, with the mass that was left out, and multiplied', async () => {
    using _gpuScope = gpu.scope();
    const threshold = plan.toSorted((a, b) => b - a)[Math.floor(plan.length / 2)] ?? 0;
    const x = float32s(size, 7);
    const results = await Promise.all(
      [gpu, cpu].map(async (device: Device) => {
        const sparse = compressPlan(device.tensor(plan, [rows, columns]), device.tensor([threshold], [1]));
        const again = compressPlan(device.tensor(plan, [rows, columns]), device.tensor([threshold], [1]), sparse);
        expect(again).toBe(sparse);
        const vector = device.tensor(x, [size]);
        const product = sparseProduct(sparse, vector);
        const curved = sparseProduct(sparse, vector, { curvature: true });
        const offsets = await sparse.offsets.read();
        const count = offsets.at(-1) ?? 0;
        return {
          offsets: Array.from(offsets),
          indices: Array.from(await sparse.indices.read()).slice(0, count),
          values: Array.from(await sparse.values.read()).slice(0, count),
          leftover: await sparse.leftover.read(),
          product: await product.read(),
          curved: await curved.read(),
        };
      }),
    );
    const [actual, expected] = results;
    if (actual === undefined || expected === undefined) throw new Error('two results expected');
    expect(actual.offsets).toEqual(expected.offsets);
    expect(actual.indices).toEqual(expected.indices);
    expect(actual.values).toEqual(expected.values);
    relative(actual.leftover, expected.leftover, (i) => 12 * ulp * (expected.leftover[i] ?? 0) + 1e-36);
    // |x| <= 1: a line's terms are at most twice its values, 65 of them in a row and a tree of two levels.
    const lineMass = (line: number) =>
      expected.values.slice(expected.offsets[line], expected.offsets[line + 1]).reduce((sum, value) => sum + value, 0);
    const bound = (line: number) => 2 * (65 + 2 + 3) * ulp * (lineMass(line) + (expected.leftover[line] ?? 0)) + 1e-36;
    relative(actual.product, expected.product, bound);
    relative(actual.curved, expected.curved, bound);
    // The curvature is diag(P 1, P^T 1) + [0 S; S^T 0].
    const sum = (line: number) => lineMass(line) + (expected.leftover[line] ?? 0);
    relative(
      expected.curved,
      Array.from(expected.product, (value, i) => value + sum(i) * (x[i] ?? 0)),
      (i) => 1e-14 * sum(i),
    );
  });
});

it('takes the step that Sinkhorn would take, on one side', async () => {
  using _scope = gpu.scope();
  const sums = float32s(300, 8, 0.1, 1);
  const weights = float32s(300, 9, 0.1, 1);
  const [[sumsGpu, sumsCpu], [weightsGpu, weightsCpu]] = [both(sums, [300]), both(weights, [300])];
  const [actual, expected] = [gpu.empty([300]), cpu.empty([300])];
  marginalStep(sumsGpu, weightsGpu, [100, 300], actual);
  marginalStep(sumsCpu, weightsCpu, [100, 300], expected);
  const values = await expected.read();
  // A division is good to 2.5 ULP, which a logarithm passes on absolutely.
  relative(await actual.read(), values, (i) => 5 * ulp + 3 * ulp * Math.abs(values[i] ?? 0));
  expect(values.slice(0, 100).every((value) => value === 0)).toBe(true);
});

describe('conjugate gradients', () => {
  const [rows, columns] = [61, 130] as const;
  const size = rows + columns;
  const plan = planOf(rows, columns);

  async function solve(device: Device, tolerance: number, steps: number) {
    const tensor = device.tensor(plan, [rows, columns]);
    const out = { plan: device.empty([rows, columns]), sums: device.empty([size]), remainders: device.empty([rows]) };
    scalePlan(tensor, device.full([size], 0), 0, out);
    const sparse = compressPlan(tensor, device.tensor([1e-7], [1]));
    const state = {
      diagonal: out.sums,
      solution: device.empty([size]),
      residual: device.empty([size]),
      direction: device.empty([size]),
      image: device.empty([size]),
      scalars: device.empty([4]),
    };
    // A right-hand side in the range of the matrix.
    const rightHandSide = sparseProduct(sparse, device.tensor(float32s(size, 10), [size]), { curvature: true });
    startConjugateGradient(state, rightHandSide, tolerance);
    for (let k = 0; k < steps; k++) {
      sparseProduct(sparse, state.direction, { curvature: true, out: state.image });
      conjugateGradientStep(state);
    }
    const check = sparseProduct(sparse, state.solution, { curvature: true });
    const [product, wanted, taken, broken] = await state.scalars.read();
    return { check: await check.read(), right: await rightHandSide.read(), product, wanted, taken, broken };
  }

  it.each(['GPU', 'reference'])('solve on the %s, then rest', async (name) => {
    const device = name === 'GPU' ? gpu : cpu;
    const tolerance = name === 'GPU' ? 1e-4 : 1e-10;
    using _scope = device.scope();
    const { check, right, product = NaN, wanted = NaN, taken = NaN, broken } = await solve(device, tolerance, 300);
    expect(product).toBeLessThanOrEqual(wanted);
    expect(broken).toBe(0);
    expect(taken).toBeLessThan(300);
    const norm = Math.hypot(...right);
    // The preconditioned norm is within the square root of the spread of the diagonal of this one: below 100 here.
    expect(Math.hypot(...Array.from(check, (value, i) => value - (right[i] ?? 0)))).toBeLessThan(
      100 * tolerance * norm,
    );
  });

  it('take the same steps on both devices at first', async () => {
    using _scope = gpu.scope();
    const [first, second] = [await solve(gpu, 1e-6, 4), await solve(cpu, 1e-6, 4)];
    expect(first.taken).toBe(4);
    expect(Math.abs((first.product ?? NaN) / (second.product ?? NaN) - 1)).toBeLessThan(1e-3);
  });
});

describe('bad input', () => {
  it('is refused', () => {
    using _scope = gpu.scope();
    const plan = gpu.full([3, 4], 1);
    const step = gpu.full([7], 0);
    const out = { plan: gpu.empty([3, 4]), sums: gpu.empty([7]), remainders: gpu.empty([3]) };
    expect(() => rankThreshold(plan, 13)).toThrow(InvalidInputError);
    expect(() => rankThreshold(plan, 0)).toThrow(/rank must be an integer from 1 to 12/);
    expect(() => {
      scalePlan(plan, gpu.full([6], 0), 1, out);
    }).toThrow(/step has 6 elements instead of 7/);
    expect(() => {
      scalePlan(plan, step, 1, { ...out, plan });
    }).toThrow(/cannot be scaled into itself/);
    const sparse = compressPlan(plan, gpu.full([1], 0));
    expect(() => compressPlan(gpu.full([4, 3], 1), gpu.full([1], 0), sparse)).toThrow(/made for a plan of 3 x 4/);
    expect(() => sparseProduct(sparse, gpu.full([6], 0))).toThrow(/x has 6 elements instead of 7/);
  });
});
