/** Points of several series over one axis, and their CSV. */
import { expect, test } from 'vitest';
import { writeCsv } from '../../src/figures/csv';
import { SeriesTable } from '../../src/figures/series';

test('a second series that comes later shares the x axis of the first', () => {
  const table = new SeriesTable();
  table.append({ series: 'a', x: [1, 2, 3], y: [10, 20, 30] });
  table.append({ series: 'b', x: 2, y: 5 });
  table.append({ series: 'b', x: 4, y: 6 });
  expect(table.names).toEqual(['a', 'b']);
  expect(table.xs).toEqual([1, 2, 3, 4]);
  expect(table.ys).toEqual([
    [10, 20, 30, undefined],
    [undefined, 5, undefined, 6],
  ]);
});

test('points between others are put in their place, and a repeated x replaces its point', () => {
  const table = new SeriesTable();
  table.append({ series: 'a', x: [0, 10], y: [1, 2] });
  table.append({ series: 'b', x: [7, 3, 10], y: [70, 30, 100] });
  table.append({ series: 'a', x: 10, y: 9 });
  expect(table.xs).toEqual([0, 3, 7, 10]);
  expect(table.ys).toEqual([
    [1, undefined, undefined, 9],
    [undefined, 30, 70, 100],
  ]);
});

test('what is not finite is a gap, and never an x', () => {
  const table = new SeriesTable();
  table.append({ series: 'a', x: [1, 2, NaN, 3], y: [NaN, 5, 6, Infinity] });
  expect(table.xs).toEqual([1, 2, 3]);
  expect(table.ys).toEqual([[null, 5, null]]);
  expect(table.first(0)).toEqual([2, 5]);
  expect(table.last(0)).toEqual([2, 5]);
});

test('takes 100,000 interleaved points without joining anew for each', () => {
  const table = new SeriesTable();
  const even = Array.from({ length: 50_000 }, (_, index) => 2 * index);
  table.append({ series: 'even', x: even, y: even });
  table.append({ series: 'odd', x: even.map((x) => x + 1), y: even });
  expect(table.xs).toHaveLength(100_000);
  expect(table.last(1)).toEqual([99_999, 99_998]);
});

test('CSV quotes what needs it, keeps float32 short and leaves NaN empty', () => {
  expect(
    writeCsv([
      ['a,b', 'say "x"'],
      [Math.fround(0.1), NaN, 1 / 3],
    ]),
  ).toBe('"a,b","say ""x"""\r\n0.1,,0.3333333333333333\r\n');
});
