/**
 * Diagonal state-space systems (Gu et al. 2022): x' = lambda x + u for each mode, read off as y = Re sum_n c_n x_n. Their
 * kernel is a Vandermonde product; a signal goes through them as a long convolution or, mode by mode, as a recurrence.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** What the modes of a diagonal system do in one step: multiply by exp(decay + 2 pi i turn). `placeModes` makes it. */
export interface Modes {
  /** Natural logarithms of the factors' sizes, at most 0: [channels, modes]. */
  readonly decays: Tensor;
  /** Angles as fractions of a turn in 64 bits, high word then low word: u32 [channels, modes, 2]. */
  readonly turns: Tensor;
}

/** The longest kernel: up to here a step's number is exact in float32. */
const longestKernel = 2 ** 24;

/**
 * The kernel of a diagonal system, K[channel, l] = Re sum_n c_n exp(l (decay_n + 2 pi i turn_n)) for l < length: coefficients
 * c [channels, modes, 2], which hold C_n B_n (and the 2 that stands for the conjugate mode), -> [channels, length]. Angles are
 * reduced exactly, so the error does not grow with l: at most (7e-7 + 6e-8 modes) sum_n |c_n|. Throws `InvalidInputError` for
 * shapes that do not fit and lengths above 2^24.
 */
export const vandermondeKernel = defineKernel({
  name: 'vandermondeKernel',
  summary: 'Kernels of diagonal state-space systems: coefficients [channels, modes, 2] become [channels, length].',
  shaders: ['state_space/vandermonde'],
  cost(coefficients: Tensor, modes: Modes, length: number) {
    const [channels, count] = modeShape(coefficients, modes);
    return { flops: 60 * channels * count * length, bytes: 4 * channels * (5 * count + length) };
  },
  webgpu(gpu, coefficients, modes, length): Tensor {
    const [channels, count] = modeShape(coefficients, modes);
    checkLength(length);
    const out = gpu.empty([channels, length]);
    gpu.dispatch({
      shader: 'state_space/vandermonde',
      conditions: { inverse: true },
      uniforms: { modes: u32(count), length: u32(length) },
      reads: [coefficients, modes.decays, modes.turns],
      writes: [out],
      workgroups: [Math.ceil(length / 64), channels],
    });
    return out;
  },
  reference(cpu, coefficients, modes, length): Tensor {
    const [channels, count] = modeShape(coefficients, modes);
    checkLength(length);
    const out = cpu.empty([channels, length]);
    for (let mode = 0; mode < channels * count; mode++) {
      const [re = 0, im = 0] = coefficients.data.subarray(2 * mode, 2 * mode + 2);
      const [high = 0, low = 0] = modes.turns.data.subarray(2 * mode, 2 * mode + 2);
      const decay = modes.decays.data[mode] ?? 0;
      const start = Math.floor(mode / count) * length;
      for (let step = 0; step < length; step++) {
        const angle = (2 * Math.PI * ((Math.imul(step, high) >>> 0) + (step * low) / 2 ** 32)) / 2 ** 32;
        out.data[start + step] =
          (out.data[start + step] ?? 0) + Math.exp(step * decay) * (re * Math.cos(angle) - im * Math.sin(angle));
      }
    }
    return out;
  },
});

/**
 * A signal for every mode of its channel, as complex numbers: u [channels, length] -> [channels * modes, length, 2], what
 * `linearRecurrence` takes as b.
 */
export const driveModes = defineKernel({
  name: 'driveModes',
  summary: 'A signal for each mode of its channel: [channels, length] becomes [channels * modes, length, 2].',
  shaders: ['state_space/drive'],
  cost: (signal: Tensor, modes: number) => ({ flops: 0, bytes: 4 * signal.size * (1 + 2 * modes) }),
  webgpu(gpu, signal, modes): Tensor {
    const [channels, length] = matrixShape(signal, 'signal');
    const out = gpu.empty([channels * modes, length, 2]);
    gpu.dispatch({
      shader: 'state_space/drive',
      uniforms: { modes: u32(modes), length: u32(length) },
      reads: [signal],
      writes: [out],
      workgroups: [Math.ceil(length / 64), channels * modes],
    });
    return out;
  },
  reference(cpu, signal, modes): Tensor {
    const [channels, length] = matrixShape(signal, 'signal');
    const out = cpu.empty([channels * modes, length, 2]);
    for (let at = 0; at < channels * modes * length; at++) {
      const row = Math.floor(at / length);
      out.data[2 * at] = signal.data[Math.floor(row / modes) * length + (at % length)] ?? 0;
    }
    return out;
  },
});

