/**
 * The product of groups of rows with a matrix for each group, rows gathered and scattered by index on the way: no padding,
 * no copies of the input (ScatterMoE's ParallelLinear: Tan, Shen, Panda and Courville 2024, section 3).
 */
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** Rows in a full tile. */
export const tileRows = 32;

/**
 * Cuts rows that are sorted by expert into tiles of at most 32 rows of one expert: u32 `[tiles, 3]` of expert, first row and
 * one past the last row. `offsets` u32 `[experts + 1]` says where each expert's rows begin, of `rows` at most; the list is as
 * long as any such offsets can need, and the places left over have no rows. Throws `InvalidInputError` for offsets that are no
 * u32 vector of two or more, and for `rows` below 1.
 */
export const expertTiles = defineKernel({
  name: 'expertTiles',
  summary: 'Cuts rows sorted by expert into tiles of at most 32: offsets [experts + 1] become [tiles, 3].',
  shaders: ['experts/tiles'],
  cost(offsets: Tensor, rows: number) {
    const tiles = mostTiles(offsets, rows);
    return { flops: tiles * offsets.size, bytes: 4 * (offsets.size + 3 * tiles) };
  },
  webgpu(gpu, offsets, rows): Tensor {
    const tiles = mostTiles(offsets, rows);
    const out = gpu.empty([tiles, 3], 'u32');
    gpu.dispatch({
      shader: 'experts/tiles',
      constants: { TILE: tileRows },
      uniforms: { experts: u32(offsets.size - 1), rows: u32(rows), tiles: u32(tiles) },
      reads: [offsets],
      writes: [out],
      workgroups: [Math.ceil(tiles / 64)],
    });
    return out;
  },
  reference(cpu, offsets, rows): Tensor {
    const out = cpu.full([mostTiles(offsets, rows), 3], 0, 'u32');
    let at = 0;
    for (let expert = 0; expert + 1 < offsets.size; expert++) {
      const end = Math.min(rows, offsets.data[expert + 1] ?? 0);
      for (let first = offsets.data[expert] ?? 0; first < end; first += tileRows) {
        out.data.set([expert, first, Math.min(first + tileRows, end)], 3 * at);
        at += 1;
      }
    }
    return out;
  },
});

/** The tiles of experts that have `rows` rows each, one expert after the other: as `expertTiles` gives them. */
export function equalTiles(device: Device, experts: number, rows: number, first = 0): Tensor {
  const list: number[] = [];
  for (let expert = 0; expert < experts; expert++) {
    for (let row = 0; row < rows; row += tileRows) {
      list.push(first + expert, expert * rows + row, expert * rows + Math.min(rows, row + tileRows));
    }
  }
  return device.tensor(list, [list.length / 3, 3], 'u32');
}

/** Options of `groupedMatmul`. */
export interface GroupedMatmulOptions {
  /** The (token, slot) pair, `token * slots + slot`, at each sorted row, u32; needed to gather and to scatter. */
  readonly permutation?: Tensor;
  /** Pairs of one token. Default 1. */
  readonly slots?: number;
  /** Row i of the product reads the row of x of its token instead of row i. Default false. */
  readonly gather?: boolean;
  /** Row i of the product is written to the row of its pair instead of row i. Default false. */
  readonly scatter?: boolean;
  /** x has a row for each token and expert, `[tokens * experts, inner]`; the tile's expert picks one. Default false. */
  readonly each?: boolean;
  /** Negative results become 0. Default false. */
  readonly relu?: boolean;
  /** Where to put the result; a new tensor unless given. It must not be x. */
  readonly out?: Tensor;
}

/**
 * Multiplies the rows of each tile by its expert's matrix: x `[rows, inner]`, weights `[experts, inner, width]` and tiles of
 * `expertTiles` give `[rows of the permutation, or of x, width]`. Rows in no tile are not written. Throws `InvalidInputError`
 * for shapes that do not fit, and for gathering or scattering without a permutation.
 */
