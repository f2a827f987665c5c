/** Counts of elements by bin. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import { isSerial } from './serial';

/** Elements that a workgroup counts before it adds its counts to those of the others. */
const itemsPerGroup = 16_384;

/** Options of `histogram`. */
export interface HistogramOptions {
  /** For f32: from where to where the bins reach, all equally wide; both ends belong to them. Default [0, 1]. */
  readonly range?: readonly [low: number, high: number];
}

/**
 * How many elements of x (any shape) fall into each of `bins` bins: u32 `[bins]`. Of u32, the bin is the element itself; of
 * f32 it is floor((x - low) / (high - low) bins) in float32, and x = high is in the last one. Elements outside, and NaN, are
 * not counted. Throws `InvalidInputError` for i32, for an empty range, and for bins that are not an integer from 1 to 2^24.
 */
export const histogram = defineKernel({
  name: 'histogram',
  summary: 'How many elements fall into each of so many bins: [bins].',
  shaders: ['sort/histogram'],
  cost(x: Tensor, bins: number, options: HistogramOptions = {}) {
    checkBins(x, bins, options);
    return { flops: 4 * x.size, bytes: 4 * (x.size + bins) };
  },
  webgpu(gpu, x, bins, { range: [low, high] = [0, 1] } = {}): Tensor {
    const counts = gpu.full([bins], 0, 'u32');
    // Each lane waits for the others twice, which is what takes the time on a software adapter.
    const lanes = isSerial(gpu) ? 16 : 256;
    gpu.dispatch({
      shader: 'sort/histogram',
      conditions: { float: x.type === 'f32', gathered: bins <= 4096 },
      // A power of two, so that few variants are compiled; not more than is needed: SwiftShader takes seconds to compile a
      // shader with 16 KiB of workgroup memory.
      constants: {
        LANES: lanes,
        ITEMS: itemsPerGroup / lanes,
        BINS: Math.min(4096, Math.max(64, 2 ** Math.ceil(Math.log2(bins)))),
      },
      uniforms: { size: u32(x.size), bins: u32(bins), low: f32(low), high: f32(high) },
      reads: [x],
      writes: [counts],
      workgroups: [Math.ceil(x.size / itemsPerGroup)],
    });
    return counts;
  },
  reference(cpu, x, bins, options = {}): Tensor {
    checkBins(x, bins, options);
    const [low, high] = options.range ?? [0, 1];
    const counts = cpu.full([bins], 0, 'u32');
    for (const value of x.data) {
      const bin = x.type === 'f32' ? Math.floor(((value - low) / (high - low)) * bins) : value;
      if (x.type === 'f32' ? value >= low && value <= high : bin < bins) {
        const within = Math.min(bin, bins - 1);
        counts.data[within] = (counts.data[within] ?? 0) + 1;
      }
    }
    return counts;
  },
});

function checkBins(x: Tensor, bins: number, { range: [low, high] = [0, 1] }: HistogramOptions): void {
  if (x.type === 'i32') throw new InvalidInputError('histogram counts u32 or f32 elements, but these are i32.');
  if (!Number.isInteger(bins) || bins < 1 || bins > 2 ** 24) {
    throw new InvalidInputError(`bins must be an integer from 1 to 2^24, but is ${String(bins)}.`, { field: 'bins' });
  }
  if (!(low < high) || !Number.isFinite(high - low)) {
    throw new InvalidInputError(
      `The range of a histogram must ascend and be finite, but is from ${String(low)} to ${String(high)}.`,
      { field: 'range' },
    );
  }
}
