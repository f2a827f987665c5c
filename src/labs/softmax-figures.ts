/** What the softmax lab shows of its measurements: a bar, a row, a line of words. */
import type { SoftmaxError, SoftmaxResult } from '../algorithms/softmax-race';
import type { Roofline } from '../kernels/roofline';
import type { SoftmaxMethod } from '../kernels/softmax';
import type { BarsFrame, LineFrame, TableFrame } from './frames';

/** What people read for a method. */
export const methodLabels = {
  'three-pass': 'three passes',
  'three-pass-reload': 'three passes, stored terms',
  online: 'online',
  'two-pass': 'two passes, (m, n) pairs',
  unshifted: 'naive: exp(x) / Σ exp(x)',
} as const satisfies Record<SoftmaxMethod, string>;

/** The columns of the table of methods. */
export const methodColumns = {
  method: 'method',
  median: 'median, ms',
  spread: '± ms',
  perElement: 'bytes per logit',
  bytes: 'MB moved',
  gigabytes: 'GB/s',
  share: '% of copy',
  error: 'largest relative error',
  lost: 'results lost',
} as const;

/** A bar per method, the fastest one marked, and the measured copy rate across. */
export function barsOf(results: readonly SoftmaxResult[], roofline: Roofline): BarsFrame {
  const fastest = Math.min(...results.map(({ timing }) => timing.medianMs));
  return {
    bars: results.map(({ method, timing, bytesPerSecond }) => ({
      label: methodLabels[method],
      value: bytesPerSecond / 1e9,
      note: `${timing.medianMs.toPrecision(3)} ms`,
      highlight: timing.medianMs === fastest,
    })),
    reference: { label: 'copy, measured', value: roofline.copyBytesPerSecond / 1e9 },
  };
}

/** A row per method, and where the times come from. */
export function rowsOf(results: readonly SoftmaxResult[], roofline: Roofline): TableFrame {
  const rows = results.map(({ method, timing, bytes, bytesPerSecond, error, rows: count, columns }) => ({
    method: methodLabels[method],
    median: timing.medianMs,
    spread: timing.spreadMs,
    perElement: bytes / (count * columns),
    bytes: bytes / 1e6,
    gigabytes: bytesPerSecond / 1e9,
    share: (100 * bytesPerSecond) / roofline.copyBytesPerSecond,
    error: error.lost === error.compared ? 'no result' : error.largest,
    lost: lostOf(error),
  }));
  const isTimed = results.every(({ timing }) => timing.source === 'timestamp');
  const clock = isTimed ? 'GPU timestamps, which Chrome rounds to 100 µs' : 'the wall clock';
  return {
    rows,
    source: `Median by ${clock}; bytes are those of the method’s passes; errors against float64, where that is above 1.2e-38.`,
  };
}

/** The time per logit as a point. */
export function growthPoint({ method, rows, columns, timing }: SoftmaxResult): LineFrame {
  const count = rows * columns;
  return { series: methodLabels[method], x: count, y: (1e6 * timing.medianMs) / count };
}

/** The errors of a sweep as points; a method that lost a result is shown at 1. */
export function errorPoint(method: SoftmaxMethod, range: number, error: SoftmaxError): LineFrame {
  const y = error.lost > 0 ? 1 : Math.max(error.largest, 1e-9);
  return { series: methodLabels[method], x: range, y };
}

function lostOf({ lost, compared }: SoftmaxError): string {
  if (lost === 0) return 'none';
  return lost === compared ? 'all' : `${lost.toLocaleString('en')} of ${compared.toLocaleString('en')}`;
}
