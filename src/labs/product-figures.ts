/** What the matrix-product lab shows of its measurements: one bar, one row, one line of words. */
import type { Device } from '../device/device';
import type { Operands, VariantResult } from '../algorithms/product-race';
import { matmul, type MatmulVariant } from '../kernels/matmul';
import { attainableFlops, type Roofline } from '../kernels/roofline';
import type { BarsFrame, HeatmapFrame, TableFrame } from './frames';

/** What people read for a variant. */
export const variantLabels = {
  naive: 'naive',
  tiled: 'tiled, workgroup memory',
  register: 'register 4 × 4',
  vec4: 'vec4 8 × 8',
  wide: 'vec4 16 × 16',
} as const satisfies Record<MatmulVariant, string>;

/** The columns of the table of times. */
export const timeColumns = {
  variant: 'variant',
  median: 'median, ms',
  spread: '± ms',
  repeats: 'samples × repeats',
  gigaflops: 'GFLOP/s',
  gigabytes: 'GB/s',
  share: '% of roofline',
  ratio: 'error / u(|A||B|)',
} as const;

/** The columns of the table of phases. */
export const phaseColumns = {
  variant: 'variant',
  compile: 'compile, ms',
  upload: 'upload, ms',
  compute: 'compute, ms',
  readBack: 'read-back, ms',
} as const;

/** The most that the roofline allows for this product, in operations per second. */
export function ceilingOf(roofline: Roofline, { a, b }: Operands): number {
  return attainableFlops(roofline, matmul.definition.cost(a, b));
}

/** A bar per variant, the fastest one marked, and the roofline across. */
export function barsOf(device: Device, results: readonly VariantResult[], ceiling: number): BarsFrame {
  const most = Math.max(...results.map(({ flopsPerSecond }) => flopsPerSecond));
  return {
    bars: results.map(({ variant, flopsPerSecond }) => ({
      label: labelOf(device, variant),
      value: flopsPerSecond / 1e9,
      highlight: flopsPerSecond === most,
    })),
    reference: { label: 'roofline, measured', value: ceiling / 1e9 },
  };
}

/** A row per variant, and where the times come from. */
export function timesOf(device: Device, results: readonly VariantResult[], ceiling: number): TableFrame {
  const rows = results.map(({ variant, timing, flopsPerSecond, bytesPerSecond, error }) => ({
    variant: labelOf(device, variant),
    median: timing.medianMs,
    spread: timing.spreadMs,
    repeats: `${timing.samples.length} × ${timing.repeats}`,
    gigaflops: flopsPerSecond / 1e9,
    gigabytes: bytesPerSecond / 1e9,
    share: (100 * flopsPerSecond) / ceiling,
    ratio: error.largest,
  }));
  return { rows, source: sourceOf(results) };
}

/** A row per variant: what one product costs from the first byte up to the last byte back. */
export function phasesOf(device: Device, results: readonly VariantResult[], upload: number): TableFrame {
  const rows = results.map(({ variant, compileMs: compile, computeMs: compute, readBackMs: readBack }) => ({
    variant: labelOf(device, variant),
    compile,
    upload,
    compute,
    readBack,
  }));
  return { rows, source: 'One product by the clock, each phase by itself.' };
}

/** Where times come from, in one sentence. */
function sourceOf(results: readonly VariantResult[]): string {
  const dropped = results.reduce((sum, { timing }) => sum + timing.dropped, 0);
  const note = dropped === 0 ? '' : ` ${String(dropped)} samples of zero or less were dropped.`;
  return results.every(({ timing }) => timing.source === 'timestamp')
    ? `Median from GPU timestamps, which Chrome rounds to 100 µs: a sample repeats the product until it fills 20 ms.${note}`
    : `Median by the wall clock, because this device has no usable GPU timestamps: a sample repeats the product until it fills 20 ms.${note}`;
}

/** The error on sampled entries as a picture. */
export function errorOf({ error, sizes }: VariantResult): HeatmapFrame {
  return { rows: error.rows, columns: error.columns, values: error.ratios.slice(), of: [sizes.m, sizes.n] };
}

/** The variant's name; the reference device has but one way to multiply. */
export function labelOf(device: Device, variant: MatmulVariant): string {
  return device.kind === 'reference' ? 'float64 on the CPU' : variantLabels[variant];
}
