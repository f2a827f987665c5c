/** Polynomial features: monomials of the rows of a matrix, whose inner products are polynomials of inner products. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** All monomials up to a degree in some variables. */
export interface Monomials {
  readonly variables: number;
  readonly degree: number;
  /** How many there are: (variables + degree) choose degree. */
  readonly count: number;
  /**
   * The variables that each monomial multiplies, `degree` entries a monomial, in ascending order; the number of variables
   * stands for 1. The constant comes first, then degree by degree.
   */
  readonly factors: Uint32Array;
  /** For each monomial of degree j with exponents a: how often it occurs in (x1 + x2 + ...)^j, which is j! / (a1! a2! ...). */
  readonly multiplicities: Float64Array;
  /** The degree of each monomial. */
  readonly degrees: Uint32Array;
}

/** (variables + degree) choose degree. */
export function monomialCount(variables: number, degree: number): number {
  let count = 1;
  for (let j = 1; j <= degree; j++) count = (count * (variables + j)) / j;
  return Math.round(count);
}

/** Lists the monomials. Throws `InvalidInputError` for more than 2^20 of them. */
export function listMonomials(variables: number, degree: number): Monomials {
  if (!Number.isInteger(variables) || variables < 1 || !Number.isInteger(degree) || degree < 1) {
    throw new InvalidInputError(
      'Monomials need at least one variable and a degree of at least 1, both whole numbers.',
      {
        field: 'degree',
      },
    );
  }
  const count = monomialCount(variables, degree);
  if (count > 2 ** 20) {
    throw new InvalidInputError(
      `There are ${count} monomials of degree ${degree} in ${variables} variables, more than 1,048,576: lower one of the two.`,
      { field: 'degree', count },
    );
  }
  const factors = new Uint32Array(count * degree).fill(variables);
  const multiplicities = new Float64Array(count);
  const degrees = new Uint32Array(count);
  let at = 0;
  const visit = (chosen: readonly number[], wanted: number, first: number): void => {
    if (chosen.length === wanted) {
      factors.set(chosen, at * degree);
      degrees[at] = wanted;
      multiplicities[at] = multinomial(chosen);
      at++;
      return;
    }
    for (let variable = first; variable < variables; variable++) visit([...chosen, variable], wanted, variable);
  };
  for (let wanted = 0; wanted <= degree; wanted++) visit([], wanted, 0);
  return { variables, degree, count, factors, multiplicities, degrees };
}

/** j! over the factorials of how often each variable occurs in a sorted list of j variables. */
function multinomial(sorted: readonly number[]): number {
  let value = 1;
  let run = 0;
  sorted.forEach((variable, at) => {
    run = at > 0 && sorted[at - 1] === variable ? run + 1 : 1;
    value *= (at + 1) / run;
  });
  return Math.round(value);
}

/**
 * The monomials of each row of x, each times its weight: x [rows, variables], factors [count, degree] (u32), weights [count]
 * -> [rows, count].
 */
export const monomialFeatures = defineKernel({
  name: 'monomialFeatures',
  summary: 'Weighted monomials of each row: [rows, variables] with a list of monomials becomes [rows, monomials].',
  shaders: ['polynomial/features'],
  cost(x: Tensor, factors: Tensor, weights: Tensor) {
    const { rows, count, degree } = featureShape(x, factors, weights);
    return { flops: rows * count * degree, bytes: 4 * (x.size + factors.size + weights.size + rows * count) };
  },
  webgpu(gpu, x, factors, weights): Tensor {
    const { rows, columns, count, degree } = featureShape(x, factors, weights);
    const out = gpu.empty([rows, count]);
    gpu.dispatch({
      shader: 'polynomial/features',
      constants: { DEGREE: degree },
      uniforms: { rows: u32(rows), columns: u32(columns), features: u32(count) },
      reads: [x, factors, weights],
      writes: [out],
      workgroups: [Math.ceil(count / 64), Math.ceil(rows / 4)],
    });
    return out;
  },
  reference(cpu, x, factors, weights): Tensor {
    const { rows, columns, count, degree } = featureShape(x, factors, weights);
    const out = cpu.empty([rows, count]);
    for (let row = 0; row < rows; row++) {
      for (let monomial = 0; monomial < count; monomial++) {
        let product = weights.data[monomial] ?? 0;
        for (let factor = 0; factor < degree; factor++) {
          const column = factors.data[monomial * degree + factor] ?? columns;
          if (column < columns) product *= x.data[row * columns + column] ?? 0;
        }
        out.data[row * count + monomial] = product;
      }
    }
    return out;
  },
});

