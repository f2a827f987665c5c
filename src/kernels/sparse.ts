/**
 * Sparse linear algebra on the device: a thresholded plan in compressed sparse rows (its transpose with it), products with
 * it, and conjugate gradients whose scalars are never read back.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { ReferenceTensor } from '../device/reference-device';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import { requireLength } from './pairs';
import { prefixSum } from './scan';
import { isSerial } from './serial';

/**
 * The kept entries S of a plan, as compressed sparse rows of the symmetric matrix [0 S; S^T 0]: `rows` lines of S with
 * indices that start at `rows`, then `columns` lines of its transpose.
 */
export interface SparsePlan<T extends Tensor = Tensor> {
  readonly rows: number;
  readonly columns: number;
  /** Where each line starts, and the number of all entries (twice those of S) at the end: u32 `[rows + columns + 1]`. */
  readonly offsets: T;
  /** u32; room for every entry of the plan twice, of which the first `offsets[rows + columns]` are in use. */
  readonly indices: T;
  readonly values: T;
  /** The mass of each line that was left out, `[rows + columns]`. */
  readonly leftover: T;
}

/**
 * Compresses a plan `[rows, columns]` to its entries of at least `threshold` (a tensor of one number, so that nothing is
 * read back). `out` takes the tensors of an earlier call.
 */
export const compressPlan = defineKernel({
  name: 'compressPlan',
  summary: 'The entries of a plan above a threshold as compressed sparse rows, its transpose with them.',
  shaders: ['sparse/compress', 'scan/rows'],
  cost: (plan: Tensor, _threshold: Tensor, _out?: SparsePlan) => ({ flops: 4 * plan.size, bytes: 24 * plan.size }),
  webgpu(gpu, plan, threshold, out): SparsePlan {
    const [rows, columns] = matrixShape(plan, 'the plan');
    const size = rows + columns;
    using scope = gpu.scope();
    const sparse = out ?? {
      rows,
      columns,
      offsets: scope.keep(gpu.empty([size + 1], 'u32')),
      indices: scope.keep(gpu.empty([2 * plan.size], 'u32')),
      values: scope.keep(gpu.empty([2 * plan.size])),
      leftover: scope.keep(gpu.empty([size])),
    };
    requireFit(sparse, rows, columns);
    // What the last one holds goes into no sum.
    const counts = gpu.empty([size + 1], 'u32');
    const uniforms = { rows: u32(rows), columns: u32(columns) };
    gpu.dispatch({
      shader: 'sparse/compress',
      uniforms,
      reads: [plan, threshold],
      writes: [counts, sparse.leftover],
      workgroups: [size],
      share: 0.4,
    });
    prefixSum(counts, { exclusive: true, out: sparse.offsets });
    gpu.dispatch({
      shader: 'sparse/compress',
      conditions: { scatter: true },
      uniforms,
      reads: [plan, threshold, sparse.offsets],
      writes: [sparse.indices, sparse.values],
      workgroups: [size],
      share: 0.6,
    });
    return sparse;
  },
  reference(cpu, plan, threshold, out): SparsePlan {
    const [rows, columns] = matrixShape(plan, 'the plan');
    const size = rows + columns;
    const sparse: SparsePlan<ReferenceTensor> = out ?? {
      rows,
      columns,
      offsets: cpu.empty([size + 1], 'u32'),
      indices: cpu.empty([2 * plan.size], 'u32'),
      values: cpu.empty([2 * plan.size]),
      leftover: cpu.empty([size]),
    };
    requireFit(sparse, rows, columns);
    const { offsets, indices, values, leftover } = sparse;
    const least = threshold.data[0] ?? 0;
    let at = 0;
    for (let line = 0; line < size; line++) {
      const isRow = line < rows;
      offsets.data[line] = at;
      let mass = 0;
      for (let k = 0; k < (isRow ? columns : rows); k++) {
        const entry = plan.data[isRow ? line * columns + k : k * columns + (line - rows)] ?? 0;
        if (entry >= least && entry > 0) {
          indices.data[at] = isRow ? rows + k : k;
          values.data[at] = entry;
          at += 1;
        } else mass += entry;
      }
      leftover.data[line] = mass;
    }
    offsets.data[size] = at;
    return sparse;
  },
});

