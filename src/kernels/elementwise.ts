/** Element-wise maps: of one tensor, of two, and the scaled sums that iterations are made of. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { f32, u32, type Uniforms } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';

/** Functions of one number. Outside its domain a function's value is not determined: WGSL promises no NaN. */
const unary = {
  negate: (x: number) => -x,
  abs: Math.abs,
  square: (x: number) => x * x,
  sqrt: Math.sqrt,
  reciprocal: (x: number) => 1 / x,
  exp: Math.exp,
  log: Math.log,
} satisfies Record<string, (x: number) => number>;

/** Functions of two numbers. */
const binary = {
  add: (x: number, y: number) => x + y,
  subtract: (x: number, y: number) => x - y,
  multiply: (x: number, y: number) => x * y,
  divide: (x: number, y: number) => x / y,
  maximum: Math.max,
  minimum: Math.min,
} satisfies Record<string, (x: number, y: number) => number>;

export type UnaryOperation = keyof typeof unary;
export type BinaryOperation = keyof typeof binary;

/** Options of all element-wise kernels. */
export interface ElementwiseOptions {
  /** Where to put the result, of the same shape; it may be an operand, which is then overwritten. A new tensor unless given. */
  readonly out?: Tensor;
}

/** Options of `affine`. */
export interface AffineOptions extends ElementwiseOptions {
  /** Default 1. */
  readonly scale?: number;
  /** Default 0. */
  readonly offset?: number;
}

/** f(x) for each element of x. */
export const map = defineKernel({
  name: 'map',
  summary: 'f(x) for each element, f one of negate, abs, square, sqrt, reciprocal, exp, log.',
  shaders: ['elementwise/map'],
  cost: (x: Tensor, _operation: UnaryOperation, options: ElementwiseOptions = {}) => {
    checkShapes('map', x, options.out);
    return { flops: x.size, bytes: 8 * x.size };
  },
  webgpu(gpu, x, operation, options = {}): Tensor {
    return record(gpu, {
      shader: 'elementwise/map',
      flags: { [operation]: true },
      fixed: [],
      replaceable: x,
      out: options.out,
    });
  },
  reference(cpu, x, operation, options = {}): Tensor {
    checkShapes('map', x, options.out);
    const out = options.out ?? cpu.empty(x.shape);
    out.data.set(x.data.map(unary[operation]));
    return out;
  },
});

/** f(x, y) for each pair of elements of x and y, which have the same shape. */
export const combine = defineKernel({
  name: 'combine',
  summary: 'f(x, y) for each pair of elements, f one of add, subtract, multiply, divide, maximum, minimum.',
  shaders: ['elementwise/combine'],
  cost: (x: Tensor, y: Tensor, _operation: BinaryOperation, options: ElementwiseOptions = {}) => {
    checkShapes('combine', x, y, options.out);
    return { flops: x.size, bytes: 12 * x.size };
  },
  webgpu(gpu, x, y, operation, options = {}): Tensor {
    refuseSecond('combine', y, x, options.out);
    return record(gpu, {
      shader: 'elementwise/combine',
      flags: { [operation]: true },
      fixed: [y],
      replaceable: x,
      out: options.out,
    });
  },
  reference(cpu, x, y, operation, options = {}): Tensor {
    checkShapes('combine', x, y, options.out);
    refuseSecond('combine', y, x, options.out);
    const out = options.out ?? cpu.empty(x.shape);
    const apply = binary[operation];
    out.data.set(x.data.map((value, i) => apply(value, y.data[i] ?? 0)));
    return out;
  },
});

