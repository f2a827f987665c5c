/** Which tile of flash attention is fastest on an adapter: measured, and remembered for its sessions. */
import type { Tensor } from '../device/tensor';
import { measure, type MeasureOptions, type Measurement } from '../device/timing';
import { WebGpuDevice } from '../device/webgpu-device';
import { attention, type AttentionCallOptions } from './attention';
import { attentionTiles, tileKey, type AttentionTile } from './attention-flash';
import { planAttention, resultShape, valuesOf } from './attention-shapes';

/**
 * Measures tiles of this call and remembers the fastest, which attention takes from then on for heads of such a size on this
 * adapter. Returns the measurements by tile, written `lanes x groups`; on the reference device there is nothing to choose.
 */
export async function tuneAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AttentionCallOptions & MeasureOptions & { readonly tiles?: readonly AttentionTile[] } = {},
): Promise<ReadonlyMap<string, Measurement>> {
  const { device } = queries;
  const { tiles = attentionTiles, minimumMs, samples, maximumMs, ...call } = options;
  const measured = new Map<string, Measurement>();
  if (!(device instanceof WebGpuDevice)) return measured;
  const plan = planAttention(queries, keys, call);
  const { dimension } = valuesOf(values, plan, call);
  using scope = device.scope();
  const out = call.out ?? device.empty(resultShape(queries, plan, dimension));
  const how = {
    ...(minimumMs !== undefined && { minimumMs }),
    ...(samples !== undefined && { samples }),
    ...(maximumMs !== undefined && { maximumMs }),
  };
  let fastest: { readonly tile: AttentionTile; readonly medianMs: number } | undefined;
  for (const tile of tiles) {
    const run = (): void => void attention(queries, keys, values, { ...call, variant: 'flash', tile, out });
    const measurement = await measure(device, run, how);
    measured.set(tile.join(' x '), measurement);
    if (fastest === undefined || measurement.medianMs < fastest.medianMs)
      fastest = { tile, medianMs: measurement.medianMs };
  }
  if (fastest !== undefined) device.tuning.set(tileKey(plan.keys.dimension, dimension), fastest.tile.join());
  return measured;
}
