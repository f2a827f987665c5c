/** The adversarial classification lab at small sizes, on both devices: what it shows, what it certifies, how it ends. */
import { describe, expect, it } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import { InvalidInputError } from '../../../src/device/errors';
import { labelledClouds } from '../../../src/labs/own-classes';
import type { NumericMatrix } from '../../../src/labs/parameters';
import lab from '../../../src/labs/transport/multimarginal';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();
const defaults = {
  budget: 0.2,
  layout: 'blobs',
  table: undefined,
  xColumn: 1,
  yColumn: 2,
  points: 6,
  epsilon: 0.02,
  iterations: 400,
  seed: 7,
} as const;

const matrix = (columns: number, ...values: number[]): NumericMatrix => ({
  name: 'own.csv',
  rows: values.length / columns,
  columns,
  values: Float64Array.from(values),
});

describe.each([['GPU', gpu] as const, ['reference device', openReference()] as const])('on the %s', (_name, device) => {
  it('certifies the robust accuracy, and its classifier keeps it', async () => {
    for (const layout of ['blobs', 'rings', 'arms'] as const) {
      const { result, shown } = await runLab(device, lab, { ...defaults, layout });
      expect(result.lower).toBeLessThanOrEqual(result.upper + 1e-9);
      expect(result.upper - result.lower).toBeLessThanOrEqual(0.05);
      expect(result.attacked).toBeGreaterThanOrEqual(result.lower - 1e-9);
      expect(result.difference).toBeLessThanOrEqual(1e-5);
      expect(new Set(shown.flatMap((frames) => Object.keys(frames)))).toEqual(
        new Set(['points', 'regions', 'moved', 'accuracy', 'error', 'sweep', 'numbers', 'status']),
      );
      expect(shown.at(-1)?.status?.text).toMatch(/^robust accuracy between \d\.\d{3} and \d\.\d{3}, /);
    }
  });
});

it('says so when it did not converge', async () => {
  const { shown } = await runLab(gpu, lab, { ...defaults, iterations: 10 });
  expect(shown.at(-1)?.status?.state).toBe('not-converged');
});

it('gets everything right without an adversary', async () => {
  const { result } = await runLab(gpu, lab, { ...defaults, budget: 0 });
  expect(result.lower).toBeGreaterThanOrEqual(1 - 1e-6);
});

describe('classes of a table', () => {
  it('are penguins by species, standardised over all of them, and are certified as made ones are', async () => {
    const table = await loadTable('penguins');
    const { classes, names, axes } = labelledClouds(table, [1, 3], 1000);
    expect(classes.map(({ length }) => length / 2)).toEqual([151, 68, 123]);
    expect(names).toEqual(['Adelie (orange)', 'Chinstrap (blue)', 'Gentoo (green)']);
    expect(axes[1]).toBe('flipper length (mm), in standard deviations');
    const all = classes.flatMap((cloud) => [...cloud]);
    for (const axis of [0, 1]) {
      const along = all.filter((_, at) => at % 2 === axis);
      expect(Math.abs(along.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-9);
      expect(Math.abs(along.reduce((sum, value) => sum + value * value, 0) / along.length - 1)).toBeLessThan(1e-9);
    }
    const { result, shown } = await runLab(gpu, lab, { ...defaults, table });
    expect(result.upper - result.lower).toBeLessThanOrEqual(0.05);
    expect(result.attacked).toBeGreaterThanOrEqual(result.lower - 1e-6);
    const [points] = shown.flatMap((frames) => (Array.isArray(frames.points) ? [frames.points] : []));
    expect(points?.map(({ series }: { series: string }) => series)).toEqual(names);
  });

  it('of a painting stay where they are, and may be two', () => {
    const { classes, axes } = labelledClouds(matrix(3, 0.5, 0.25, 0, -0.5, 1, 1, 0.75, -1, 1), [1, 2], 10);
    expect(classes).toEqual([Float64Array.of(0.5, 0.25), Float64Array.of(-0.5, 1, 0.75, -1)]);
    expect(axes).toEqual(['x', 'y']);
  });

  it.each([
    ['no class column', matrix(2, 1, 2, 3, 4), [1, 2], /has 2 columns: the last is the class/],
    ['a column that is not there', matrix(3, 1, 2, 0, 3, 4, 1), [1, 3], /must be among the first 2/],
    ['one class', matrix(3, 1, 2, 0, 3, 4, 0), [1, 2], /names 1 classes/],
    ['too many classes', matrix(3, 1, 2, 0, 3, 4, 1, 5, 6, 2, 7, 8, 3), [1, 2], /names 4 classes/],
    ['numbers that are none', matrix(3, 1, NaN, 0, 3, 4, 1), [1, 2], /numbers of ordinary size/],
  ] as const)('are refused with %s', (_, table, columns, message) => {
    expect(() => labelledClouds(table, columns, 10)).toThrow(InvalidInputError);
    expect(() => labelledClouds(table, columns, 10)).toThrow(message);
  });
});
