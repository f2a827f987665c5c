/**
 * A layer of experts, relu(x first) second each, of which every token takes some: by scattered products (ScatterMoE, Tan et
 * al. 2024), in a buffer padded to one capacity, or as a loop over all experts. All three add up the same terms.
 */
import { InvalidInputError } from '../device/errors';
import { matrixShape, type Tensor } from '../device/tensor';
import { addExpert, combineSlots, paddedPlaces } from '../kernels/experts';
import { equalTiles, expertTiles, groupedMatmul } from '../kernels/grouped-matmul';
import { gatherRows, scatterRows } from '../kernels/gather';
import { countingSort } from '../kernels/sort';
import type { ExpertWeights, Routing } from './routing';

/**
 * How the layer is computed.
 * - `scattered`: tiles gather the rows of their tokens and write the rows of their pairs; nothing is padded or copied.
 * - `padded`: rows are copied into a buffer of `capacity` rows for each expert, and back; tokens beyond it are dropped.
 * - `dense`: every expert computes every token, and the gates pick.
 */
export const expertModes = ['scattered', 'padded', 'dense'] as const;
export type ExpertMode = (typeof expertModes)[number];

/** Options of `mixtureOfExperts`. */
export interface MixtureOptions {
  /** Default `scattered`. */
  readonly mode?: ExpertMode;
  /** Rows for each expert in the padded buffer; the number of tokens, which drops none, unless given. */
  readonly capacity?: number;
  /** For `scattered`: x is the first projections `[tokens * experts, rank]` of `selfSelect`, and `first` starts from rank. */
  readonly isProjected?: boolean;
}

/**
 * The gated sum of its experts' outputs for every token: x `[tokens, inner]`, weights `[experts, inner, hidden]` and
 * `[experts, hidden, width]` give `[tokens, width]`. Throws `InvalidInputError` for a routing of other tokens or experts, and
 * for projections in another mode than `scattered`.
 */
export function mixtureOfExperts(
  x: Tensor,
  weights: ExpertWeights,
  routing: Routing,
  options: MixtureOptions = {},
): Tensor {
  const { mode = 'scattered', isProjected = false } = options;
  const tokens = checkLayer(x, weights, routing, isProjected);
  if (isProjected && mode !== 'scattered') {
    throw new InvalidInputError('Projections that are there already are for the scattered mode only.', {
      field: 'isProjected',
    });
  }
  using scope = x.device.scope();
  switch (mode) {
    case 'scattered':
      return scope.keep(scattered(x, weights, routing, isProjected));
    case 'padded':
      return scope.keep(padded(x, weights, routing, options.capacity ?? tokens));
    case 'dense':
      return scope.keep(dense(x, weights, routing));
    default:
      return mode satisfies never;
  }
}

function scattered(x: Tensor, { first, second }: ExpertWeights, routing: Routing, isProjected: boolean): Tensor {
  const { experts, slots, expertCount } = routing;
  const { permutation, offsets } = countingSort(experts, expertCount);
  const tiles = expertTiles(offsets, experts.size);
  const plan = { permutation, slots };
  const hidden = groupedMatmul(x, first, tiles, { ...plan, gather: true, each: isProjected, relu: true });
  const outputs = groupedMatmul(hidden, second, tiles, { ...plan, scatter: true });
  return combineSlots(outputs, routing, slots, expertCount);
}

function padded(x: Tensor, { first, second }: ExpertWeights, routing: Routing, capacity: number): Tensor {
  const { experts, slots, expertCount } = routing;
  const { device } = x;
  const { permutation, offsets } = countingSort(experts, expertCount);
  const places = paddedPlaces(permutation, offsets, capacity, slots);
  const tiles = equalTiles(device, expertCount, capacity);
  const hidden = groupedMatmul(gatherRows(x, places.tokens), first, tiles, { relu: true });
  const outputs = groupedMatmul(hidden, second, tiles);
  // What was dropped has to count as nothing.
  const collected = device.full([experts.size, second.shape[2] ?? 1], 0);
  return combineSlots(scatterRows(outputs, places.pairs, collected), routing, slots, expertCount);
}

