/** HiPPO, its diagonal forms, and the closed forms that they are held against, in float64. */
import { describe, expect, it } from 'vitest';
import { diagonalize } from '../../src/algorithms/eigen-decomposition';
import {
  diagonalFactor,
  hippoKernel,
  hippoLegS,
  hippoTransfer,
  legendreSum,
  normalPart,
  type Complex,
} from '../../src/algorithms/hippo';
import { relativeResiduals } from '../../src/algorithms/least-squares';
import {
  diagonalTransfer,
  discretize,
  initialPoles,
  placeSystem,
  stateSpaceKernel,
  type DiagonalSystem,
} from '../../src/algorithms/state-space';
import { InvalidInputError } from '../../src/device/errors';
import { openReferenceDevice } from '../../src/device/reference-device';
import { float32s } from '../support/numbers';

const cpu = openReferenceDevice();
const frequencies: readonly Complex[] = [0.1, 1, 7, 30, 81, 400].map((w) => [0, w]);

function expectClose([a, b]: Complex, [c, d]: Complex, tolerance: number): void {
  expect(Math.hypot(a - c, b - d)).toBeLessThanOrEqual(tolerance);
}

/** C (s I - A)^-1 B by forward substitution, for a lower triangular A. */
function substituted(state: Float64Array, input: Float64Array, output: ArrayLike<number>, [re, im]: Complex): Complex {
  const size = input.length;
  const x: [number, number][] = [];
  for (let i = 0; i < size; i++) {
    let [a, b] = [input[i] ?? NaN, 0];
    x.forEach(([u, v], j) => {
      a += (state[i * size + j] ?? NaN) * u;
      b += (state[i * size + j] ?? NaN) * v;
    });
    const real = re - (state[i * (size + 1)] ?? NaN);
    const square = real * real + im * im;
    x.push([(a * real + b * im) / square, (b * real - a * im) / square]);
  }
  return x.reduce<[number, number]>(
    ([a, b], [u, v], i) => [a + (output[i] ?? 0) * u, b + (output[i] ?? 0) * v],
    [0, 0],
  );
}

async function kernelOf(system: DiagonalSystem, output: ArrayLike<number>, step: number, length: number) {
  using _scope = cpu.scope();
  return Float64Array.from(await stateSpaceKernel(placeSystem(cpu, discretize(system, step), [output]), length).read());
}

describe('HiPPO-LegS', () => {
  it('is published entry by entry, and a normal matrix less a rank of one', () => {
    const hippo = hippoLegS(4);
    expect(Array.from(hippo.input)).toEqual([1, Math.sqrt(3), Math.sqrt(5), Math.sqrt(7)]);
    expect(hippo.state[4]).toBeCloseTo(-Math.sqrt(3), 14);
    expect(hippo.state[1]).toBe(0);
    expect(hippo.state[5]).toBe(-2);
    const normal = normalPart(hippo);
    for (let i = 0; i < 4; i++) {
      expect(normal[5 * i]).toBeCloseTo(-0.5, 14);
      for (let j = 0; j < i; j++) expect(normal[4 * i + j]).toBeCloseTo(-(normal[4 * j + i] ?? NaN), 14);
    }
    expect(() => hippoLegS(0)).toThrow(InvalidInputError);
  });

  it('has the transfer function of its product form', () => {
    const { state, input } = hippoLegS(16);
    const output = float32s(16, 3);
    for (const s of [...frequencies, [0.3, 2] as const])
      expectClose(hippoTransfer(output, s), substituted(state, input, output, s), 1e-12 * 16);
  });

  it('has the kernel that its own eigenvectors give, where they can be had', async () => {
    const { state, input } = hippoLegS(6);
    const output = float32s(6, 4);
    const system = diagonalize(state, input);
    const kernel = await kernelOf(system, output, 0.05, 200);
    const expected = hippoKernel(output, 0.05, 200);
    kernel.forEach((value, at) => {
      expect(Math.abs(value - (expected[at] ?? NaN))).toBeLessThan(1e-14 * system.condition);
    });
    expect(system.condition).toBeGreaterThan(100);
  });

  it('keeps the past as Legendre coefficients', () => {
    // A signal that is 1, exp(-age) or so long ago is a polynomial in exp(-age): three states recall it.
    const signal = (age: number) => 2 * Math.exp(-2 * age) - Math.exp(-age) + 0.5;
    const coefficients = Array.from({ length: 3 }, (_, i) => {
      const kernel = hippoKernel(
        [0, 1, 2].map((j) => (i === j ? 1 : 0)),
        1e-3,
        30_000,
      );
      return kernel.reduce((sum, value, at) => sum + value * signal((at + 0.5) * 1e-3), 0);
    });
    for (const age of [0, 0.3, 2]) expect(legendreSum(coefficients, age)).toBeCloseTo(signal(age), 5);
  });
});

