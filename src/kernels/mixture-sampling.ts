/** Drawing from the plan of a mixture model, and batches of points. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import { checkWeights, modelShape, requirePositive, wrongDimension, type MixtureModel } from './mixture-model';
import { multiply, readComponent, transposed } from './mixture-reference';

/** What `conditionalSample` draws from. */
export interface ConditionalDraw {
  /** Shares of the components at each x0, from the `normalizer` forms: `[points, components]`. */
  readonly weights: Tensor;
  /** Uniform numbers on [0, 1), `[points]`. */
  readonly uniforms: Tensor;
  /** Standard normal numbers, `[points, d]`. */
  readonly noise: Tensor;
  readonly epsilon: number;
}

/** Draws x1 given x0 from the plan: a component k by its share, then from N(r_k + S_k x0, epsilon S_k). `[points, d]`. */
export const conditionalSample = defineKernel({
  name: 'conditionalSample',
  summary: 'One draw of x1 given each x0 from the plan of a mixture model: [points, d].',
  shaders: ['mixture/conditional'],
  cost: (model: MixtureModel, x: Tensor, draw: ConditionalDraw) => {
    const { components, quadratic, dimension } = modelShape(model);
    const [points, columns] = matrixShape(x, 'x');
    if (columns !== dimension) throw wrongDimension(columns, dimension);
    requirePositive(draw.epsilon, 'epsilon');
    checkWeights(draw.weights, points, components);
    if (draw.uniforms.size !== points || draw.noise.size !== x.size)
      throw new InvalidInputError('One uniform number a point and one normal number a coordinate are needed.');
    return { flops: points * (2 * components + 4 * quadratic), bytes: 4 * (3 * x.size + points * (components + 1)) };
  },
  webgpu(gpu, model, x, { weights, uniforms, noise, epsilon }): Tensor {
    const { components, dimension, quadratic, full } = modelShape(model);
    const [points] = matrixShape(x, 'x');
    const result = gpu.empty([points, dimension]);
    gpu.dispatch({
      shader: 'mixture/conditional',
      conditions: { full },
      constants: { DIMENSION: dimension, QUADRATIC: quadratic },
      uniforms: { points: u32(points), components: u32(components), epsilon: f32(epsilon) },
      reads: [model.parameters, x, weights, uniforms, noise],
      writes: [result],
      workgroups: [Math.ceil(points / 64)],
    });
    return result;
  },
  reference(cpu, model, x, { weights, uniforms, noise, epsilon }): Tensor {
    const { components, dimension } = modelShape(model);
    const [points] = matrixShape(x, 'x');
    const result = cpu.empty([points, dimension]);
    for (let i = 0; i < points; i++) {
      let chosen = 0;
      let cumulated = 0;
      for (let k = 0; k < components; k++) {
        const weight = weights.data[i * components + k] ?? 0;
        if (weight > 0 && cumulated <= (uniforms.data[i] ?? 0)) chosen = k;
        cumulated += weight;
      }
      const { center, factor } = readComponent(model, chosen);
      const start = i * dimension;
      const mapped = multiply(multiply(factor, transposed(factor)), x.data.slice(start, start + dimension));
      const noisy = multiply(factor, noise.data.slice(start, start + dimension));
      for (let axis = 0; axis < dimension; axis++) {
        result.data[start + axis] =
          (center[axis] ?? NaN) + (mapped[axis] ?? NaN) + Math.sqrt(epsilon) * (noisy[axis] ?? NaN);
      }
    }
    return result;
  },
});

/** Rows of a matrix by index (u32): a batch of points. `[indices, columns]`. */
export const gatherRows = defineKernel({
  name: 'gatherRows',
  summary: 'The rows of a matrix that indices name: [indices, columns].',
  shaders: ['mixture/gather'],
  cost: (rows: Tensor, indices: Tensor) => {
    const [, columns] = matrixShape(rows, 'rows');
    if (indices.type !== 'u32') throw new InvalidInputError('Indices must be u32 numbers.', { field: 'indices' });
    return { flops: 0, bytes: 4 * indices.size * (1 + 2 * columns) };
  },
  webgpu(gpu, rows, indices): Tensor {
    const [, columns] = matrixShape(rows, 'rows');
    const result = gpu.empty([indices.size, columns]);
    gpu.dispatch({
      shader: 'mixture/gather',
      uniforms: { count: u32(indices.size), columns: u32(columns) },
      reads: [rows, indices],
      writes: [result],
      workgroups: [Math.ceil(result.size / 64)],
    });
    return result;
  },
  reference(cpu, rows, indices): Tensor {
    const [, columns] = matrixShape(rows, 'rows');
    const result = cpu.empty([indices.size, columns]);
    indices.data.forEach((row, i) => {
      result.data.set(rows.data.subarray(row * columns, (row + 1) * columns), i * columns);
    });
    return result;
  },
});