function dense(x: Tensor, { first, second }: ExpertWeights, routing: Routing): Tensor {
  const { device } = x;
  const [tokens] = matrixShape(x, 'x');
  const [hiddenWidth = 1, width = 1] = second.shape.slice(1);
  const sum = device.full([tokens, width], 0);
  const hidden = device.empty([tokens, hiddenWidth]);
  const outputs = device.empty([tokens, width]);
  for (let expert = 0; expert < routing.expertCount; expert++) {
    const tiles = equalTiles(device, 1, tokens, expert);
    groupedMatmul(x, first, tiles, { relu: true, out: hidden });
    groupedMatmul(hidden, second, tiles, { out: outputs });
    addExpert(sum, outputs, routing, routing.slots, expert);
  }
  return sum;
}

/** What a mode computes and moves for one layer. */
export interface ModeCost {
  readonly flops: number;
  readonly bytes: number;
  /** Rows in the hidden layer that are computed. */
  readonly rows: number;
  /** Rows of them that stand for nobody. */
  readonly paddedRows: number;
}

/** The sizes that decide the cost. */
export interface MixtureSizes {
  readonly tokens: number;
  readonly experts: number;
  readonly slots: number;
  /** Pairs with an expert. */
  readonly pairs: number;
  readonly inner: number;
  readonly hidden: number;
  readonly width: number;
  /** Of the padded buffer. */
  readonly capacity: number;
}

/**
 * Operations and bytes of a mode from the sizes alone, each tensor counted once for every kernel that reads or writes it
 * (sorting, which all but `dense` do, is 20 bytes a pair and pass).
 */
export function modeCost(mode: ExpertMode, sizes: MixtureSizes): ModeCost {
  const { tokens, experts, slots, pairs, inner, hidden, width, capacity } = sizes;
  const rows = { scattered: pairs, padded: experts * capacity, dense: experts * tokens }[mode];
  const weights = experts * hidden * (inner + width);
  const sorting = 5 * tokens * slots * Math.ceil((32 - Math.clz32(experts)) / 4);
  const collected = tokens * slots * width;
  // Input rows, hidden rows written and read, output rows, and the gated sum.
  const numbers = {
    scattered: pairs * (inner + 2 * hidden + 2 * width) + sorting + tokens * width,
    padded:
      pairs * (inner + 3 * width) + rows * (2 * inner + 2 * hidden + width) + collected + sorting + tokens * width,
    dense: rows * (inner + 2 * hidden + 4 * width) + tokens * width,
  }[mode];
  return {
    flops: 2 * rows * hidden * (inner + width) + 2 * (mode === 'dense' ? rows : pairs) * width,
    bytes: 4 * (numbers + weights),
    rows,
    paddedRows: mode === 'padded' ? Math.max(0, rows - pairs) : 0,
  };
}

/** Operations of self-selection: what all experts do before some are chosen, and what the chosen ones do after it. */
export function selfSelectionFlops(
  { tokens, experts, pairs, inner, hidden, width }: MixtureSizes,
  rank: number,
): { readonly before: number; readonly after: number } {
  return {
    before: 2 * tokens * experts * inner * rank,
    after: 2 * pairs * hidden * (rank + width),
  };
}

function checkLayer(x: Tensor, { first, second }: ExpertWeights, routing: Routing, isProjected: boolean): number {
  const [rows] = matrixShape(x, 'x');
  const { slots, expertCount, experts } = routing;
  const tokens = isProjected ? rows / expertCount : rows;
  if (first.shape[0] !== expertCount || second.shape[0] !== expertCount) {
    throw new InvalidInputError(
      `The routing is of ${String(expertCount)} experts, but the weights are of ${String(first.shape[0])} and ${String(second.shape[0])}.`,
      { field: 'weights' },
    );
  }
  if (experts.size !== tokens * slots) {
    throw new InvalidInputError(
      `The routing has ${String(experts.size)} pairs in slots of ${String(slots)} for ${String(tokens)} tokens.`,
      { field: 'routing' },
    );
  }
  return tokens;
}
