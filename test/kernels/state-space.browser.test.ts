/** Diagonal state-space systems and resolvents against float64: lengths of every kind, many turns, wrong shapes. */
import { describe, expect, it } from 'vitest';
import {
  convolveStateSpace,
  placeModes,
  placeSystem,
  scanStateSpace,
  type DiscreteSystem,
} from '../../src/algorithms/state-space';
import { hippoLegS } from '../../src/algorithms/hippo';
import { InvalidInputError } from '../../src/device/errors';
import type { Device } from '../../src/device';
import { resolventNorms } from '../../src/kernels/resolvent';
import { driveModes, readModes, vandermondeKernel } from '../../src/kernels/state-space';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

/** Decays from 0 to -0.5 a step and angles of many turns; coefficients in [-1, 1). */
function drawModes(channels: number, modes: number, seed: number) {
  const count = channels * modes;
  const decays = float32s(count, seed, -0.5, 0).map((decay, at) => (at % 3 === 0 ? 0 : decay ** 3));
  const angles = float32s(count, seed + 1, -40, 40);
  const exponents = Float64Array.from({ length: 2 * count }, (_, at) =>
    at % 2 === 0 ? (decays[at / 2] ?? NaN) : (angles[(at - 1) / 2] ?? NaN) * (1 + 1e-9),
  );
  return { exponents, coefficients: float32s(2 * count, seed + 2) };
}

describe('the Vandermonde kernel', () => {
  it.each([
    { channels: 1, modes: 1, length: 1 },
    { channels: 3, modes: 5, length: 2 },
    { channels: 2, modes: 33, length: 997 },
    { channels: 7, modes: 2, length: 4097 },
    { channels: 65, modes: 1, length: 63 },
    { channels: 1, modes: 3, length: 131_073 },
  ])('of $channels channels, $modes modes, $length steps', async ({ channels, modes, length }) => {
    using _scope = gpu.scope();
    const { exponents, coefficients } = drawModes(channels, modes, length);
    const kernel = (device: Device) =>
      vandermondeKernel(
        device.tensor(coefficients, [channels, modes, 2]),
        placeModes(device, exponents, channels),
        length,
      ).read();
    const [actual, expected] = [await kernel(gpu), await kernel(cpu)];
    expect(actual.length).toBe(channels * length);
    for (let channel = 0; channel < channels; channel++) {
      let weight = 0;
      for (let mode = channel * modes; mode < (channel + 1) * modes; mode++)
        weight += Math.hypot(coefficients[2 * mode] ?? 0, coefficients[2 * mode + 1] ?? 0);
      // Of a term: the exponential 2.4e-7, its argument x exp(-x) 2^-24, the root 1.5 ULP, a product of 3 roundings; then sums.
      const bound = (7e-7 + 6e-8 * modes) * weight;
      let most = 0;
      for (let at = channel * length; at < (channel + 1) * length; at++)
        most = Math.max(most, Math.abs((actual[at] ?? NaN) - (expected[at] ?? NaN)));
      expect(most).toBeLessThanOrEqual(bound);
    }
  });

  it('has a reference that reduces angles exactly', async () => {
    using _scope = cpu.scope();
    const [high, low] = [0x9e3779b9, 0x7f4a7c15];
    const turns = cpu.tensor([high, low], [1, 1, 2], 'u32');
    const modes = { decays: cpu.tensor([0], [1, 1]), turns };
    const values = await vandermondeKernel(cpu.tensor([1, 0], [1, 1, 2]), modes, 100_000).read();
    for (const step of [1, 65_537, 99_999]) {
      const turn = BigInt.asUintN(64, BigInt(step) * ((BigInt(high) << 32n) | BigInt(low)));
      expect(values[step]).toBeCloseTo(Math.cos((2 * Math.PI * Number(turn >> 11n)) / 2 ** 53), 9);
    }
  });

  it('says what does not fit', () => {
    using _scope = gpu.scope();
    const coefficients = gpu.tensor([1, 0, 1, 0], [1, 2, 2]);
    const modes = placeModes(gpu, Float64Array.of(0, 1, 0, 2), 1);
    const other = placeModes(gpu, Float64Array.of(0, 1), 1);
    expect(() => vandermondeKernel(coefficients, other, 4)).toThrow(/coefficients \[channels, modes, 2\]/);
    expect(() => vandermondeKernel(gpu.tensor([1, 0], [2]), modes, 4)).toThrow(InvalidInputError);
    for (const length of [0, 1.5, 2 ** 24 + 1])
      expect(() => vandermondeKernel(coefficients, modes, length)).toThrow(/1 to 16,777,216 steps/);
    expect(() => readModes(coefficients, gpu.empty([3, 4, 2]))).toThrow(/readModes needs/);
    expect(() => driveModes(gpu.empty([2, 2, 2]), 3)).toThrow(InvalidInputError);
  });
});

