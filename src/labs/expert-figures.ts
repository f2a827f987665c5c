/** What the mixture-of-experts lab shows: bars, maps and rows of what its races measured. */
import type { ExpertMode } from '../algorithms/mixture-of-experts';
import { droppedShare, loadStatistics, type Routing } from '../algorithms/routing';
import { tileRows } from '../kernels/grouped-matmul';
import type { ModeResult, RouterResult } from './expert-race';
import { routers } from './expert-setting';
import type { BarsFrame, HeatmapFrame, LineFrame } from './frames';

const modeLabels = {
  scattered: 'scattered',
  padded: 'padded with capacity',
  dense: 'dense loop',
} as const satisfies Record<ExpertMode, string>;

/** The columns of the table of routers. */
export const routerColumns = {
  router: 'router',
  each: 'experts per token',
  largest: 'largest load / mean',
  variation: 'variation of loads',
  occupancy: 'tiles full, %',
  dropped: 'dropped at capacity, %',
  time: 'ms with routing',
} as const;

/** Places for each expert at a capacity factor: that many times an even share of the pairs. */
const capacityAt = (loads: ArrayLike<number>, factor: number): number =>
  Math.max(1, Math.ceil((factor * loadStatistics(loads).pairs) / loads.length));

/** A row of the table of routers. */
export function routerRow({ router, loads, tokens, timing }: RouterResult, factor: number) {
  const { pairs, largest, variation, occupancy } = loadStatistics(loads);
  return {
    router: routers[router],
    each: pairs / tokens,
    largest: (largest * loads.length) / Math.max(1, pairs),
    variation,
    occupancy: 100 * occupancy,
    dropped: 100 * droppedShare(loads, capacityAt(loads, factor)),
    time: timing.medianMs,
  };
}

/** The dropped share of a router against the capacity factor. */
export function droppedLine({ router, loads }: RouterResult): LineFrame {
  const x = Array.from({ length: 15 }, (_, i) => 0.5 + i / 4);
  return { series: routers[router], x, y: x.map((factor) => droppedShare(loads, capacityAt(loads, factor))) };
}

/** A bar for each mode, the smallest marked. */
export function modeBars(results: readonly ModeResult[], valueOf: (result: ModeResult) => number): BarsFrame {
  const least = Math.min(...results.map(valueOf));
  return {
    bars: results.map((result) => ({
      label: modeLabels[result.mode],
      value: valueOf(result),
      note: `${result.cost.rows.toLocaleString('en')} rows${result.cost.paddedRows > 0 ? `, ${result.cost.paddedRows.toLocaleString('en')} of them padding` : ''}`,
      highlight: valueOf(result) === least,
    })),
  };
}

/** How many rows of the tiles stand for a token that chose the expert, in %. */
export function occupancyBars(results: readonly ModeResult[], loads: Uint32Array, tokens: number): BarsFrame {
  const { pairs, occupancy, largest } = loadStatistics(loads);
  const rowsOf = (rows: number) => loads.length * Math.ceil(rows / tileRows) * tileRows;
  const full = {
    scattered: occupancy,
    padded: pairs / rowsOf(Math.max(1, largest)),
    dense: pairs / rowsOf(tokens),
  };
  return {
    bars: results.map(({ mode }) => ({
      label: modeLabels[mode],
      value: 100 * full[mode],
      highlight: mode === 'scattered',
    })),
    reference: { label: 'every row of every tile', value: 100 },
  };
}

/** How far the scattered layer is from the dense loop, in words. */
export const apart = (difference: number): string =>
  difference === 0 ? 'the same result as' : `${difference.toExponential(1)} from`;

/** A bar for each expert, and the even load. */
export function loadBars(loads: Uint32Array): BarsFrame {
  const { pairs } = loadStatistics(loads);
  return {
    bars: Array.from(loads, (value, expert) => ({ label: `expert ${expert + 1}`, value })),
    reference: { label: 'even load', value: pairs / loads.length },
  };
}

/** The gates of the first tokens: a row for each token, a column for each expert. */
export async function gateMap({ experts, gates, slots, expertCount }: Routing): Promise<HeatmapFrame> {
  const [chosen, weights] = [await experts.read(), await gates.read()];
  const rows = Math.min(64, chosen.length / slots);
  const values = new Float32Array(rows * expertCount);
  for (let pair = 0; pair < rows * slots; pair++) {
    const expert = chosen[pair] ?? expertCount;
    if (expert < expertCount) values[Math.floor(pair / slots) * expertCount + expert] = weights[pair] ?? 0;
  }
  return { rows, columns: expertCount, values };
}
