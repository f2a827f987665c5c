/**
 * Scans of vectors and of the rows of matrices: prefix sums, prefix maxima, and linear recurrences as an associative scan.
 * In levels, each a dispatch of its own: totals of blocks, their scan, then the blocks again (reduce, then scan). The
 * decoupled look-back that fast GPU libraries use needs workgroups that wait for others to move on, which WebGPU does not
 * promise.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceDevice, ReferenceTensor } from '../device/reference-device';
import type { ElementType, Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { isSerial } from './serial';
import { transpose } from './transpose';

/** Options of `prefixSum`. */
export interface PrefixSumOptions {
  /** Leaves each element itself out of its sum, so that the first is 0. Default false. */
  readonly exclusive?: boolean;
  /** From the end to the beginning. Default false. */
  readonly reverse?: boolean;
  /** Along which axis of a matrix; the last one unless given. */
  readonly axis?: 0 | 1;
  /** Where to put the result, of the same shape and type; a new tensor unless given. It must not be the input. */
  readonly out?: Tensor;
}

/** Options of `prefixMax`. */
export type PrefixMaxOptions = Omit<PrefixSumOptions, 'exclusive'>;

/**
 * The sum of each element and all before it, of a vector or of each row (`axis: 0`: each column) of a matrix of any element
 * type; integers wrap around. Shape and type stay. Float32 sums run over 16 neighbours, 16 lanes, 16 groups, and block by
 * block, so that their error hardly grows with the length. Throws `InvalidInputError` for tensors of more than two axes.
 */
export const prefixSum = defineKernel({
  name: 'prefixSum',
  summary: 'The sums of all elements up to each one: vectors [n] or rows of [rows, columns].',
  shaders: ['scan/rows'],
  cost: (x: Tensor, options: PrefixSumOptions = {}) => prefixCost(x, options),
  webgpu: (gpu, x, options = {}): Tensor => recordPrefix(gpu, x, 'sum', options),
  reference: (cpu, x, options = {}): Tensor => referencePrefix(cpu, x, (a, b) => a + b, 0, options),
});

/** The largest of each element and all before it; otherwise like `prefixSum`. */
export const prefixMax = defineKernel({
  name: 'prefixMax',
  summary: 'The largest element up to each one: vectors [n] or rows of [rows, columns].',
  shaders: ['scan/rows'],
  cost: (x: Tensor, options: PrefixMaxOptions = {}) => prefixCost(x, options),
  webgpu: (gpu, x, options = {}): Tensor => recordPrefix(gpu, x, 'maximum', options),
  reference: (cpu, x, options = {}): Tensor => referencePrefix(cpu, x, Math.max, -Infinity, options),
});

/** Options of `linearRecurrence`. */
export interface RecurrenceOptions {
  /** h before the first step, one (complex) number a channel: `[channels]`, or `[channels, 2]`. Default: zeros. */
  readonly initial?: Tensor;
  /** Runs from the last step to the first: h_t = a_t h_(t+1) + b_t, as gradients do. Default false. */
  readonly reverse?: boolean;
}

/**
 * h_t = a_t h_(t-1) + b_t along each row of b, as an associative scan of the maps h -> a h + b (Blelloch 1990): all h, in the
 * shape of b. b is `[length]`, `[channels, length]`, or complex with real and imaginary part side by side,
 * `[channels, length, 2]`. a has the shape of b, or one number for each channel: `[channels]`, complex `[channels, 2]`.
 * Safe for |a| <= 1; larger a may overflow float32 as the recurrence itself would. Throws `InvalidInputError` for other shapes.
 */
export const linearRecurrence = defineKernel({
  name: 'linearRecurrence',
  summary: 'h_t = a_t h_(t-1) + b_t along the rows of b [channels, length], real or complex, by an associative scan.',
  shaders: ['scan/rows'],
  cost(a: Tensor, b: Tensor, options: RecurrenceOptions = {}) {
    const { isComplex, isConstant } = recurrenceShape(a, b, options);
    return { flops: (isComplex ? 14 : 6) * b.size, bytes: (isConstant ? 12 : 20) * b.size };
  },
  webgpu(gpu, a, b, { initial, reverse = false } = {}): Tensor {
    const { rows, columns, isComplex, isConstant } = recurrenceShape(a, b, { initial });
    using scope = gpu.scope();
    const out = scope.keep(gpu.empty(b.shape));
    const coefficients = { tensor: a, row: isConstant ? 1 : columns, step: isConstant ? 0 : 1 };
    const conditions = { recurrence: true, float: true, complex: isComplex, reverse };
    recordScan(gpu, { x: b, out, rows, columns, conditions, coefficients, initial, stateSize: isComplex ? 4 : 2 });
    return out;
  },
  reference(cpu, a, b, options = {}): Tensor {
    const { rows, columns, isComplex, isConstant } = recurrenceShape(a, b, options);
    const out = cpu.empty(b.shape);
    const width = isComplex ? 2 : 1;
    const at = ({ data }: ReferenceTensor, k: number): readonly [number, number] =>
      isComplex ? [data[2 * k] ?? 0, data[2 * k + 1] ?? 0] : [data[k] ?? 0, 0];
    for (let row = 0; row < rows; row++) {
      let h = options.initial === undefined ? ([0, 0] as const) : at(options.initial, row);
      for (let k = 0; k < columns; k++) {
        const place = row * columns + (options.reverse === true ? columns - 1 - k : k);
        const [[re, im], [addRe, addIm]] = [at(a, isConstant ? row : place), at(b, place)];
        h = [re * h[0] - im * h[1] + addRe, re * h[1] + im * h[0] + addIm];
        out.data.set(h.slice(0, width), place * width);
      }
    }
    return out;
  },
});

