/** Attention of a few queries over a long cache of keys: the keys are split over workgroups, the splits merged in order. */
import type { WebGpuDevice } from '../device/webgpu-device';
import { attentionConditions, attentionUniforms, pairBias, type GpuCall } from './attention-dispatch';
import { recordMerge } from './attention-flash';
import { visibleKeys } from './attention-shapes';

const LANES = 64;
/** Keys that one workgroup takes at a time, and the fewest worth a workgroup. */
const TILE = 4 * LANES;
/** Columns, in vec4s, that one dispatch makes. */
const MOST_CHUNKS = 64;

/** Splits of `keys` keys among workgroups, where `blocks` workgroups would go through all of them. */
function decodeSplits(gpu: WebGpuDevice, blocks: number, keys: number): number {
  // A workgroup of a software adapter is one thread; a GPU wants many.
  const wanted = Math.ceil((gpu.info.isFallback ? 32 : 512) / blocks);
  return Math.max(1, Math.min(wanted, Math.ceil(keys / TILE), 256));
}

/** Records attention whose workgroups own four rows (or one) and a split of the keys. */
export function recordDecode(
  gpu: WebGpuDevice,
  call: GpuCall,
  { splits: wantedSplits }: { readonly splits: number | undefined },
): void {
  const { plan, queries, keys, values, valueOperand, options } = call;
  const [start, end] = plan.rows;
  const rows = end - start;
  const dimension = valueOperand.dimension;
  using scope = gpu.scope();
  const bias = pairBias(gpu, plan, options);
  const isSingle = rows * plan.group === 1;
  const blocks = Math.ceil((rows * plan.group) / (isSingle ? 1 : 4));
  const chunks = Math.ceil(dimension / 4);
  const lanesAlong = Math.min(MOST_CHUNKS, 2 ** Math.ceil(Math.log2(chunks)));
  const ranges = plan.segments.map((segment) => {
    const [first] = visibleKeys(plan, segment, start);
    return [first, Math.max(first, visibleKeys(plan, segment, end - 1)[1])] as const;
  });
  const longest = ranges.reduce((most, [first, last]) => Math.max(most, last - first), 1);
  const splits = wantedSplits ?? decodeSplits(gpu, blocks * plan.keys.heads, longest);
  const partial = gpu.empty([splits, plan.heads, rows, dimension]);
  const rowStats = gpu.empty([splits, plan.heads, rows, 2]);
  const unit = dimension % 4 === 0 ? 4 : 1;
  plan.segments.forEach((segment, index) => {
    const [firstKey, endKey] = ranges[index] ?? [0, 0];
    for (let firstChunk = 0; firstChunk < chunks; firstChunk += lanesAlong) {
      gpu.dispatch({
        shader: 'attention/decode',
        conditions: { ...attentionConditions(call, bias), single: isSingle },
        constants: { LANES, CHUNKS: lanesAlong },
        uniforms: attentionUniforms(call, segment, bias, {
          firstKey,
          endKey,
          firstChunk,
          splitKeys: Math.max(1, Math.ceil((endKey - firstKey) / splits)),
          resultRow: dimension / unit,
          resultHead: (rows * dimension) / unit,
          resultFirst: start,
          splitResult: (plan.heads * rows * dimension) / unit,
          splitStats: plan.heads * rows,
        }),
        reads: [queries, keys, values, bias?.tensor ?? keys],
        writes: [partial, rowStats],
        workgroups: [blocks, segment.heads / plan.group, splits],
        share: (0.95 * segment.heads) / plan.heads / Math.ceil(chunks / lanesAlong),
      });
    }
  });
  recordMerge(gpu, call, { partial, rowStats, splits, sinks: options.sinks, statistics: undefined });
}
