/** Streaming kernels around the dual of optimal transport: the c-transform, the largest cost, and the plan as a picture. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import {
  costFlops,
  isSplit,
  pairsDispatch,
  pairsShape,
  referenceCost,
  referencePotential,
  requirePotential,
  splitPairs,
  type Pairs,
} from './pairs';
import type { Potentials } from './transport';

/** The c-transform: `min_j C_ij - g_j`, `[rows]`. With it f_i + g_j <= C_ij holds for all pairs, so (f, g) is dual feasible. */
export const cTransform = defineKernel({
  name: 'cTransform',
  summary: 'For every row the smallest C_ij - g_j: the largest f that keeps f_i + g_j <= C_ij.',
  shaders: ['transport/minimum', 'transport/merge_minimum'],
  cost: (pairs: Pairs, _columnPotential: Tensor) => minimumCost(pairs),
  webgpu: (gpu, pairs, columnPotential): Tensor => minimum(gpu, pairs, columnPotential, 1),
  reference(cpu, pairs, columnPotential) {
    const [rows, columns] = pairsShape(pairs);
    const cost = referenceCost(pairs);
    const g = referencePotential(columnPotential);
    const result = cpu.full([rows], Infinity);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) result.data[i] = Math.min(result.data[i] ?? Infinity, cost(i, j) - (g[j] ?? 0));
    }
    return result;
  },
});

/** The largest `C_ij + g_j` of every row, `[rows]`; with g = 0 the largest cost. */
export const largestCosts = defineKernel({
  name: 'largestCosts',
  summary: 'For every row the largest C_ij + g_j; with g = 0 the largest cost.',
  shaders: ['transport/minimum', 'transport/merge_minimum'],
  cost: (pairs: Pairs, _columnPotential: Tensor) => minimumCost(pairs),
  webgpu: (gpu, pairs, columnPotential): Tensor => minimum(gpu, pairs, columnPotential, -1),
  reference(cpu, pairs, columnPotential) {
    const [rows, columns] = pairsShape(pairs);
    const cost = referenceCost(pairs);
    const g = referencePotential(columnPotential);
    const result = cpu.full([rows], -Infinity);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++)
        result.data[i] = Math.max(result.data[i] ?? -Infinity, cost(i, j) + (g[j] ?? 0));
    }
    return result;
  },
});

/**
 * The plan as a picture of `[height, width]` pixels: each is the largest entry of the block of the plan it stands for. The
 * picture must not be larger than the plan.
 */
export const planPicture = defineKernel({
  name: 'planPicture',
  summary: 'The plan max-pooled to a picture, without ever storing the plan.',
  shaders: ['transport/plan_picture'],
  cost: (pairs: Pairs, _potentials: Potentials, _epsilon: number, size: readonly [height: number, width: number]) => {
    const [rows, columns] = pairsShape(pairs);
    return { flops: (costFlops(pairs) + 4) * rows * columns, bytes: 4 * size[0] * size[1] + 16 * (rows + columns) };
  },
  webgpu(gpu, pairs, potentials, epsilon, size): Tensor {
    checkPicture(pairs, size);
    const picture = gpu.empty(size);
    gpu.dispatch({
      ...pairsDispatch(pairs, potentials.rows, potentials.columns, { epsilon, picture: size }),
      shader: 'transport/plan_picture',
      writes: [picture],
      workgroups: [Math.ceil(size[1] / 8), Math.ceil(size[0] / 8)],
    });
    return picture;
  },
  reference(cpu, pairs, potentials, epsilon, size) {
    checkPicture(pairs, size);
    const [rows, columns] = pairsShape(pairs);
    const [height, width] = size;
    const cost = referenceCost(pairs);
    const picture = cpu.empty(size);
    const [f, g] = [referencePotential(potentials.rows), referencePotential(potentials.columns)];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        let largest = 0;
        for (let i = Math.floor((row * rows) / height); i < Math.floor(((row + 1) * rows) / height); i++) {
          for (let j = Math.floor((column * columns) / width); j < Math.floor(((column + 1) * columns) / width); j++) {
            largest = Math.max(largest, Math.exp(((f[i] ?? 0) + (g[j] ?? 0) - cost(i, j)) / epsilon));
          }
        }
        picture.data[row * width + column] = largest;
      }
    }
    return picture;
  },
});

function minimumCost(pairs: Pairs): { flops: number; bytes: number } {
  const [rows, columns] = pairsShape(pairs);
  return { flops: (costFlops(pairs) + 2) * rows * columns, bytes: 16 * (rows + columns) };
}

/** sign * min_j (sign * C_ij - g_j). */
function minimum(gpu: WebGpuDevice, pairs: Pairs<GpuTensor>, columnPotential: GpuTensor, sign: 1 | -1): GpuTensor {
  const [rows, columns] = pairsShape(pairs);
  requirePotential(columnPotential, columns, 'the column potential');
  const { workgroups, chunk, chunks } = splitPairs(rows, columns);
  using scope = gpu.scope();
  const result = scope.keep(gpu.empty([rows]));
  // The shader loads a row potential with its rows and does not use it.
  const unused = gpu.full(isSplit(columnPotential) ? [rows, 2] : [rows], 0);
  const partials = gpu.empty([chunks, rows]);
  const common = pairsDispatch(pairs, unused, columnPotential, { chunk });
  gpu.dispatch({
    ...common,
    shader: 'transport/minimum',
    constants: { ...common.constants, SIGN: sign },
    writes: [partials],
    workgroups,
  });
  gpu.dispatch({
    shader: 'transport/merge_minimum',
    constants: { SIGN: sign },
    uniforms: { rows: u32(rows), chunks: u32(chunks) },
    reads: [partials],
    writes: [result],
    workgroups: [Math.ceil(rows / 64)],
    share: 0,
  });
  return result;
}

function checkPicture(pairs: Pairs, [height, width]: readonly [number, number]): void {
  const [rows, columns] = pairsShape(pairs);
  if (!(height >= 1 && width >= 1 && height <= rows && width <= columns)) {
    throw new InvalidInputError(
      `A picture of ${String(height)} x ${String(width)} pixels cannot show a plan of ${String(rows)} x ${String(columns)}: make it no larger than the plan.`,
      { field: 'size' },
    );
  }
}