describe('diagonal forms', () => {
  it.each([8, 15, 32])('of %d states: the normal part is off by the closed form', (size) => {
    const hippo = hippoLegS(size);
    const half = hippo.input.map((value) => value / 2);
    const system = diagonalize(normalPart(hippo), half);
    expect(system.condition).toBeCloseTo(1, 8);
    expect(system.backwardError).toBeLessThan(1e-13);
    expect(system.modes).toBe(Math.ceil(size / 2));
    const output = float32s(size, 5);
    for (const s of frequencies) {
      const [[a, b], [c, d]] = [hippoTransfer(output, s), diagonalFactor(size, s)];
      expectClose(diagonalTransfer(system, output)(s), [a * c - b * d, a * d + b * c], 1e-10 * size);
    }
  });

  it('perturbed: close at every frequency in proportion, and stable', () => {
    const { state, input } = hippoLegS(24);
    const output = Float64Array.of(1, ...new Float64Array(23));
    const errors = [0.1, 0.01].map((perturbation) => {
      const system = diagonalize(state, input, { perturbation, seed: 3 });
      expect(system.condition).toBeGreaterThan(100);
      expect(system.poles.filter((_, at) => at % 2 === 0).every((re) => re < -0.5 + perturbation)).toBe(true);
      let norm = 0;
      for (const value of state) norm += value ** 2;
      // |E| <= |E|_F <= sqrt(n) |E|.
      const share = (system.backwardError * Math.sqrt(norm)) / perturbation;
      expect(share).toBeGreaterThan(1 - 1e-6);
      expect(share).toBeLessThan(Math.sqrt(24));
      return Math.max(
        ...frequencies.map((s) => {
          const [[a, b], [c, d]] = [diagonalTransfer(system, output)(s), hippoTransfer(output, s)];
          return Math.hypot(a - c, b - d);
        }),
      );
    });
    // The resolvent is at most 2 right of -1/2, where the numerical range of A ends.
    expect(errors[0]).toBeLessThan(0.1 * 2 * 2);
    expect((errors[0] ?? 0) / (errors[1] ?? 1)).toBeGreaterThan(8);
    expect((errors[0] ?? 0) / (errors[1] ?? 1)).toBeLessThan(12);
  });

  it('says what cannot be diagonalised', () => {
    expect(() => diagonalize([1, 2, 3], [1, 2])).toThrow(/square matrix/);
    expect(() => diagonalize([1], [1], { perturbation: -1 })).toThrow(InvalidInputError);
    expect(() => diagonalize([Number.NaN], [1])).toThrow(/not a number/);
    expect(() => diagonalize([-1, 0, 1, -1], [1, 1])).toThrow(/raise the perturbation/);
  });
});

describe('systems of steps', () => {
  it('follow the trapezoidal rule, solved step by step', async () => {
    const size = 6;
    const [step, length] = [0.1, 50];
    const { state, input } = hippoLegS(size);
    const output = float32s(size, 6);
    const system = discretize(diagonalize(state, input), step, 'bilinear');
    using _scope = cpu.scope();
    const kernel = await stateSpaceKernel(placeSystem(cpu, system, [output]), length).read();
    // (I - step / 2 A) x' = (I + step / 2 A) x + step B u, forward.
    let x = new Float64Array(size);
    for (let l = 0; l < length; l++) {
      const next = new Float64Array(size);
      for (let i = 0; i < size; i++) {
        let right = (x[i] ?? NaN) + (l === 0 ? step * (input[i] ?? NaN) : 0);
        for (let j = 0; j <= i; j++) right += (step / 2) * (state[i * size + j] ?? NaN) * (x[j] ?? NaN);
        for (let j = 0; j < i; j++) right += (step / 2) * (state[i * size + j] ?? NaN) * (next[j] ?? NaN);
        next[i] = right / (1 - (step / 2) * (state[i * (size + 1)] ?? NaN));
      }
      x = next;
      const expected = x.reduce((sum, value, i) => sum + value * (output[i] ?? NaN), 0);
      expect(Math.abs((kernel[l] ?? NaN) - expected)).toBeLessThan(1e-12);
    }
  });

  it('survive a factor of 0 and a pole at 0, and refuse growth', async () => {
    const one = (re: number, im: number): DiagonalSystem => ({
      states: 1,
      modes: 1,
      poles: Float64Array.of(re, im),
      inputs: Float64Array.of(1, 0),
      outputs: Float64Array.of(1, 0),
    });
    using _scope = cpu.scope();
    const placed = placeSystem(cpu, discretize(one(-2, 0), 1, 'bilinear'), [[1]]);
    expect(Array.from(await stateSpaceKernel(placed, 3).read())).toEqual([0.5, 0, 0]);
    expect(Array.from(await kernelOf(one(0, 0), [1], 0.25, 3))).toEqual([0.25, 0.25, 0.25]);
    expect(() => discretize(one(0.1, 1), 1)).toThrow(/right of the imaginary axis/);
    expect(() => discretize(one(-1, 1), 0)).toThrow(/positive length/);
  });
});

it('starts from the published poles', () => {
  const [linear, inverse, random] = [
    initialPoles('linear', 8),
    initialPoles('inverse', 8),
    initialPoles('random', 8, 1),
  ];
  expect(Array.from(linear)).toEqual([-0.5, 0, -0.5, Math.PI, -0.5, 2 * Math.PI, -0.5, 3 * Math.PI]);
  expect(inverse[1]).toBeCloseTo((8 / Math.PI) * 7, 12);
  expect(inverse[7]).toBeCloseTo((8 / Math.PI) * (8 / 7 - 1), 12);
  expect(random.filter((_, at) => at % 2 === 0).every((re) => re < 0)).toBe(true);
  expect(() => initialPoles('linear', 7)).toThrow(/even number/);
});

it('finds what is left of a least-squares problem', () => {
  const [a, b] = [Float64Array.of(1, 1, 1), Float64Array.of(1, 1, 1 + 1e-13)];
  const residuals = relativeResiduals(
    [a, b],
    [Float64Array.of(2, 2, 2), Float64Array.of(1, -1, 0), Float64Array.of(1, 0, 0)],
  );
  expect(residuals[0]).toBeLessThan(1e-15);
  expect(residuals[1]).toBeCloseTo(1, 12);
  expect(residuals[2]).toBeCloseTo(Math.sqrt(2 / 3), 12);
});