/** Options of `sparseProduct`. */
export interface SparseProductOptions {
  /**
   * False (the default): [0 S; S^T 0] x, which is S times the last part of x, then S^T times its first part. True: with
   * diag(P 1, P^T 1) added, P the whole plan: the curvature of the dual of transport, without its factor.
   */
  readonly curvature?: boolean;
  /** Where to put the result. A new tensor unless given; it must not be x. */
  readonly out?: Tensor;
}

/** The product of a compressed plan, and of its transpose, with a vector of `[rows + columns]`. */
export const sparseProduct = defineKernel({
  name: 'sparseProduct',
  summary: 'A compressed plan and its transpose times a vector; with `curvature` the matrix of the Newton step.',
  shaders: ['sparse/product'],
  // How many entries were kept is only known on the device: the cost is a guess of 16 a line.
  cost: (_sparse: SparsePlan, x: Tensor, _options: SparseProductOptions = {}) => ({
    flops: 48 * x.size,
    bytes: 140 * x.size,
  }),
  webgpu(gpu, sparse, x, options = {}): Tensor {
    const { curvature = false, out = gpu.empty([x.size]) } = options;
    requireLength(x, sparse.rows + sparse.columns, 'x');
    const members = isSerial(gpu) ? 1 : 4;
    gpu.dispatch({
      shader: 'sparse/product',
      conditions: { curvature },
      constants: { MEMBERS: members },
      uniforms: { size: u32(x.size) },
      reads: [sparse.offsets, sparse.indices, sparse.values, x, ...(curvature ? [sparse.leftover] : [])],
      writes: [out],
      workgroups: [Math.ceil((x.size * members) / 64)],
    });
    return out;
  },
  reference(cpu, sparse, x, options = {}): Tensor {
    const { curvature = false, out = cpu.empty([x.size]) } = options;
    requireLength(x, sparse.rows + sparse.columns, 'x');
    for (let line = 0; line < x.size; line++) {
      const own = curvature ? (x.data[line] ?? 0) : 0;
      let sum = (sparse.leftover.data[line] ?? 0) * own;
      for (let at = sparse.offsets.data[line] ?? 0; at < (sparse.offsets.data[line + 1] ?? 0); at++) {
        sum += (sparse.values.data[at] ?? 0) * (own + (x.data[sparse.indices.data[at] ?? 0] ?? 0));
      }
      out.data[line] = sum;
    }
    return out;
  },
});

/** The vectors of a conjugate gradient iteration, all `[size]`, and its scalars. */
export interface ConjugateGradient<T extends Tensor = Tensor> {
  readonly diagonal: T;
  readonly solution: T;
  readonly residual: T;
  readonly direction: T;
  /** The matrix times the direction: for the caller to fill before each step. */
  readonly image: T;
  /**
   * `[4]`: the residual's inner product with itself under the inverse diagonal, the value at which the iteration rests,
   * steps taken, and 1 if a direction without curvature ended it.
   */
  readonly scalars: T;
}

/**
 * Starts conjugate gradients for a symmetric positive matrix with the given diagonal (the preconditioner) and right-hand
 * side. It rests once the preconditioned residual is `tolerance` times what it was at first.
 */
