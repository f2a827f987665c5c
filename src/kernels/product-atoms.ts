/** Distributions on a grid that are products of two factors, the adjoint of the product, and the projection onto the simplex. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** Which of the two factors: `left` runs along the rows of the grid from top to bottom, `right` from left to right. */
export type FactorSide = 'left' | 'right';

/** Atoms from their factors, `atom_k(a, b) = left_k(a) right_k(b)`: [atoms, height] and [atoms, width] -> [atoms, height * width]. */
export const productAtoms = defineKernel({
  name: 'productAtoms',
  summary:
    'Outer products of the rows of two matrices: [atoms, height] and [atoms, width] give [atoms, height * width].',
  shaders: ['transport/product_atoms'],
  cost: (left: Tensor, right: Tensor) => {
    const [atoms, height, width] = factorShape(left, right);
    return { flops: atoms * height * width, bytes: 4 * atoms * height * width };
  },
  webgpu(gpu, left, right): Tensor {
    const [atoms, height, width] = factorShape(left, right);
    const out = gpu.empty([atoms, height * width]);
    gpu.dispatch({
      shader: 'transport/product_atoms',
      uniforms: { size: u32(out.size), height: u32(height), width: u32(width) },
      reads: [left, right],
      writes: [out],
      workgroups: [Math.ceil(out.size / 64)],
    });
    return out;
  },
  reference(cpu, left, right) {
    const [atoms, height, width] = factorShape(left, right);
    const out = cpu.empty([atoms, height * width]);
    out.data.forEach((_, i) => {
      const row = Math.floor(i / width);
      out.data[i] = (left.data[row] ?? 0) * (right.data[Math.floor(row / height) * width + (i % width)] ?? 0);
    });
    return out;
  },
});

/**
 * The adjoint of `productAtoms` in one factor, given the other: `left` gives `sum_b x_k(a, b) right_k(b)`, [atoms, height];
 * `right` gives `sum_a x_k(a, b) left_k(a)`, [atoms, width]. `x` is [atoms, height * width].
 */
export const contractAtoms = defineKernel({
  name: 'contractAtoms',
  summary:
    'Sums of [atoms, height * width] against one factor of each atom: what is left is [atoms, length of the other].',
  shaders: ['transport/product_contraction'],
  cost: (x: Tensor, factor: Tensor, _side: FactorSide) => {
    contractionShape(x, factor);
    return { flops: 2 * x.size, bytes: 4 * x.size };
  },
  webgpu(gpu, x, factor, side): Tensor {
    const [atoms, kept, summed] = contractionShape(x, factor);
    const out = gpu.empty([atoms, kept]);
    gpu.dispatch({
      shader: 'transport/product_contraction',
      uniforms: {
        size: u32(out.size),
        kept: u32(kept),
        summed: u32(summed),
        stride: u32(side === 'left' ? summed : 1),
        step: u32(side === 'left' ? 1 : kept),
      },
      reads: [x, factor],
      writes: [out],
      workgroups: [Math.ceil(out.size / 64)],
    });
    return out;
  },
  reference(cpu, x, factor, side) {
    const [atoms, kept, summed] = contractionShape(x, factor);
    const [stride, step] = side === 'left' ? [summed, 1] : [1, kept];
    const out = cpu.empty([atoms, kept]);
    out.data.forEach((_, i) => {
      const atom = Math.floor(i / kept);
      const start = atom * kept * summed + (i % kept) * stride;
      let sum = 0;
      for (let other = 0; other < summed; other++)
        sum += (x.data[start + other * step] ?? 0) * (factor.data[atom * summed + other] ?? 0);
      out.data[i] = sum;
    });
    return out;
  },
});

/** The nearest probability vector to each row (Michelot 1986): [rows, columns] stays [rows, columns]; rows sum to one. */
export const projectOntoSimplex = defineKernel({
  name: 'projectOntoSimplex',
  summary: 'The nearest probability vector to each row: [rows, columns] stays [rows, columns].',
  shaders: ['transport/simplex'],
  cost: (x: Tensor) => {
    const [, columns] = matrixShape(x, 'x');
    // A few rounds in practice; one for each column at worst.
    return { flops: 3 * x.size * Math.min(columns, 8), bytes: 8 * x.size };
  },
  webgpu(gpu, x): Tensor {
    const [rows, columns] = matrixShape(x, 'x');
    const out = gpu.empty(x.shape);
    gpu.dispatch({
      shader: 'transport/simplex',
      uniforms: { rows: u32(rows), columns: u32(columns) },
      reads: [x],
      writes: [out],
      workgroups: [Math.ceil(rows / 64)],
    });
    return out;
  },
  reference(cpu, x) {
    const [rows, columns] = matrixShape(x, 'x');
    const out = cpu.empty(x.shape);
    for (let row = 0; row < rows; row++) {
      const values = Array.from(x.data.subarray(row * columns, (row + 1) * columns));
      const sorted = values.toSorted((a, b) => b - a);
      let [sum, threshold] = [0, 0];
      sorted.forEach((value, i) => {
        sum += value;
        if (value > (sum - 1) / (i + 1)) threshold = (sum - 1) / (i + 1);
      });
      values.forEach((value, i) => (out.data[row * columns + i] = Math.max(0, value - threshold)));
    }
    return out;
  },
});

function factorShape(left: Tensor, right: Tensor): [atoms: number, height: number, width: number] {
  const [atoms, height] = matrixShape(left, 'left');
  const [others, width] = matrixShape(right, 'right');
  if (others === atoms) return [atoms, height, width];
  throw new InvalidInputError(
    `Both factors need a row for each atom, but they have ${String(atoms)} and ${String(others)} rows.`,
    { field: 'right' },
  );
}

function contractionShape(x: Tensor, factor: Tensor): [atoms: number, kept: number, summed: number] {
  const [atoms, places] = matrixShape(x, 'x');
  const [others, summed] = matrixShape(factor, 'factor');
  if (others === atoms && places % summed === 0) return [atoms, places / summed, summed];
  throw new InvalidInputError(
    `A factor of shape [${factor.shape.join(', ')}] is none of atoms of shape [${x.shape.join(', ')}].`,
    { field: 'factor' },
  );
}
