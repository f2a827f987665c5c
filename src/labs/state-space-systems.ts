/** HiPPO-LegS and its diagonal forms side by side: kernels, transfer functions, noise, and two ways through a layer. */
import type { Diagonalization } from '../algorithms/eigen-decomposition';
import { hippoKernel, hippoLegS, hippoTransfer, normalPart, type Hippo } from '../algorithms/hippo';
import {
  convolveStateSpace,
  diagonalTransfer,
  discretize,
  placeSystem,
  residues,
  scanStateSpace,
  stateSpaceKernel,
  type DiagonalSystem,
} from '../algorithms/state-space';
import type { Device } from '../device/device';
import { convolve } from '../kernels/convolution';
import { Philox } from '../kernels/random';
import type { LineFrame } from './frames';
import { timeOnce } from './time-once';

/** HiPPO-LegS and two diagonal forms of it. */
export interface Systems {
  readonly hippo: Hippo;
  /** The normal part and B / 2. */
  readonly diagonal: Diagonalization;
  /** A + E. */
  readonly perturbed: Diagonalization;
}

/** The names of the two diagonal forms, in figures. */
export const names = { diagonal: 'S4D-LegS', perturbed: 'perturbed' } as const;

/** Diagonalises both forms; the library for it comes as a chunk of its own. */
export async function makeSystems(states: number, perturbation: number, seed: number): Promise<Systems> {
  const { diagonalize } = await import('../algorithms/eigen-decomposition');
  const hippo = hippoLegS(states);
  return {
    hippo,
    diagonal: diagonalize(
      normalPart(hippo),
      hippo.input.map((value) => value / 2),
    ),
    perturbed: diagonalize(hippo.state, hippo.input, { perturbation, seed }),
  };
}

/** C that reads one state off. */
export const unit = (size: number, at: number): Float64Array<ArrayBuffer> =>
  Float64Array.from({ length: size }, (_, i) => (i === at ? 1 : 0));

/** Relative difference in the Euclidean norm. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [off, all] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    off += ((actual[i] ?? NaN) - (expected[i] ?? NaN)) ** 2;
    all += (expected[i] ?? NaN) ** 2;
  }
  return Math.sqrt(off / all);
}

/** Kernels of the three under zero-order hold: HiPPO's exactly in float64, the others from the device. */
export async function kernelsOf(device: Device, systems: Systems, order: number, step: number, length: number) {
  using _scope = device.scope();
  const output = unit(systems.hippo.input.length, order);
  const kernel = async (system: DiagonalSystem) =>
    stateSpaceKernel(placeSystem(device, discretize(system, step), [output]), length).read();
  const hippo = hippoKernel(output, step, length);
  const [diagonal, perturbed] = [await kernel(systems.diagonal), await kernel(systems.perturbed)];
  const x = Array.from(hippo, (_, l) => (l + 0.5) * step);
  const lines: readonly LineFrame[] = Object.entries({ 'HiPPO-LegS': hippo, ...{ diagonal, perturbed } }).map(
    ([name, values]) => ({
      series: name in names ? names[name as keyof typeof names] : name,
      x,
      y: Array.from(values, (value) => value / step),
    }),
  );
  return {
    lines,
    errors: { diagonal: relativeError(diagonal, hippo), perturbed: relativeError(perturbed, hippo) },
  };
}

/** Largest errors of the transfer functions on the imaginary axis, and where. */
export interface TransferErrors {
  readonly lines: readonly LineFrame[];
  readonly worst: Readonly<Record<keyof typeof names, { readonly error: number; readonly frequency: number }>>;
}