/** Elements that one invocation takes one after the other where lanes share a block. */
const itemsPerLane = 16;
/** Invocations of a workgroup where each has a block of its own: few, so that every core gets workgroups. */
const serialLanes = 16;

interface Scan {
  readonly x: GpuTensor;
  readonly out: GpuTensor;
  readonly rows: number;
  readonly columns: number;
  /** Whether a row is a column of x. */
  readonly isTransposed?: boolean;
  readonly conditions: Readonly<Record<string, boolean>>;
  /** Numbers of what is carried along. */
  readonly stateSize: number;
  readonly coefficients?: { readonly tensor: GpuTensor; readonly row: number; readonly step: number };
  readonly initial?: GpuTensor | undefined;
}

/** Records one level of a scan and, where a row has several blocks, the levels above it. Temporaries belong to the open scope. */
function recordScan(gpu: WebGpuDevice, scan: Scan, share = 1): void {
  const { x, out, rows, columns, isTransposed = false, conditions, stateSize, coefficients, initial } = scan;
  const serial = isSerial(gpu);
  const lanes = serial ? serialLanes : Math.min(256, 2 ** Math.ceil(Math.log2(Math.ceil(columns / itemsPerLane))));
  const rowsPerGroup = serial ? 1 : 256 / lanes;
  const items = serial ? serialItems(rows, columns, conditions.nested === true) : lanes * itemsPerLane;
  const blocks = Math.ceil(columns / items);
  const isPlain = conditions.nested !== true && conditions.recurrence !== true && !isTransposed;
  const quads = serial && isPlain && columns % 4 === 0;
  const dispatch = (target: GpuTensor, carries: GpuTensor, totals: boolean): void => {
    gpu.dispatch({
      shader: 'scan/rows',
      conditions: {
        ...conditions,
        totals,
        serial,
        quads,
        grouped: !serial && lanes > 16,
        initial: initial !== undefined && !totals,
      },
      constants: { LANES: lanes, ROWS: rowsPerGroup, ITEMS: itemsPerLane },
      uniforms: {
        rows: u32(rows),
        columns: u32(columns),
        blocks: u32(blocks),
        coefficientRow: u32(coefficients?.row ?? 0),
        coefficientStep: u32(coefficients?.step ?? 0),
        items: u32(items),
        rowStep: u32(isTransposed ? 1 : columns),
        step: u32(isTransposed ? rows : 1),
      },
      reads: [x, carries, ...(conditions.recurrence === true ? [coefficients?.tensor ?? x, initial ?? x] : [])],
      writes: [target],
      workgroups: serial ? [Math.ceil((rows * blocks) / lanes)] : [blocks, Math.ceil(rows / rowsPerGroup)],
      share: (totals ? 0.35 : blocks > 1 ? 0.65 : 1) * share,
    });
  };
  if (blocks === 1) {
    dispatch(out, x, false);
    return;
  }
  const totals = gpu.empty([rows, blocks, stateSize], x.type);
  const carries = gpu.empty([rows, blocks, stateSize], x.type);
  dispatch(totals, x, true);
  // The scan of the totals leaves each block itself out. Their order is that of the scan: nothing to reverse.
  const above = { ...conditions, nested: true, exclusive: true, reverse: false };
  recordScan(gpu, { x: totals, out: carries, rows, columns: blocks, conditions: above, stateSize }, share * 0.01);
  dispatch(out, carries, false);
}

/** Elements of a block that one invocation takes: a few thousand blocks over all rows, whose totals one invocation scans. */
function serialItems(rows: number, columns: number, isNested: boolean): number {
  if (isNested) return columns;
  const blocks = Math.max(1, Math.ceil(2048 / rows));
  return Math.max(256, 4 * Math.ceil(columns / blocks / 4));
}

const typeConditions: Readonly<Record<ElementType, string>> = { f32: 'float', i32: 'signed', u32: 'unsigned' };

function prefixCost(x: Tensor, options: PrefixSumOptions): { readonly flops: number; readonly bytes: number } {
  const { isTransposed } = prefixShape(x, options);
  return { flops: 2 * x.size, bytes: (isTransposed && !isSerial(x.device) ? 28 : 12) * x.size };
}

