/** Sinkhorn's forms and accelerations: the same answer as the plain iteration in the log domain, and sooner. */
import { describe, expect, it } from 'vitest';
import { bestRelaxation, plainRate } from '../../src/algorithms/acceleration';
import { solveSinkhorn, type SinkhornOptions } from '../../src/algorithms/sinkhorn';
import type { MatrixProblem, PointProblem } from '../../src/algorithms/transport-problem';
import type { Device } from '../../src/device';
import type { GroundCost } from '../../src/kernels/pairs';
import { Philox } from '../../src/kernels/random';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();
const devices: readonly (readonly [string, Device])[] = [
  ['the GPU', gpu],
  ['the reference device', cpu],
];

/** A random cost matrix: an assignment problem, which plain iteration finds hard. */
function assignment(size: number): MatrixProblem {
  const random = new Philox(3);
  return { matrix: Float32Array.from({ length: size * size }, () => random.uniform()), rows: size, columns: size };
}

function clouds(count: number, cost: GroundCost): PointProblem {
  const random = new Philox(5);
  const numbers = (): Float32Array => Float32Array.from({ length: 3 * count }, () => random.uniform());
  return { x: numbers(), y: numbers().map((value) => value ** 2), dimension: 3, cost };
}

async function solve(device: Device, problem: MatrixProblem | PointProblem, options: SinkhornOptions) {
  using _scope = device.scope();
  return await solveSinkhorn(device, problem, options);
}

describe.each(devices)('on %s', (_, device) => {
  const hard: SinkhornOptions = { epsilon: 0.01, tolerance: 1e-5, maximumIterations: 4000 };

  it('acceleration gives the plain answer in fewer iterations, and says what it did', async () => {
    const problem = assignment(40);
    const plain = await solve(device, problem, hard);
    const relaxed = await solve(device, problem, { ...hard, acceleration: 'over-relaxation' });
    const extrapolated = await solve(device, problem, { ...hard, acceleration: 'anderson' });
    for (const { status, transportCost } of [relaxed, extrapolated]) {
      expect(status).toBe('converged');
      expect(Math.abs(transportCost - plain.transportCost)).toBeLessThanOrEqual(2e-5);
    }
    expect(relaxed.iterations).toBeLessThan(plain.iterations / 2);
    expect(extrapolated.iterations).toBeLessThan(plain.iterations / 2);
    expect(plain.acceleration).toEqual({ kind: 'none', relaxation: 1, attempts: 0, refused: 0 });
    expect(relaxed.acceleration.attempts).toBeGreaterThan(0);
    expect(extrapolated.acceleration.attempts).toBeGreaterThan(extrapolated.acceleration.refused);
  });

  it.each<readonly [string, MatrixProblem | PointProblem, number]>([
    ['a matrix', assignment(37), 0.01],
    ['a matrix at a small epsilon', assignment(37), 0.002],
    ['points', clouds(70, 'euclidean'), 0.02],
  ])('the absorbed form agrees with the log domain on %s', async (_name, problem, epsilon) => {
    const options: SinkhornOptions = { epsilon, tolerance: 1e-5, maximumIterations: 300 };
    const log = await solve(device, problem, options);
    const absorbed = await solve(device, problem, { ...options, form: 'absorbed' });
    expect(absorbed.form).toBe('absorbed');
    expect(absorbed.status).toBe(log.status);
    // Each multiplication of the scalings may round by 2^-24, so both may stop one look apart.
    expect(Math.abs(absorbed.iterations - log.iterations)).toBeLessThanOrEqual(10);
    expect(Math.abs(absorbed.transportCost - log.transportCost)).toBeLessThanOrEqual(2e-5);
  });
});

describe('over-relaxation', () => {
  it('shrinks the error by the factor minus one, as theory says', async () => {
    const options: SinkhornOptions = { epsilon: 0.02, tolerance: 1e-13, maximumIterations: 4000 };
    const plain = await solve(cpu, assignment(30), options);
    const relaxed = await solve(cpu, assignment(30), { ...options, acceleration: 'over-relaxation' });
    // From about 1 to 1e-13 at the rate r takes log(1e-13) / log(r) iterations.
    const rate = 1e-13 ** (1 / plain.iterations);
    const expected = Math.log(1e-13) / Math.log(bestRelaxation(rate) - 1);
    expect(relaxed.status).toBe('converged');
    expect(relaxed.iterations).toBeLessThan(2 * expected + 60);
  });

  it('recovers the plain rate from the rate with a factor below the best', () => {
    // For a plain rate r and a factor w the larger root of (l + w - 1)^2 = l w^2 r is the rate with the factor.
    const [plain, factor] = [0.9, 1.3];
    const b = 2 * (factor - 1) - factor * factor * plain;
    const seen = (-b + Math.sqrt(b * b - 4 * (factor - 1) ** 2)) / 2;
    expect(plainRate(seen, factor)).toBeCloseTo(plain, 12);
    expect(bestRelaxation(0)).toBe(1);
    expect(bestRelaxation(1)).toBe(2);
  });

  it('takes a fixed factor, and refuses one that cannot converge', async () => {
    const { acceleration } = await solve(cpu, assignment(8), {
      epsilon: 0.05,
      acceleration: 'over-relaxation',
      relaxation: 1.4,
    });
    expect(acceleration.relaxation).toBe(1.4);
    await expect(
      solve(cpu, assignment(8), { epsilon: 0.05, acceleration: 'over-relaxation', relaxation: 2 }),
    ).rejects.toMatchObject({ details: { field: 'relaxation' } });
    await expect(
      solve(cpu, assignment(8), { epsilon: 0.05, acceleration: 'over-relaxation', form: 'absorbed' }),
    ).rejects.toMatchObject({ details: { field: 'acceleration' } });
  });
});

describe('conventions', () => {
  it('half the squared distance at half the epsilon is half the cost, with the same plan', async () => {
    const options = { tolerance: 1e-12, maximumIterations: 2000 };
    const whole = await solve(cpu, clouds(20, 'squared-euclidean'), { ...options, epsilon: 0.2 });
    const half = await solve(cpu, clouds(20, 'half-squared-euclidean'), { ...options, epsilon: 0.1 });
    expect(half.transportCost).toBeCloseTo(whole.transportCost / 2, 12);
    expect(half.problem.largestCost).toBeCloseTo(whole.problem.largestCost / 2, 12);
    expect(half.rowPotential[3]).toBeCloseTo((whole.rowPotential[3] ?? NaN) / 2, 10);
    const { transportCost } = await solve(gpu, clouds(20, 'half-squared-euclidean'), { epsilon: 0.1 });
    expect(Math.abs(transportCost / half.transportCost - 1)).toBeLessThanOrEqual(1e-5);
  });

  it('the objective relative to the product measure counts its entropy', async () => {
    const { entropicObjective, productObjective } = await solve(cpu, clouds(25, 'manhattan'), { epsilon: 0.1 });
    expect(productObjective - entropicObjective).toBeCloseTo(0.1 * 2 * Math.log(25), 9);
  });

  it('a start near the solution saves the iterations', async () => {
    const options = { epsilon: 0.05, tolerance: 1e-9, maximumIterations: 5000 };
    const cold = await solve(cpu, assignment(20), options);
    const warm = await solve(cpu, assignment(20), { ...options, startColumnPotential: cold.columnPotential });
    expect(warm.iterations).toBeLessThanOrEqual(2);
    await expect(solve(cpu, assignment(20), { ...options, startColumnPotential: [1] })).rejects.toMatchObject({
      details: { field: 'startColumnPotential' },
    });
  });
});