export const groupedMatmul = defineKernel({
  name: 'groupedMatmul',
  summary: 'Rows times the matrix of their expert, gathered and scattered: [rows, inner] by [experts, inner, width].',
  shaders: ['experts/product'],
  cost(x: Tensor, weights: Tensor, tiles: Tensor, options: GroupedMatmulOptions = {}) {
    const { rows, inner, width } = groupedShape(x, weights, tiles, options);
    return { flops: 2 * rows * inner * width, bytes: 4 * (rows * (inner + width) + weights.size) };
  },
  webgpu(gpu, x, weights, tiles, options = {}): Tensor {
    const { rows, inner, width, experts } = groupedShape(x, weights, tiles, options);
    const { gather = false, scatter = false, each = false, relu = false, slots = 1 } = options;
    const out = options.out ?? gpu.empty([rows, width]);
    gpu.dispatch({
      shader: 'experts/product',
      conditions: { gather, scatter, each, relu, packed: inner % 4 === 0 && width % 4 === 0 },
      uniforms: { inner: u32(inner), width: u32(width), slots: u32(slots), experts: u32(experts) },
      reads: [x, weights, tiles, options.permutation ?? tiles],
      writes: [out],
      workgroups: [Math.ceil(width / 64), tiles.shape[0] ?? 1],
    });
    return out;
  },
  reference(cpu, x, weights, tiles, options = {}): Tensor {
    const { rows, inner, width, experts } = groupedShape(x, weights, tiles, options);
    const { permutation, gather = false, scatter = false, each = false, relu = false, slots = 1 } = options;
    const out = options.out ?? cpu.full([rows, width], 0);
    for (let tile = 0; tile < tiles.size; tile += 3) {
      const [expert = 0, first = 0, end = 0] = tiles.data.subarray(tile, tile + 3);
      for (let place = first; place < end; place++) {
        const pair = permutation?.data[place] ?? place;
        const row = gather ? Math.floor(pair / slots) : place;
        const source = each ? row * experts + expert : row;
        for (let column = 0; column < width; column++) {
          let sum = 0;
          for (let k = 0; k < inner; k++)
            sum += (x.data[source * inner + k] ?? 0) * (weights.data[(expert * inner + k) * width + column] ?? 0);
          out.data[(scatter ? pair : place) * width + column] = relu ? Math.max(0, sum) : sum;
        }
      }
    }
    return out;
  },
});

/** A tile for every 32 rows, and one more for every expert whose last tile is not full. */
function mostTiles(offsets: Tensor, rows: number): number {
  if (offsets.type !== 'u32' || offsets.shape.length !== 1 || offsets.size < 2) {
    throw new InvalidInputError(
      `offsets must be a u32 vector with one element more than there are experts, but is ${offsets.type} of shape [${offsets.shape.join(', ')}].`,
      { field: 'offsets' },
    );
  }
  if (!Number.isInteger(rows) || rows < 1) {
    throw new InvalidInputError(`There must be one row or more to cut into tiles, but rows is ${String(rows)}.`, {
      field: 'rows',
    });
  }
  return Math.min(rows, Math.floor(rows / tileRows) + offsets.size - 1);
}

interface GroupedShape {
  readonly rows: number;
  readonly inner: number;
  readonly width: number;
  readonly experts: number;
}

function groupedShape(x: Tensor, weights: Tensor, tiles: Tensor, options: GroupedMatmulOptions): GroupedShape {
  const { permutation, gather = false, scatter = false, slots = 1, out } = options;
  const [xRows, inner] = matrixShape(x, 'x');
  const [experts = 0, weightRows, width = 0] = weights.shape;
  if (weights.shape.length !== 3 || weightRows !== inner || x.type !== 'f32' || weights.type !== 'f32') {
    throw new InvalidInputError(
      `weights must be f32 of shape [experts, ${String(inner)}, width] for rows of ${String(inner)}, but their shape is [${weights.shape.join(', ')}].`,
      { field: 'weights' },
    );
  }
  if (tiles.type !== 'u32' || tiles.shape.length !== 2 || tiles.shape[1] !== 3) {
    throw new InvalidInputError('tiles must be u32 of shape [tiles, 3]: take them from expertTiles.', {
      field: 'tiles',
    });
  }
  if ((gather || scatter) && permutation?.type !== 'u32') {
    throw new InvalidInputError('Gathering and scattering need a permutation: the u32 one of countingSort.', {
      field: 'permutation',
    });
  }
  if (!Number.isInteger(slots) || slots < 1) {
    throw new InvalidInputError(`slots must be a positive integer, but is ${String(slots)}.`, { field: 'slots' });
  }
  const rows = permutation?.size ?? xRows;
  if (out !== undefined && (out === x || out.type !== 'f32' || out.size !== rows * width)) {
    throw new InvalidInputError(
      `groupedMatmul needs another f32 tensor of [${String(rows)}, ${String(width)}] as out.`,
      {
        field: 'out',
      },
    );
  }
  return { rows, inner, width, experts };
}