/** scale * x + offset for each element of x. */
export const affine = defineKernel({
  name: 'affine',
  summary: 'scale * x + offset for each element.',
  shaders: ['elementwise/affine'],
  cost: (x: Tensor, options: AffineOptions = {}) => {
    checkShapes('affine', x, options.out);
    return { flops: 2 * x.size, bytes: 8 * x.size };
  },
  webgpu(gpu, x, options = {}): Tensor {
    const { scale = 1, offset = 0, out } = options;
    return record(gpu, {
      shader: 'elementwise/affine',
      scalars: { scale: f32(scale), offset: f32(offset) },
      fixed: [],
      replaceable: x,
      out,
    });
  },
  reference(cpu, x, options = {}): Tensor {
    const { scale = 1, offset = 0 } = options;
    checkShapes('affine', x, options.out);
    const out = options.out ?? cpu.empty(x.shape);
    out.data.set(x.data.map((value) => scale * value + offset));
    return out;
  },
});

/** alpha * x + y for each pair of elements (BLAS axpy; with `out: y` it updates y in place). */
export const axpy = defineKernel({
  name: 'axpy',
  summary: 'alpha * x + y for each pair of elements.',
  shaders: ['elementwise/axpy'],
  cost: (_alpha: number, x: Tensor, y: Tensor, options: ElementwiseOptions = {}) => {
    checkShapes('axpy', x, y, options.out);
    return { flops: 2 * x.size, bytes: 12 * x.size };
  },
  webgpu(gpu, alpha, x, y, options = {}): Tensor {
    refuseSecond('axpy', x, y, options.out);
    return record(gpu, {
      shader: 'elementwise/axpy',
      scalars: { alpha: f32(alpha) },
      fixed: [x],
      replaceable: y,
      out: options.out,
    });
  },
  reference(cpu, alpha, x, y, options = {}): Tensor {
    checkShapes('axpy', x, y, options.out);
    refuseSecond('axpy', x, y, options.out);
    const out = options.out ?? cpu.empty(x.shape);
    out.data.set(y.data.map((value, i) => alpha * (x.data[i] ?? 0) + value));
    return out;
  },
});

interface Recording {
  readonly shader: string;
  readonly flags?: Readonly<Record<string, boolean>>;
  readonly scalars?: Uniforms;
  /** Operands that are only read. */
  readonly fixed: readonly GpuTensor[];
  /** The operand that `out` may be. */
  readonly replaceable: GpuTensor;
  readonly out: GpuTensor | undefined;
}

function record(
  gpu: WebGpuDevice,
  { shader, flags = {}, scalars = {}, fixed, replaceable, out: given }: Recording,
): GpuTensor {
  const out = given ?? gpu.empty(replaceable.shape);
  const inPlace = out === replaceable;
  gpu.dispatch({
    shader,
    conditions: { ...flags, inPlace },
    uniforms: { size: u32(out.size), ...scalars },
    reads: inPlace ? fixed : [...fixed, replaceable],
    writes: [out],
    workgroups: [Math.ceil(out.size / 256)],
  });
  return out;
}

function checkShapes(kernel: string, first: Tensor, ...others: readonly (Tensor | undefined)[]): void {
  for (const tensor of [first, ...others]) {
    if (tensor === undefined) continue;
    if (tensor.type !== 'f32')
      throw new InvalidInputError(`${kernel} works on f32 tensors, but one is ${tensor.type}.`);
    if (tensor.shape.length !== first.shape.length || tensor.shape.some((size, axis) => size !== first.shape[axis])) {
      throw new InvalidInputError(
        `${kernel} needs tensors of one shape, but got [${first.shape.join(', ')}] and [${tensor.shape.join(', ')}].`,
      );
    }
  }
}

/** One operand may be overwritten; the other one may not be the same buffer as what is written. */
function refuseSecond(kernel: string, readOnly: Tensor, replaceable: Tensor, out: Tensor | undefined): void {
  if (out !== undefined && out === readOnly) {
    throw new InvalidInputError(
      `${kernel} can be written over its ${kernel === 'axpy' ? 'y' : 'x'} only${readOnly === replaceable ? ', and not where both operands are the same tensor' : ''}.`,
      { field: 'out' },
    );
  }
}