/** The products of all pairs of columns (the row-wise Kronecker product): [rows, p] and [rows, q] -> [rows, p q]. */
export const rowProducts = defineKernel({
  name: 'rowProducts',
  summary: 'All products of a column of one matrix with a column of another: [rows, p], [rows, q] becomes [rows, p q].',
  shaders: ['polynomial/row_products'],
  cost(left: Tensor, right: Tensor) {
    const [rows, p, q] = productShape(left, right);
    return { flops: rows * p * q, bytes: 4 * (rows * (p + q) + rows * p * q) };
  },
  webgpu(gpu, left, right): Tensor {
    const [rows, p, q] = productShape(left, right);
    const out = gpu.empty([rows, p * q]);
    gpu.dispatch({
      shader: 'polynomial/row_products',
      uniforms: { rows: u32(rows), leftColumns: u32(p), rightColumns: u32(q) },
      reads: [left, right],
      writes: [out],
      workgroups: [Math.ceil((p * q) / 64), Math.ceil(rows / 4)],
    });
    return out;
  },
  reference(cpu, left, right): Tensor {
    const [rows, p, q] = productShape(left, right);
    const out = cpu.empty([rows, p * q]);
    out.data.set(
      out.data.map((_, at) => {
        const [row, column] = [Math.floor(at / (p * q)), at % (p * q)];
        return (left.data[row * p + Math.floor(column / q)] ?? 0) * (right.data[row * q + (column % q)] ?? 0);
      }),
    );
    return out;
  },
});

/** Each row of x as a matrix times the vector of that row: x [rows, p q], vectors [rows, q] -> [rows, p]; q = 1 scales rows. */
export const contractRows = defineKernel({
  name: 'contractRows',
  summary: 'Each row as a p x q matrix times a vector of its own: [rows, p q], [rows, q] becomes [rows, p].',
  shaders: ['polynomial/contract_rows'],
  cost(x: Tensor, vectors: Tensor) {
    const [rows, p, q] = contractionShape(x, vectors);
    return { flops: 2 * rows * p * q, bytes: 4 * rows * (p * q + q + p) };
  },
  webgpu(gpu, x, vectors): Tensor {
    const [rows, p, q] = contractionShape(x, vectors);
    const out = gpu.empty([rows, p]);
    gpu.dispatch({
      shader: 'polynomial/contract_rows',
      uniforms: { rows: u32(rows), outer: u32(p), inner: u32(q) },
      reads: [x, vectors],
      writes: [out],
      workgroups: [Math.ceil(p / 16), Math.ceil(rows / 16)],
    });
    return out;
  },
  reference(cpu, x, vectors): Tensor {
    const [rows, p, q] = contractionShape(x, vectors);
    const out = cpu.empty([rows, p]);
    for (let at = 0; at < rows * p; at++) {
      const row = Math.floor(at / p);
      let sum = 0;
      for (let j = 0; j < q; j++) sum += (x.data[at * q + j] ?? 0) * (vectors.data[row * q + j] ?? 0);
      out.data[at] = sum;
    }
    return out;
  },
});

function contractionShape(x: Tensor, vectors: Tensor): [rows: number, outer: number, inner: number] {
  const [rows, columns] = matrixShape(x, 'x');
  const [vectorRows, inner] = matrixShape(vectors, 'vectors');
  if (rows !== vectorRows || columns % inner !== 0) {
    throw new InvalidInputError(
      `contractRows needs as many rows on both sides and columns that the vectors divide, but got [${x.shape.join(', ')}] and [${vectors.shape.join(', ')}].`,
      { field: 'vectors' },
    );
  }
  return [rows, columns / inner, inner];
}

function featureShape(x: Tensor, factors: Tensor, weights: Tensor) {
  const [rows, columns] = matrixShape(x, 'x');
  const [count, degree] = matrixShape(factors, 'factors');
  if (factors.type !== 'u32' || weights.size !== count) {
    throw new InvalidInputError(
      `monomialFeatures needs u32 factors [count, degree] and as many weights, but got ${factors.type} [${factors.shape.join(', ')}] and ${weights.size} weights.`,
      { field: 'factors' },
    );
  }
  return { rows, columns, count, degree };
}

function productShape(left: Tensor, right: Tensor): [rows: number, left: number, right: number] {
  const [rows, p] = matrixShape(left, 'left');
  const [rightRows, q] = matrixShape(right, 'right');
  if (rows !== rightRows) {
    throw new InvalidInputError(`rowProducts needs as many rows on both sides, but got ${rows} and ${rightRows}.`, {
      field: 'right',
    });
  }
  return [rows, p, q];
}