export const startConjugateGradient = defineKernel({
  name: 'startConjugateGradient',
  summary: 'The first direction of conjugate gradients with a diagonal preconditioner.',
  shaders: ['sparse/conjugate_gradient'],
  cost: (state: ConjugateGradient, _rightHandSide: Tensor, _tolerance: number) => ({
    flops: 3 * state.solution.size,
    bytes: 20 * state.solution.size,
  }),
  webgpu(gpu, { diagonal, solution, residual, direction, scalars }, rightHandSide, tolerance): void {
    requireLength(rightHandSide, solution.size, 'rightHandSide');
    gpu.dispatch({
      shader: 'sparse/conjugate_gradient',
      conditions: { start: true },
      constants: { LANES: lanesFor(solution.size) },
      uniforms: { size: u32(solution.size), tolerance: f32(tolerance) },
      reads: [diagonal, rightHandSide],
      writes: [solution, residual, direction, scalars],
      workgroups: [1],
    });
  },
  reference(_cpu, { diagonal, solution, residual, direction, scalars }, rightHandSide, tolerance): void {
    requireLength(rightHandSide, solution.size, 'rightHandSide');
    solution.data.fill(0);
    residual.data.set(rightHandSide.data);
    direction.data.set(rightHandSide.data.map((value, i) => value / (diagonal.data[i] ?? NaN)));
    const product = inner(residual, direction);
    scalars.data.set([product, tolerance ** 2 * product, 0, 0]);
  },
});

/**
 * One step of conjugate gradients, in place: solution, residual, direction and scalars. `image` holds the matrix times the
 * direction. Nothing is read back: once the iteration rests, further steps change nothing, so many go into one submit.
 */
export const conjugateGradientStep = defineKernel({
  name: 'conjugateGradientStep',
  summary: 'One step of conjugate gradients: all vector updates and inner products at once, scalars on the device.',
  shaders: ['sparse/conjugate_gradient'],
  cost: (state: ConjugateGradient) => ({ flops: 12 * state.solution.size, bytes: 44 * state.solution.size }),
  webgpu(gpu, { diagonal, image, solution, residual, direction, scalars }): void {
    gpu.dispatch({
      shader: 'sparse/conjugate_gradient',
      constants: { LANES: lanesFor(solution.size) },
      uniforms: { size: u32(solution.size), tolerance: f32(0) },
      reads: [diagonal, image],
      writes: [solution, residual, direction, scalars],
      workgroups: [1],
    });
  },
  reference(_cpu, { diagonal, image, solution, residual, direction, scalars }): void {
    const [product = 0, wanted = 0, steps = 0, broken = 0] = scalars.data;
    if (product <= wanted || broken > 0) return;
    const curvature = inner(direction, image);
    if (!(curvature > 0)) {
      scalars.data[3] = 1;
      return;
    }
    const alpha = product / curvature;
    for (let i = 0; i < solution.size; i++) {
      solution.data[i] = (solution.data[i] ?? 0) + alpha * (direction.data[i] ?? 0);
      residual.data[i] = (residual.data[i] ?? 0) - alpha * (image.data[i] ?? 0);
    }
    let next = 0;
    for (let i = 0; i < residual.size; i++) next += (residual.data[i] ?? 0) ** 2 / (diagonal.data[i] ?? NaN);
    for (let i = 0; i < direction.size; i++) {
      direction.data[i] =
        (residual.data[i] ?? 0) / (diagonal.data[i] ?? NaN) + (next / product) * (direction.data[i] ?? 0);
    }
    scalars.data[0] = next;
    scalars.data[2] = steps + 1;
  },
});

/** Invocations of the one workgroup, from the size alone, so that results repeat bit by bit. */
const lanesFor = (size: number): number => (size <= 512 ? 64 : 256);

function inner(a: ReferenceTensor, b: ReferenceTensor): number {
  let sum = 0;
  for (let i = 0; i < a.size; i++) sum += (a.data[i] ?? 0) * (b.data[i] ?? 0);
  return sum;
}

function requireFit(sparse: SparsePlan, rows: number, columns: number): void {
  if (sparse.rows !== rows || sparse.columns !== columns) {
    throw new InvalidInputError(
      `out was made for a plan of ${String(sparse.rows)} x ${String(sparse.columns)}, but this one is ${String(rows)} x ${String(columns)}.`,
      { field: 'out' },
    );
  }
}
