/**
 * Diagonal state-space systems on a device (S4D, Gu et al. 2022): initialisations, discretisation, kernels, and a signal's way
 * through them as a long convolution or as a recurrence.
 */
import type { Device, Tensor } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { convolve } from '../kernels/convolution';
import { Philox } from '../kernels/random';
import { linearRecurrence } from '../kernels/scan';
import { driveModes, readModes, vandermondeKernel, type Modes } from '../kernels/state-space';
import type { Complex } from './hippo';

/**
 * z' = L z + b u, x = Re(V z): one mode of each conjugate pair, the factor 2 for the other one being in the outputs or inputs.
 * Complex numbers lie real part before imaginary part.
 */
export interface DiagonalSystem {
  /** How many real states can be read off. */
  readonly states: number;
  readonly modes: number;
  /** L, [modes, 2], in the left half plane. */
  readonly poles: Float64Array<ArrayBuffer>;
  /** b, [modes, 2]. */
  readonly inputs: Float64Array<ArrayBuffer>;
  /** V, [states, modes, 2]. */
  readonly outputs: Float64Array<ArrayBuffer>;
}

/** Initialisations that are formulas; S4D-LegS and perturbed systems come from `diagonalize`. */
export type Initialization = 'linear' | 'inverse' | 'random';

/**
 * Poles of N / 2 modes, [N / 2, 2], for N states: `linear` -1/2 + i pi n (S4D-Lin), `inverse` -1/2 + i N / pi (N / (2 n + 1) - 1)
 * (S4D-Inv), `random` with both parts log-normal. Throws `InvalidInputError` unless N is even and positive.
 */
export function initialPoles(kind: Initialization, states: number, seed = 0): Float64Array<ArrayBuffer> {
  if (!Number.isInteger(states / 2) || states < 2)
    throw new InvalidInputError('Conjugate pairs need an even number of states.', { field: 'states' });
  const random = new Philox(seed);
  const pole = (n: number): Complex => {
    if (kind === 'linear') return [-0.5, Math.PI * n];
    if (kind === 'inverse') return [-0.5, (states / Math.PI) * (states / (2 * n + 1) - 1)];
    return [-Math.exp(random.normal()), Math.exp(random.normal())];
  };
  return Float64Array.from(Array.from({ length: states / 2 }, (_, n) => pole(n)).flat());
}

/** How a continuous system becomes one of steps: the input is held over a step, or the trapezoidal rule. */
export type Discretization = 'zero-order hold' | 'bilinear';

/** A discrete system: z_(l+1) = exp(exponent) z_l + b u, with logarithms of the factors kept in float64. */
export interface DiscreteSystem extends Omit<DiagonalSystem, 'poles'> {
  /** Logarithms of the factors, [modes, 2]. */
  readonly exponents: Float64Array<ArrayBuffer>;
}

/** Steps of length `step`. Throws `InvalidInputError` for a step that is not positive or a pole outside the left half plane. */
export function discretize(
  { poles, inputs, ...system }: DiagonalSystem,
  step: number,
  method: Discretization = 'zero-order hold',
): DiscreteSystem {
  if (!(step > 0)) throw new InvalidInputError('A step needs a positive length.', { field: 'step' });
  const exponents = new Float64Array(poles.length);
  const driven = new Float64Array(poles.length);
  for (let at = 0; at < poles.length; at += 2) {
    const [re = NaN, im = NaN] = poles.subarray(at, at + 2);
    if (!(re <= 0)) {
      throw new InvalidInputError(`A mode grows: its pole ${re} + ${im} i is right of the imaginary axis.`, {
        field: 'poles',
      });
    }
    const [exponent, factor] = (method === 'bilinear' ? bilinear : hold)([re, im], step);
    exponents.set(exponent, at);
    const [a = NaN, b = NaN] = inputs.subarray(at, at + 2);
    driven.set(times([a, b], factor), at);
  }
  return { ...system, exponents, inputs: driven };
}

function hold([re, im]: Complex, step: number): [exponent: Complex, factor: Complex] {
  const exponent: Complex = [step * re, step * im];
  // exp(x) - 1 without cancellation: expm1(a) + (1 - cos(b)) terms by half angles.
  const grown = Math.exp(exponent[0]);
  const difference: Complex = [
    Math.expm1(exponent[0]) - 2 * grown * Math.sin(exponent[1] / 2) ** 2,
    grown * Math.sin(exponent[1]),
  ];
  return [exponent, re === 0 && im === 0 ? [step, 0] : over(difference, [re, im])];
}

function bilinear([re, im]: Complex, step: number): [exponent: Complex, factor: Complex] {
  const [up, down]: [Complex, Complex] = [
    [1 + (step * re) / 2, (step * im) / 2],
    [1 - (step * re) / 2, (-step * im) / 2],
  ];
  // A factor of 0 has no finite logarithm: exp(-1,000) will do.
  const size = Math.max(-1000, 0.5 * Math.log((up[0] ** 2 + up[1] ** 2) / (down[0] ** 2 + down[1] ** 2)));
  return [[size, Math.atan2(up[1], up[0]) - Math.atan2(down[1], down[0])], over([step, 0], down)];
}