/** |G(i w)| of HiPPO and how far the other two are off: 0.1 to 10 N², and at every pole's frequency. */
export function transferErrors({ hippo, ...forms }: Systems, order: number, points = 300): TransferErrors {
  const size = hippo.input.length;
  const output = unit(size, order);
  const truth = (w: number) => hippoTransfer(output, [0, w]);
  const measure = (system: DiagonalSystem) => {
    const transfer = diagonalTransfer(system, output);
    const peaks = system.poles.filter((value, at) => at % 2 === 1 && value > 0.1);
    const even = Array.from({ length: points }, (_, i) => 0.1 * (100 * size * size) ** (i / (points - 1)));
    const frequencies = [...even, ...peaks].sort((a, b) => a - b);
    const errors = frequencies.map((w) => {
      const [[a, b], [re, im]] = [transfer([0, w]), truth(w)];
      return Math.hypot(a - re, b - im);
    });
    const at = errors.indexOf(Math.max(...errors));
    return { frequencies, errors, worst: { error: errors[at] ?? NaN, frequency: frequencies[at] ?? NaN } };
  };
  const [diagonal, perturbed] = [measure(forms.diagonal), measure(forms.perturbed)];
  const floor = (value: number): number => Math.max(value, 1e-9);
  return {
    lines: [
      {
        series: '|G| of HiPPO-LegS',
        x: diagonal.frequencies,
        y: diagonal.frequencies.map((w) => floor(Math.hypot(...truth(w)))),
      },
      { series: `error of ${names.diagonal}`, x: diagonal.frequencies, y: diagonal.errors.map(floor) },
      { series: `error of ${names.perturbed}`, x: perturbed.frequencies, y: perturbed.errors.map(floor) },
    ],
    worst: { diagonal: diagonal.worst, perturbed: perturbed.worst },
  };
}

/** A smooth signal with a wave at one frequency on top: root mean square errors of the outputs against HiPPO's, past the start. */
export async function noiseErrors(device: Device, { hippo, ...forms }: Systems, order: number, frequency: number) {
  using _scope = device.scope();
  const length = 4096;
  // A quarter of a turn in each step.
  const step = Math.PI / (2 * frequency);
  const output = unit(hippo.input.length, order);
  const signal = Float32Array.from({ length }, (_, l) => Math.sin(l * step) + Math.cos(l * step * frequency));
  const noisy = device.tensor(signal, [1, length]);
  const kernel = Float32Array.from(hippoKernel(output, step, length));
  const truth = await convolve(noisy, device.tensor(kernel, [1, length])).read();
  const error = async (system: DiagonalSystem): Promise<number> => {
    const result = await convolveStateSpace(placeSystem(device, discretize(system, step), [output]), noisy).read();
    let square = 0;
    for (let l = length / 2; l < length; l++) square += ((result[l] ?? NaN) - (truth[l] ?? NaN)) ** 2;
    return Math.sqrt((2 * square) / length);
  };
  return { diagonal: await error(forms.diagonal), perturbed: await error(forms.perturbed) };
}

/** The same signal by convolution, by scan, and step by step in float64: relative errors of the first two. */
export async function agreement(device: Device, system: DiagonalSystem, order: number, step: number, length: number) {
  using _scope = device.scope();
  const random = new Philox(1);
  const signal = Float32Array.from({ length }, () => random.normal());
  const output = unit(system.states, order);
  const discrete = discretize(system, step);
  const placed = placeSystem(device, discrete, [output]);
  const input = device.tensor(signal, [1, length]);
  const [convolved, scanned] = [convolveStateSpace(placed, input), scanStateSpace(placed, input)];
  const expected = new Float64Array(length);
  const weights = residues(discrete, [output]);
  for (let at = 0; at < weights.length; at += 2) {
    const [a = NaN, b = NaN] = discrete.exponents.subarray(at, at + 2);
    const [re, im] = [Math.exp(a) * Math.cos(b), Math.exp(a) * Math.sin(b)];
    let [x, y] = [0, 0];
    for (let l = 0; l < length; l++) {
      [x, y] = [re * x - im * y + (signal[l] ?? 0), re * y + im * x];
      expected[l] = (expected[l] ?? 0) + (weights[at] ?? NaN) * x - (weights[at + 1] ?? NaN) * y;
    }
  }
  return {
    convolution: relativeError(await convolved.read(), expected),
    scan: relativeError(await scanned.read(), expected),
  };
}

/** Milliseconds of a convolution and of a scan for growing lengths; the first of each compiles and is not shown. */
export async function* timePaths(device: Device, system: DiagonalSystem, step: number, longest: number) {
  const discrete = discretize(system, step);
  const paths = { convolution: convolveStateSpace, scan: scanStateSpace };
  for (let length = 1024; length <= longest; length *= 4) {
    for (const [series, path] of Object.entries(paths)) {
      using _scope = device.scope();
      const placed = placeSystem(device, discrete, [unit(system.states, 0)]);
      const signal = device.tensor(new Float32Array(length).fill(1), [1, length]);
      const call = () => void path(placed, signal);
      yield { series, x: length, y: await timeOnce(device, call, call) };
    }
  }
}