/**
 * y[channel, l] = Re sum_n c[channel, n] x[channel * modes + n, l]: states [channels * modes, length, 2] as `linearRecurrence`
 * leaves them and coefficients [channels, modes, 2] -> [channels, length].
 */
export const readModes = defineKernel({
  name: 'readModes',
  summary: 'Reads the modes of each channel off: states [channels * modes, length, 2] become [channels, length].',
  shaders: ['state_space/read'],
  cost(coefficients: Tensor, states: Tensor) {
    const { channels, length } = readShape(coefficients, states);
    return { flops: 2 * states.size, bytes: 4 * (states.size + channels * length) };
  },
  webgpu(gpu, coefficients, states): Tensor {
    const { channels, modes, length } = readShape(coefficients, states);
    const out = gpu.empty([channels, length]);
    gpu.dispatch({
      shader: 'state_space/read',
      uniforms: { modes: u32(modes), length: u32(length) },
      reads: [coefficients, states],
      writes: [out],
      workgroups: [Math.ceil(length / 64), channels],
    });
    return out;
  },
  reference(cpu, coefficients, states): Tensor {
    const { channels, modes, length } = readShape(coefficients, states);
    const out = cpu.empty([channels, length]);
    for (let mode = 0; mode < channels * modes; mode++) {
      const [re = 0, im = 0] = coefficients.data.subarray(2 * mode, 2 * mode + 2);
      const start = Math.floor(mode / modes) * length;
      for (let step = 0; step < length; step++) {
        const at = 2 * (mode * length + step);
        const value = re * (states.data[at] ?? 0) - im * (states.data[at + 1] ?? 0);
        out.data[start + step] = (out.data[start + step] ?? 0) + value;
      }
    }
    return out;
  },
});

function modeShape(coefficients: Tensor, { decays, turns }: Modes): [channels: number, modes: number] {
  const [channels = 0, modes = 0, parts] = coefficients.shape;
  if (
    coefficients.shape.length !== 3 ||
    parts !== 2 ||
    coefficients.type !== 'f32' ||
    decays.shape.join() !== `${channels},${modes}` ||
    turns.shape.join() !== `${channels},${modes},2` ||
    turns.type !== 'u32'
  ) {
    throw new InvalidInputError(
      `A diagonal system needs coefficients [channels, modes, 2], decays [channels, modes] and u32 turns [channels, modes, 2], but got [${coefficients.shape.join(', ')}], [${decays.shape.join(', ')}] and ${turns.type} [${turns.shape.join(', ')}]: make the last two with placeModes.`,
      { field: 'coefficients' },
    );
  }
  return [channels, modes];
}

function checkLength(length: number): void {
  if (!Number.isInteger(length) || length < 1 || length > longestKernel) {
    throw new InvalidInputError(
      `A kernel has 1 to 16,777,216 steps, but ${String(length)} were asked for: give a whole number in that range.`,
      { field: 'length' },
    );
  }
}

function readShape(coefficients: Tensor, states: Tensor): { channels: number; modes: number; length: number } {
  const [channels = 0, modes = 0, parts] = coefficients.shape;
  const [rows, length = 0, stateParts] = states.shape;
  if (coefficients.shape.length !== 3 || parts !== 2 || rows !== channels * modes || stateParts !== 2) {
    throw new InvalidInputError(
      `readModes needs coefficients [channels, modes, 2] and states [channels * modes, length, 2], but got [${coefficients.shape.join(', ')}] and [${states.shape.join(', ')}].`,
      { field: 'states' },
    );
  }
  return { channels, modes, length };
}
