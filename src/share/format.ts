/** Numbers as people read them: the digits that can be trusted, `1e-6` rather than `0.000001`, units with their prefix. */

/** What stands where there is no number. */
export const NO_NUMBER = '–';

const wholeNumber = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `1.0e-6` as `1e-6`, `1.50e+4` as `1.5e4`. */
function tidyExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return `${short}e${String(Number(exponent))}`;
}

function nonFinite(value: number): string {
  if (Number.isNaN(value)) return NO_NUMBER;
  return value > 0 ? '∞' : '-∞';
}

/**
 * A measured number at `digits` significant digits (default 4), without trailing zeros: `0.01392`, `1,972`, `3.2e-7`,
 * `1.5e9`. A whole number below a million keeps all its digits. NaN becomes a dash, never a number.
 */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return wholeNumber.format(value);
  const rounded = Number(size.toPrecision(digits));
  if (rounded < 1e-3 || rounded >= 1e6) return tidyExponent(value.toExponential(digits - 1));
  return new Intl.NumberFormat('en', { maximumSignificantDigits: digits }).format(value);
}

/** A count, whole and with thousands separated: `16,384`. */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? wholeNumber.format(value) : nonFinite(value);
}

/** The shortest text that reads back as exactly this number, for an input field or a file: `1e-6`, `16384`, `0.012`. */
export function formatExact(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e15)) return String(value);
  return tidyExponent(value.toExponential());
}

/** A power of ten's tick on a logarithmic axis: `1e-6`, and plain numbers from 0.01 to 1,000. */
export function formatTick(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1e5 || size < 1e-2) return tidyExponent(value.toExponential(5));
  return new Intl.NumberFormat('en', { maximumSignificantDigits: 6 }).format(value);
}

/** Sizes of a matrix or tensor: `16,384 x 16,384`. */
export function formatShape(shape: readonly number[]): string {
  return shape.map((extent) => formatCount(extent)).join(' x ');
}

function scaled(value: number, base: number, units: readonly string[], digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  let power = 0;
  let size = value;
  // The rounded size decides too: 999.96 kB at three digits is 1 MB, not 1,000 kB.
  while (power < units.length - 1 && Math.max(Math.abs(size), Number(Math.abs(size).toPrecision(digits))) >= base) {
    size /= base;
    power += 1;
  }
  return `${formatNumber(size, digits)} ${units[power] ?? ''}`;
}

/** Bytes; memory in binary prefixes (`1 GiB`), bandwidth and files in decimal ones (`1.07 GB`). */
export function formatBytes(bytes: number, prefix: 'binary' | 'decimal' = 'binary'): string {
  return prefix === 'binary'
    ? scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], 3)
    : scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB'], 3);
}

/** A time given in milliseconds: `85 µs`, `3.1 ms`, `2.94 s`, `4 min 10 s`. */
export function formatDuration(ms: number, digits = 3): string {
  if (!Number.isFinite(ms)) return nonFinite(ms);
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (Number(size.toPrecision(digits)) < 1) return `${formatNumber(ms * 1000, digits)} µs`;
  if (Number(size.toPrecision(digits)) < 1000) return `${formatNumber(ms, digits)} ms`;
  if (size < 59_950) return `${formatNumber(ms / 1000, digits)} s`;
  const seconds = Math.round(ms / 1000);
  return `${formatCount(Math.trunc(seconds / 60))} min ${String(Math.abs(seconds % 60))} s`;
}

/** Arithmetic per second, given in FLOP/s: `812 GFLOP/s`. */
export function formatFlops(flopsPerSecond: number): string {
  return scaled(flopsPerSecond, 1000, ['FLOP/s', 'kFLOP/s', 'MFLOP/s', 'GFLOP/s', 'TFLOP/s', 'PFLOP/s'], 3);
}

/** Memory traffic per second, given in B/s: `3.2 GB/s`. */
export function formatBandwidth(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond, 'decimal')}/s`;
}

/** A share of one: `2.8 %`. */
export function formatPercent(share: number, digits = 2): string {
  if (!Number.isFinite(share)) return nonFinite(share);
  return `${formatNumber(share * 100, digits)} %`;
}

/** What a claim expects, `<= 16`, as people write it. */
export function formatExpected(expected: string): string {
  return expected.replaceAll('<=', '≤').replaceAll('>=', '≥');
}
