/** Clouds of points: shapes, dark pixels, a person's own. */
import { describe, expect, it } from 'vitest';
import { cloudOf, clouds, spreadOf } from '../../src/labs/point-shapes';
import type { NumericMatrix, Photograph } from '../../src/labs/parameters';

/** White, with one black pixel in the lower right of 4 x 2. */
const photograph: Photograph = {
  name: 'dot',
  width: 4,
  height: 2,
  pixels: Uint8ClampedArray.from({ length: 32 }, (_, at) => (at >= 28 && at % 4 !== 3 ? 0 : 255)),
};

const matrix = (values: number[], columns: number): NumericMatrix => ({
  name: 'mine.csv',
  rows: values.length / columns,
  columns,
  values: Float64Array.from(values),
});

const sources = { photograph, points: undefined, count: 200, seed: 7 };

describe('clouds', () => {
  it.each(Object.keys(clouds) as (keyof typeof clouds)[])(
    '%s is in the unit square, the same for the same seed',
    (name) => {
      const points = cloudOf(name, sources, 0);
      expect(points.length).toBe(400);
      expect(points.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(cloudOf(name, sources, 0)).toEqual(points);
      expect(cloudOf(name, sources, 1)).not.toEqual(points);
      expect(cloudOf(name, { ...sources, seed: 8 }, 0)).not.toEqual(points);
    },
  );

  it('of a photograph lies where it is dark, upright and with its proportions', () => {
    const points = cloudOf('photograph', sources, 0);
    for (let at = 0; at < points.length; at += 2) {
      expect(points[at]).toBeGreaterThanOrEqual(0.75);
      expect(points[at + 1]).toBeGreaterThanOrEqual(0.25);
      expect(points[at + 1]).toBeLessThanOrEqual(0.5);
    }
  });

  it('of a file is scaled into the unit square, the aspect kept', () => {
    const points = cloudOf('cross', { ...sources, points: matrix([0, 0, 9, 20, 0, 9, 10, 5, 9], 3) }, 0);
    expect(Array.from(points, (value) => Number(value.toFixed(6)))).toEqual([0.05, 0.3875, 0.95, 0.3875, 0.5, 0.6125]);
  });

  it('of a painting stays where it was painted', () => {
    const points = matrix([0.1, 0.2, 0.9, 0.3, 0.4, 1], 2);
    expect(cloudOf('ring', { ...sources, points }, 0)).toEqual(points.values);
  });

  it('of a map lies upright in the unit square', () => {
    const capitals = matrix([-120, 46, -70, 44, -96, 30], 2);
    const points = cloudOf('ring', { ...sources, points: { ...capitals, columnNames: ['longitude', 'latitude'] } }, 0);
    expect(Math.abs((points[0] ?? NaN) - 0.05)).toBeLessThan(1e-9);
    expect(Math.abs((points[2] ?? NaN) - 0.95)).toBeLessThan(1e-9);
    expect(points[1]).toBeGreaterThan(points[5] ?? NaN);
    // Further apart on the map than 16 degrees of longitude, which are 0.9 * 16 / 50 of the square.
    expect((points[1] ?? NaN) - (points[5] ?? NaN)).toBeGreaterThan(0.9 * 0.32 * 1.15);
  });

  it('of a file is thinned where it is larger than asked for', () => {
    const points = matrix(
      Array.from({ length: 1000 }, (_, at) => at),
      2,
    );
    expect(cloudOf('cross', { ...sources, points }, 0).length).toBe(400);
  });

  it.each([
    [
      'a photograph of one colour',
      'photograph',
      { photograph: { ...photograph, pixels: new Uint8ClampedArray(32).fill(90) } },
      /no pixel darker/,
    ],
    ['a file of one column', 'cross', { points: matrix([1, 2], 1) }, /mine.csv has one column/],
    ['a file with missing numbers', 'cross', { points: matrix([1, NaN], 2) }, /numbers of ordinary size/],
  ] as const)('of %s is refused', (_, name, patch, message) => {
    expect(() => cloudOf(name, { ...sources, ...patch }, 0)).toThrow(message);
  });
});

it('a single point, or points that are all equal, have no spread', () => {
  expect(spreadOf([3, 4])).toBe(0);
  expect(spreadOf([0, 0, 2, 0])).toBe(1);
  expect(cloudOf('cross', { ...sources, points: matrix([5, 5, 5, 5], 2) }, 0)).toEqual(
    Float64Array.of(0.5, 0.5, 0.5, 0.5),
  );
});
