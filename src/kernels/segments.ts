/** Sums, means, maxima and minima of segments of rows, whose ends are given as in compressed sparse rows. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import { isSerial } from './serial';

/** What is computed of the rows of a segment. */
export type SegmentReduction = 'sum' | 'mean' | 'maximum' | 'minimum';

/** Options of `segmentedReduce`. */
export interface SegmentOptions {
  /** The row of x that stands at each place, u32 `[n]`; the rows one after the other unless given. */
  readonly order?: Tensor;
}

/**
 * Reduces x `[n, width]` (f32; a vector `[n]` counts as one column) segment by segment: segment s is the rows from
 * `offsets[s]` up to, not including, `offsets[s + 1]`, with u32 offsets `[segments + 1]` that do not descend. The result is
 * `[segments, width]`; an empty segment gives 0, whatever the reduction. Rows beyond n are left out. Blocks and trees of
 * fixed shape: the same bits every time. One workgroup takes 64 columns of a segment, so a few very long segments keep a GPU
 * waiting: `reduceColumns` is for those. Throws `InvalidInputError` for shapes or types that do not fit.
 */
export const segmentedReduce = defineKernel({
  name: 'segmentedReduce',
  summary: 'The sum, mean, maximum or minimum of each segment of rows: [n, width] becomes [segments, width].',
  shaders: ['gather/segments'],
  cost(x: Tensor, offsets: Tensor, _reduction: SegmentReduction, options: SegmentOptions = {}) {
    const { segments, width } = segmentShape(x, offsets, options);
    return { flops: x.size, bytes: 4 * (x.size + offsets.size + segments * width + (options.order?.size ?? 0)) };
  },
  webgpu(gpu, x, offsets, reduction, options = {}): Tensor {
    const { rows, width, segments } = segmentShape(x, offsets, options);
    const out = gpu.empty([segments, ...x.shape.slice(1)]);
    const quads = width % 4 === 0;
    const across = quads ? width / 4 : width;
    const columns = Math.min(64, powerOfTwo(across));
    // About four rows a lane where segments are alike; lanes that work alone only have to keep all cores busy.
    const wanted = isSerial(gpu) ? 64 / segments / columns : rows / segments / 4;
    const lanes = Math.min(256 / columns, powerOfTwo(wanted), powerOfTwo(rows / segments / 4));
    // A workgroup has at most 64 invocations along z.
    const together = Math.min(64, 256 / columns / lanes);
    gpu.dispatch({
      shader: 'gather/segments',
      conditions: { [reduction]: true, ordered: options.order !== undefined, tree: lanes > 1, quads },
      constants: { COLUMNS: columns, LANES: lanes, SEGMENTS: together },
      uniforms: { rows: u32(options.order?.size ?? rows), width: u32(across), segments: u32(segments) },
      reads: [x, offsets, options.order ?? offsets],
      writes: [out],
      workgroups: [Math.ceil(across / columns), Math.ceil(segments / together)],
    });
    return out;
  },
  reference(cpu, x, offsets, reduction, options = {}): Tensor {
    const { rows, width, segments } = segmentShape(x, offsets, options);
    const out = cpu.full([segments, ...x.shape.slice(1)], 0);
    const { order } = options;
    for (let segment = 0; segment < segments; segment++) {
      const [begin = 0, end = 0] = offsets.data.subarray(segment, segment + 2);
      const places = Array.from(
        { length: Math.max(0, Math.min(end, order?.size ?? rows) - begin) },
        (_, k) => begin + k,
      );
      for (let c = 0; c < width; c++) {
        const values = places.map((k) => x.data[(order?.data[k] ?? k) * width + c] ?? 0);
        if (values.length > 0) out.data[segment * width + c] = reduceNumbers(values, reduction);
      }
    }
    return out;
  },
});

function reduceNumbers(values: readonly number[], reduction: SegmentReduction): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (reduction) {
    case 'sum':
      return sum;
    case 'mean':
      return sum / values.length;
    case 'maximum':
      return values.reduce((most, value) => Math.max(most, value));
    case 'minimum':
      return values.reduce((least, value) => Math.min(least, value));
    default:
      return reduction satisfies never;
  }
}

/** The power of two that is at least this; 1 for less. */
const powerOfTwo = (value: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, value)));

interface SegmentShape {
  readonly rows: number;
  readonly width: number;
  readonly segments: number;
}

function segmentShape(x: Tensor, offsets: Tensor, { order }: SegmentOptions): SegmentShape {
  const [rows, width] = x.shape.length === 1 ? [x.size, 1] : matrixShape(x, 'x');
  if (x.type !== 'f32') throw new InvalidInputError(`segmentedReduce works on f32 tensors, but x is ${x.type}.`);
  for (const [name, tensor, least] of [
    ['offsets', offsets, 2],
    ['order', order, 1],
  ] as const) {
    if (tensor !== undefined && (tensor.type !== 'u32' || tensor.shape.length !== 1 || tensor.size < least)) {
      throw new InvalidInputError(
        `${name} must be a u32 vector of at least ${String(least)}, but is ${tensor.type} of shape [${tensor.shape.join(', ')}].`,
        { field: name },
      );
    }
  }
  return { rows, width, segments: offsets.size - 1 };
}
