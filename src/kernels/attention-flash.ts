/** How flash attention is dispatched: tiles, columns, rounds of keys, and splits of keys where queries are few. */
import { u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';
import { attentionConditions, attentionUniforms, pairBias, rowsPerRound, type GpuCall } from './attention-dispatch';
import { visibleKeys, visiblePairs, type AttentionPlan } from './attention-shapes';

/**
 * A workgroup of lanes x groups invocations owns 8 * lanes queries and takes tiles of 4 * groups keys; where `size` is 2 twice
 * as many of both.
 */
export type AttentionTile = readonly [lanes: number, groups: number, size?: 1 | 2];

/** The tiles there are; each fits WebGPU's default 16 KiB of workgroup memory. */
export const attentionTiles: readonly AttentionTile[] = [
  [8, 8],
  [4, 16],
  [16, 4],
  [2, 32],
  [8, 4],
  [4, 8],
  [1, 4, 2],
  [1, 8, 2],
];

/** The tile whose columns are those of such values, in registers that a GPU has. */
export function plainTile(valueDimension: number): AttentionTile {
  return valueDimension <= 64 ? [8, 8] : [4, 16];
}

/**
 * From here on a software adapter takes tiles of twice the size, a workgroup as wide as its vectors, so that nothing is
 * suspended at a barrier (N = 2,048, d = 64 on SwiftShader with two cores: 740 ms with 8 x 8, 375 ms with 1 x 4 x 2).
 */
const largeFlops = 2 ** 28;

/** How a call is carried out. */
export interface FlashChoices {
  readonly tile: AttentionTile;
  /** Workgroups that share a query block's keys. */
  readonly splits: number;
  /** Maximum and sum of each row, [heads, rows, 2], where they are wanted. */
  readonly statistics: GpuTensor | undefined;
}

/** Head sizes that are tuned together. */
export const tileKey = (dimension: number, valueDimension: number): string =>
  `attention ${String(Math.ceil(dimension / 4))} ${String(Math.ceil(valueDimension / 4))}`;

/** The tile that was measured to be fastest for such heads, or a fair guess. */
export function chooseTile(gpu: WebGpuDevice, plan: AttentionPlan, valueDimension: number): AttentionTile {
  const { dimension } = plan.keys;
  const measured = gpu.tuning.get(tileKey(dimension, valueDimension));
  const tuned = attentionTiles.find((tile) => tile.join() === measured);
  if (tuned !== undefined) return tuned;
  const flops = 2 * visiblePairs(plan) * (dimension + valueDimension);
  if (!gpu.info.isFallback || flops < largeFlops) return plainTile(valueDimension);
  return valueDimension <= 64 ? [1, 4, 2] : [1, 8, 2];
}

/** Splits that keep a GPU busy where there are few query blocks; a software adapter has no use for them. */
export function chooseSplits(gpu: WebGpuDevice, blocks: number, keys: number): number {
  if (gpu.info.isFallback || blocks >= 128) return 1;
  return Math.max(1, Math.min(Math.ceil(256 / blocks), Math.floor(keys / 256), 64));
}

/** Columns of the result that one dispatch makes, in vec4s: each invocation holds 1, 2 or 4. */
export function columnBlocks(
  groups: number,
  dimension: number,
): { readonly starts: readonly number[]; readonly conditions: Readonly<Record<string, boolean>> } {
  const chunks = Math.ceil(dimension / 4);
  const columns = Math.min(4, Math.ceil(chunks / groups));
  const width = groups * (columns === 3 ? 4 : columns);
  return {
    starts: Array.from({ length: Math.ceil(chunks / width) }, (_, block) => block * width),
    conditions: { columns2: columns > 1, columns4: columns > 2 },
  };
}

/** Records softmax(S) V without storing S. */
export function recordFlash(gpu: WebGpuDevice, call: GpuCall, choices: FlashChoices): void {
  const { plan, queries, keys, values, result, valueOperand, options } = call;
  const [lanes, groups, size = 1] = choices.tile;
  const [start, end] = plan.rows;
  const rows = end - start;
  const dimension = valueOperand.dimension;
  using scope = gpu.scope();
  const bias = pairBias(gpu, plan, options);
  const columns = columnBlocks(groups, dimension);
  const ownedQueries = 8 * size * lanes;
  const flopsPerKey = 2 * ownedQueries * (plan.keys.dimension + dimension);
  const keysPerRound = rowsPerRound(gpu, flopsPerKey, 4 * size * groups);
  const ranges = plan.segments.map((segment) => {
    const [first] = visibleKeys(plan, segment, start);
    return [first, Math.max(first, visibleKeys(plan, segment, end - 1)[1])] as const;
  });
  const longest = ranges.reduce((most, [first, last]) => Math.max(most, last - first), 1);
  // A split is one round, so that nothing has to be taken up again.
  const splits = choices.splits === 1 ? 1 : Math.max(choices.splits, Math.ceil(longest / keysPerRound));
  const roundCount = splits > 1 ? 1 : Math.max(1, Math.ceil(longest / keysPerRound));
  const partial = splits > 1 ? gpu.empty([splits, plan.heads, rows, dimension]) : undefined;
  const needsStats = splits > 1 || roundCount > 1 || choices.statistics !== undefined;
  const stats = splits > 1 || choices.statistics === undefined ? undefined : choices.statistics;
  const rowStats = needsStats ? (stats ?? gpu.empty([splits, plan.heads, rows, 2])) : undefined;
  const unit = dimension % 4 === 0 ? 4 : 1;
  const share = (splits > 1 ? 0.95 : 1) / roundCount / columns.starts.length;

  plan.segments.forEach((segment, index) => {
    const [firstKey, lastKey] = ranges[index] ?? [0, 0];
    const rounds = splits > 1 ? 1 : Math.max(1, Math.ceil((lastKey - firstKey) / keysPerRound));
    const splitKeys = splits > 1 ? Math.max(1, Math.ceil((lastKey - firstKey) / splits)) : 2 ** 30;
    for (const firstChunk of columns.starts) {
      for (let round = 0; round < rounds; round++) {
        gpu.dispatch({
          shader: 'attention/flash',
          conditions: {
            ...attentionConditions(call, bias),
            ...columns.conditions,
            large: size === 2,
            sinks: options.sinks !== undefined,
            stats: rowStats !== undefined,
          },
          constants: { LANES: lanes, GROUPS: groups, QUADS: 2 * size },
          uniforms: attentionUniforms(call, segment, bias, {
            firstKey: firstKey + round * keysPerRound,
            endKey: splits > 1 ? lastKey : Math.min(lastKey, firstKey + (round + 1) * keysPerRound),
            firstChunk,
            isFirstRound: round === 0,
            isLastRound: round === rounds - 1 && splits === 1,
            splitKeys,
            ...(splits > 1 && {
              resultRow: dimension / unit,
              resultHead: (rows * dimension) / unit,
              resultFirst: start,
              splitResult: (plan.heads * rows * dimension) / unit,
              splitStats: plan.heads * rows,
            }),
          }),
          reads: [queries, keys, values, bias?.tensor ?? keys, options.sinks ?? keys],
          writes: [partial ?? result, ...(rowStats ? [rowStats] : [])],
          workgroups: [Math.ceil(rows / ownedQueries), segment.heads, splits],
          share: (share * segment.heads) / plan.heads,
        });
      }
    }
  });
  if (partial && rowStats) {
    recordMerge(gpu, call, { partial, rowStats, splits, sinks: undefined, statistics: choices.statistics });
  }
}

/** Unfinished rows of all splits. */
export interface SplitRows {
  /** [splits, heads, rows, dimension]. */
  readonly partial: GpuTensor;
  /** [splits, heads, rows, 2]. */
  readonly rowStats: GpuTensor;
  readonly splits: number;
  /** Where the splits have not taken the sinks into account. */
  readonly sinks: GpuTensor | undefined;
  readonly statistics: GpuTensor | undefined;
}

/** Records the merge of splits into the result. */
export function recordMerge(gpu: WebGpuDevice, call: GpuCall, split: SplitRows): void {
  const { plan, result, valueOperand, output } = call;
  const [start, end] = plan.rows;
  gpu.dispatch({
    shader: 'attention/merge',
    conditions: { sinks: split.sinks !== undefined, stats: split.statistics !== undefined },
    uniforms: {
      splits: u32(split.splits),
      rows: u32(end - start),
      heads: u32(plan.heads),
      firstHead: u32(0),
      firstQuery: u32(start),
      valueDimension: u32(valueOperand.dimension),
      resultRow: u32(output.rowStride),
      resultHead: u32(output.headStride),
    },
    reads: [split.partial, split.rowStats, split.sinks ?? split.partial],
    writes: [result, ...(split.statistics ? [split.statistics] : [])],
    workgroups: [Math.ceil(valueOperand.dimension / 64), end - start, plan.heads],
    share: 0.05,
  });
}