const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const over = (a: Complex, [c, d]: Complex): Complex => {
  const [re, im] = times(a, [c, -d]);
  return [re / (c * c + d * d), im / (c * c + d * d)];
};

/** C V and b multiplied mode by mode for rows of a real C [channels, states]: [channels, modes, 2]. */
export function residues(
  { states, modes, inputs, outputs }: Omit<DiagonalSystem, 'poles'>,
  rows: readonly ArrayLike<number>[],
): Float64Array<ArrayBuffer> {
  const result = new Float64Array(rows.length * modes * 2);
  rows.forEach((row, channel) => {
    for (let mode = 0; mode < modes; mode++) {
      let [re, im] = [0, 0];
      for (let state = 0; state < states; state++) {
        const at = 2 * (state * modes + mode);
        re += (row[state] ?? 0) * (outputs[at] ?? NaN);
        im += (row[state] ?? 0) * (outputs[at + 1] ?? NaN);
      }
      const [a = NaN, b = NaN] = inputs.subarray(2 * mode, 2 * mode + 2);
      result.set(times([re, im], [a, b]), 2 * (channel * modes + mode));
    }
  });
  return result;
}

/** C (s I - A)^-1 B of a diagonal system for a real C [states], both modes of each pair counted. */
export function diagonalTransfer(system: DiagonalSystem, output: ArrayLike<number>): (s: Complex) => Complex {
  const weights = residues(system, [output]);
  return (s) => {
    let sum: Complex = [0, 0];
    for (let at = 0; at < system.poles.length; at += 2) {
      const [re = NaN, im = NaN] = system.poles.subarray(at, at + 2);
      const [a = NaN, b = NaN] = weights.subarray(at, at + 2);
      // Re(w exp(t p)) is half of w exp(t p) and half of its conjugate.
      const one = over([a / 2, b / 2], [s[0] - re, s[1] - im]);
      const other = over([a / 2, -b / 2], [s[0] - re, s[1] + im]);
      sum = [sum[0] + one[0] + other[0], sum[1] + one[1] + other[1]];
    }
    return sum;
  };
}

/** Exponents [channels * modes, 2] on a device, for `vandermondeKernel`: [channels, modes]. */
export function placeModes(device: Device, exponents: Float64Array, channels: number): Modes {
  const count = exponents.length / 2;
  const turns = new Uint32Array(2 * count);
  for (let mode = 0; mode < count; mode++) {
    const turn = (exponents[2 * mode + 1] ?? NaN) / (2 * Math.PI);
    const high = (turn - Math.floor(turn)) * 2 ** 32;
    turns.set([high, (high - Math.floor(high)) * 2 ** 32], 2 * mode);
  }
  const decays = Float64Array.from({ length: count }, (_, mode) => exponents[2 * mode] ?? NaN);
  const shape = [channels, count / channels] as const;
  return { decays: device.tensor(decays, shape), turns: device.tensor(turns, [...shape, 2], 'u32') };
}

/** A discrete system with one output for each channel, on a device. */
export interface PlacedSystem {
  readonly modes: Modes;
  /** [channels, modes, 2]. */
  readonly coefficients: Tensor;
  /** What each mode is multiplied by in a step, [channels * modes, 2]. */
  readonly factors: Tensor;
}

/** Puts a discrete system on a device, read off by each row of a real C [channels, states]. Belongs to the current scope. */
export function placeSystem(device: Device, system: DiscreteSystem, rows: readonly ArrayLike<number>[]): PlacedSystem {
  const { exponents, modes } = system;
  const channels = rows.length;
  const every = Float64Array.from(
    { length: channels * exponents.length },
    (_, at) => exponents[at % exponents.length] ?? NaN,
  );
  const factors = every.map((_, at) => {
    const [size, angle] = [Math.exp(every[at - (at % 2)] ?? NaN), every[at - (at % 2) + 1] ?? NaN];
    return size * (at % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
  return {
    modes: placeModes(device, every, channels),
    coefficients: device.tensor(residues(system, rows), [channels, modes, 2]),
    factors: device.tensor(factors, [channels * modes, 2]),
  };
}

/** Kernels of a system, [channels, length]. */
export function stateSpaceKernel({ coefficients, modes }: PlacedSystem, length: number): Tensor {
  return vandermondeKernel(coefficients, modes, length);
}

/** A signal [channels, length] through a system by its kernel and FFTs: [channels, length]. */
export function convolveStateSpace(system: PlacedSystem, signal: Tensor): Tensor {
  return convolve(signal, stateSpaceKernel(system, signal.shape[1] ?? 1));
}

/** The same by the recurrence of each mode, as an associative scan; it holds all modes of all steps at once. */
export function scanStateSpace({ coefficients, factors }: PlacedSystem, signal: Tensor): Tensor {
  return readModes(coefficients, linearRecurrence(factors, driveModes(signal, coefficients.shape[1] ?? 1)));
}