describe('a signal through a system', () => {
  it.each([
    { channels: 1, modes: 1, length: 1 },
    { channels: 3, modes: 4, length: 251 },
    { channels: 2, modes: 9, length: 1025 },
  ])('is the same by convolution, by scan and step by step: $channels, $modes, $length', async (shape) => {
    using _scope = gpu.scope();
    const { channels, modes, length } = shape;
    const decay = 0.05;
    const angles = float32s(modes, length, -3, 3);
    const system: DiscreteSystem = {
      states: modes,
      modes,
      exponents: Float64Array.from({ length: 2 * modes }, (_, at) => (at % 2 ? (angles[at >> 1] ?? NaN) : -decay)),
      inputs: Float64Array.from(float32s(2 * modes, length + 1)),
      outputs: Float64Array.from(float32s(2 * modes * modes, length + 2)),
    };
    const rows = Array.from({ length: channels }, (_, channel) => float32s(modes, channel));
    const signal = float32s(channels * length, 5);
    const placed = placeSystem(gpu, system, rows);
    const input = gpu.tensor(signal, [channels, length]);
    const coefficients = Float32Array.from(await placed.coefficients.read());
    const expected = new Float64Array(channels * length);
    for (let mode = 0; mode < channels * modes; mode++) {
      const angle = angles[mode % modes] ?? NaN;
      const [re, im] = [Math.exp(-decay) * Math.cos(angle), Math.exp(-decay) * Math.sin(angle)];
      const [c = 0, d = 0] = coefficients.subarray(2 * mode, 2 * mode + 2);
      let [x, y] = [0, 0];
      for (let at = Math.floor(mode / modes) * length, end = at + length; at < end; at++) {
        [x, y] = [re * x - im * y + (signal[at] ?? 0), re * y + im * x];
        expected[at] = (expected[at] ?? 0) + c * x - d * y;
      }
    }
    const weight = coefficients.reduce((sum, value) => sum + Math.abs(value), 0);
    // A factor is off by 3e-7 with its roundings, so its l-th power by l exp(-l decay) 3e-7, which sums to 3e-7 / decay².
    const scanBound = (3e-7 / decay ** 2) * weight;
    // Kernels off by 7e-7 and so much a mode, against |signal| <= 1 for 1 / decay steps; transforms 3e-7 log2 in the norm.
    const energy = Math.sqrt(length / (2 * decay));
    const convolutionBound = ((7e-7 + 6e-8 * modes) * length ** 0.5 + 3e-7 * Math.log2(4 * length) * energy) * weight;
    const difference = (actual: ArrayLike<number>): number =>
      expected.reduce((most, value, at) => Math.max(most, Math.abs(value - (actual[at] ?? NaN))), 0);
    expect(difference(await scanStateSpace(placed, input).read())).toBeLessThanOrEqual(scanBound);
    expect(difference(await convolveStateSpace(placed, input).read())).toBeLessThanOrEqual(convolutionBound);
    const states = float32s(channels * modes * length * 2, 9);
    const read = (device: Device) =>
      readModes(
        device.tensor(coefficients, [channels, modes, 2]),
        device.tensor(states, [channels * modes, length, 2]),
      ).read();
    const [actual, truth] = [await read(gpu), await read(cpu)];
    truth.forEach((value, at) => {
      expect(Math.abs((actual[at] ?? NaN) - value)).toBeLessThanOrEqual(6e-8 * (2 * modes + 2) * weight);
    });
    const driven = [gpu, cpu].map((device) => driveModes(device.tensor(signal, [channels, length]), modes).read());
    expect(Array.from((await driven[0]) ?? [])).toEqual(Array.from((await driven[1]) ?? []));
  });
});

describe('norms of the resolvent', () => {
  it('are exact for diagonal matrices, and finite on an eigenvalue', async () => {
    using _scope = gpu.scope();
    const diagonal = gpu.tensor([-1, 0, 0, 0, -2, 0, 0, 0, -4], [3, 3]);
    const norms = await resolventNorms(diagonal, gpu.tensor([0, 0, -2, 0.5, -4, 0, 6, 8], [4, 2]), {
      iterations: 40,
    }).read();
    expect(norms[0]).toBeCloseTo(1, 5);
    expect(norms[1]).toBeCloseTo(2, 5);
    expect(norms[2]).toBeGreaterThan(1e8);
    expect(norms[3]).toBeCloseTo(1 / Math.hypot(7, 8), 5);
    expect(Number.isFinite(norms[2])).toBe(true);
  });

  it.each([1, 5, 12, 32])('of HiPPO with %d states agree on both devices', async (size) => {
    using _scope = gpu.scope();
    const points = 197;
    const [re, im] = [float32s(points, 1, -size, 3), float32s(points, 2, 0.5, size + 1)];
    const places = Float32Array.from({ length: 2 * points }, (_, at) => (at % 2 ? im : re)[at >> 1] ?? NaN);
    const matrix = Float32Array.from(hippoLegS(size).state);
    const norms = (device: Device) =>
      resolventNorms(device.tensor(matrix, [size, size]), device.tensor(places, [points, 2])).read();
    const [actual, expected] = [await norms(gpu), await norms(cpu)];
    // Entries of the resolvent are products of up to `size` quotients, each of a few roundings; sums in between stay near them.
    expected.forEach((norm, at) => {
      expect(Math.abs((actual[at] ?? NaN) / norm - 1)).toBeLessThan(1e-6 * size * size);
    });
  });

  it('say what does not fit', () => {
    using _scope = gpu.scope();
    const places = gpu.tensor([0, 0], [1, 2]);
    expect(() => resolventNorms(gpu.empty([2, 3]), places)).toThrow(/square matrix/);
    expect(() => resolventNorms(gpu.empty([2, 2]), gpu.empty([2, 3]))).toThrow(InvalidInputError);
    expect(() => resolventNorms(gpu.empty([2, 2]), places, { iterations: 0 })).toThrow(/raise iterations/);
  });
});