function recordPrefix(
  gpu: WebGpuDevice,
  x: GpuTensor,
  operation: 'sum' | 'maximum',
  options: Omit<PrefixSumOptions, 'out'> & { readonly out?: GpuTensor },
): Tensor {
  const { rows, columns, isTransposed } = prefixShape(x, options);
  using scope = gpu.scope();
  const { exclusive = false, reverse = false, out = scope.keep(gpu.empty(x.shape, x.type)) } = options;
  const conditions = { [operation]: true, [typeConditions[x.type]]: true, exclusive, reverse };
  const common = { rows, columns, conditions, stateSize: 1 };
  if (!isTransposed || isSerial(gpu)) {
    recordScan(gpu, { ...common, x, out, isTransposed });
    return out;
  }
  const [source, scanned] = [gpu.empty([rows, columns], x.type), gpu.empty([rows, columns], x.type)];
  transpose(x, { out: source });
  recordScan(gpu, { ...common, x: source, out: scanned });
  transpose(scanned, { out });
  return out;
}

function referencePrefix(
  cpu: ReferenceDevice,
  x: ReferenceTensor,
  merge: (before: number, value: number) => number,
  identity: number,
  options: Omit<PrefixSumOptions, 'out'> & { readonly out?: ReferenceTensor },
): Tensor {
  const { rows, columns, isTransposed } = prefixShape(x, options);
  const { out = cpu.empty(x.shape, x.type) } = options;
  // Writing to it wraps integers as the GPU does.
  const wrapped = x.data.slice(0, 1);
  for (let row = 0; row < rows; row++) {
    let before = identity;
    for (let k = 0; k < columns; k++) {
      const column = options.reverse === true ? columns - 1 - k : k;
      const at = isTransposed ? column * rows + row : row * columns + column;
      wrapped[0] = merge(before, x.data[at] ?? 0);
      const [sum = 0] = wrapped;
      out.data[at] = options.exclusive === true ? before : sum;
      before = sum;
    }
  }
  return out;
}

/** As many rows of as many columns, after a matrix to be scanned along its columns has been transposed. */
function prefixShape(
  x: Tensor,
  { axis, out }: PrefixSumOptions,
): { readonly rows: number; readonly columns: number; readonly isTransposed: boolean } {
  if (out !== undefined && (out === x || out.type !== x.type || out.shape.join() !== x.shape.join())) {
    throw new InvalidInputError(`A scan needs another ${x.type} tensor of shape [${x.shape.join(', ')}] as out.`, {
      field: 'out',
    });
  }
  const [first = 1, second] = x.shape;
  if (x.shape.length > 2 || (axis === 1 && second === undefined)) {
    throw new InvalidInputError(
      `A scan needs a vector or a matrix that has the axis asked for, but the shape is [${x.shape.join(', ')}].`,
      { field: 'x' },
    );
  }
  if (second === undefined) return { rows: 1, columns: first, isTransposed: false };
  return axis === 0
    ? { rows: second, columns: first, isTransposed: true }
    : { rows: first, columns: second, isTransposed: false };
}

interface RecurrenceShape {
  readonly rows: number;
  readonly columns: number;
  readonly isComplex: boolean;
  /** One coefficient for each channel. */
  readonly isConstant: boolean;
}

function recurrenceShape(
  a: Tensor,
  b: Tensor,
  { initial }: { readonly initial?: Tensor | undefined },
): RecurrenceShape {
  const isComplex = b.shape.length === 3 && b.shape[2] === 2;
  if ((b.shape.length > 2 && !isComplex) || b.type !== 'f32' || a.type !== 'f32') {
    throw new InvalidInputError(
      `A linear recurrence needs f32 tensors and b of shape [length], [channels, length] or [channels, length, 2], but b is ${b.type} of shape [${b.shape.join(', ')}].`,
      { field: 'b' },
    );
  }
  const [rows = 1, columns = 1] = b.shape.length === 1 ? [1, b.size] : b.shape;
  const perChannel = isComplex ? [rows, 2] : [rows];
  const isConstant = a.shape.join() === perChannel.join() && a.shape.join() !== b.shape.join();
  if (!isConstant && a.shape.join() !== b.shape.join()) {
    throw new InvalidInputError(
      `The coefficients a have the shape [${a.shape.join(', ')}]: give them that of b, [${b.shape.join(', ')}], or one for each channel, [${perChannel.join(', ')}].`,
      { field: 'a' },
    );
  }
  if (initial !== undefined && (initial.size !== rows * (isComplex ? 2 : 1) || initial.type !== 'f32')) {
    throw new InvalidInputError(
      `initial has the shape [${initial.shape.join(', ')}] instead of [${perChannel.join(', ')}].`,
      { field: 'initial' },
    );
  }
  return { rows, columns, isComplex, isConstant };
}
