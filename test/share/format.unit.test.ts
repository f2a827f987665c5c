/** Numbers as text. */
import { describe, expect, test } from 'vitest';
import {
  formatBandwidth,
  formatBytes,
  formatCount,
  formatDuration,
  formatExact,
  formatFlops,
  formatNumber,
  formatPercent,
  formatShape,
  formatTick,
} from '../../src/share/format';

describe('formatNumber', () => {
  test.each([
    [0, '0'],
    [0.01392, '0.01392'],
    [1972, '1,972'],
    [3.2e-7, '3.2e-7'],
    [1.5e9, '1.5e9'],
    [-0.5, '-0.5'],
    [0.0009999999, '0.001'],
    [0.000999, '9.99e-4'],
    [999_999.9, '1e6'],
    [999_999, '999,999'],
    [Math.PI, '3.142'],
    [Infinity, '∞'],
    [-Infinity, '-∞'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test('never writes NaN as a number', () => {
    for (const format of [
      formatNumber,
      formatCount,
      formatExact,
      formatTick,
      formatPercent,
      formatDuration,
      formatFlops,
    ]) {
      expect(format(NaN)).not.toMatch(/\d|NaN/);
    }
  });
});

describe('formatExact', () => {
  test.each([
    [1e-6, '1e-6'],
    [0.012, '0.012'],
    [16384, '16384'],
    [1e21, '1e21'],
    [-1.25e-7, '-1.25e-7'],
  ])('writes %d as %s', (value, text) => {
    expect(formatExact(value)).toBe(text);
  });

  test('reads back as the same number', () => {
    for (let power = -20; power <= 20; power += 1) {
      const value = Math.PI * 10 ** power;
      expect(Number(formatExact(value))).toBe(value);
    }
  });
});

test('bytes change their prefix where the rounded number would reach the next', () => {
  expect([0, 1000, 1024, 1_048_576, 2 ** 30, 1.5 * 2 ** 30].map((bytes) => formatBytes(bytes))).toEqual([
    '0 B',
    '1,000 B',
    '1 KiB',
    '1 MiB',
    '1 GiB',
    '1.5 GiB',
  ]);
  expect(formatBytes(999_960, 'decimal')).toBe('1 MB');
  expect(formatBandwidth(3.2e9)).toBe('3.2 GB/s');
  expect(formatFlops(8.12e11)).toBe('812 GFLOP/s');
});

test('durations take the unit that suits them', () => {
  expect([0, 0.085, 3.1, 999.96, 2940, 59_999, 250_000].map((ms) => formatDuration(ms))).toEqual([
    '0 ms',
    '85 µs',
    '3.1 ms',
    '1 s',
    '2.94 s',
    '1 min 0 s',
    '4 min 10 s',
  ]);
});

test('ticks of a logarithmic axis are short', () => {
  expect([1e-6, 0.01, 0.1, 1, 1000, 1e5].map(formatTick)).toEqual(['1e-6', '0.01', '0.1', '1', '1,000', '1e5']);
});

test('shapes and shares', () => {
  expect(formatShape([16384, 16384])).toBe('16,384 x 16,384');
  expect(formatPercent(0.0277)).toBe('2.8 %');
});
