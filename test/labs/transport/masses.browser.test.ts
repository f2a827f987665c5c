/** The unbalanced and barycenter labs at small sizes: what they show, how they end, that picking weights moves the picture. */
import { describe, expect, it } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import { weightsAt, withPainted } from '../../../src/labs/barycenter-pictures';
import { pointMasses, shapeMass, type MassGrid } from '../../../src/labs/mass-pictures';
import type { NumericMatrix, Photograph } from '../../../src/labs/parameters';
import barycenter from '../../../src/labs/transport/barycenter';
import unbalanced from '../../../src/labs/transport/unbalanced';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

const dark = (row: number): Photograph => {
  const pixels = new Uint8ClampedArray(4 * 64).fill(255);
  for (let x = 0; x < 8; x++) pixels.fill(20, 4 * (8 * row + x), 4 * (8 * row + x) + 3);
  return { name: `row ${String(row)}`, width: 8, height: 8, pixels };
};

type Params<Lab extends { run: (context: never) => unknown }> = Parameters<Lab['run']>[0] extends { params: infer P }
  ? P
  : never;

const masses: Params<typeof unbalanced> = {
  rho: 0.1,
  penalty: 'kullback-leibler',
  kind: 'gaussians',
  source: dark(1),
  target: dark(6),
  sourcePoints: undefined,
  targetPoints: undefined,
  size: 24,
  ratio: 1.5,
  epsilon: 0.01,
  reference: 'product',
  check: true,
};

describe.each([['GPU', gpu] as const, ['reference device', openReference()] as const])('on the %s', (_name, device) => {
  it('moves more mass the dearer it is to give it up, for every kind of mass', async () => {
    for (const kind of ['gaussians', 'shapes', 'photographs'] as const) {
      const size = kind === 'gaussians' ? 24 : 8;
      const run = (rho: number) => runLab(device, unbalanced, { ...masses, kind, size, rho });
      const [cheap, dear] = [await run(0.01), await run(1)];
      expect(dear.result.mass).toBeGreaterThan(cheap.result.mass);
      expect(dear.result.difference).toBeLessThanOrEqual(1e-4);
      expect(new Set(dear.shown.flatMap((frames) => Object.keys(frames)))).toEqual(
        new Set(['masses', 'sweep', 'plan', 'numbers', 'status']),
      );
      expect(dear.shown.at(-1)?.status?.state).toBe('converged');
    }
  });

  it('draws a barycenter, and another one where other weights are picked', async () => {
    const params: { -readonly [Name in keyof Params<typeof barycenter>]: Params<typeof barycenter>[Name] } = {
      sources: 'photographs',
      first: 'heart',
      second: 'ring',
      third: 'disks',
      top: dark(1),
      left: dark(5),
      right: dark(5),
      topPoints: undefined,
      leftPoints: undefined,
      rightPoints: undefined,
      size: 8,
      epsilon: 0.01,
      debiased: false,
      iterations: 200,
      tolerance: 1e-3,
      check: true,
      pickX: 64,
      pickY: 0,
    };
    let changes = 0;
    const nextChange = (): Promise<boolean> => {
      changes += 1;
      params.pickY = 127;
      return Promise.resolve(changes === 1);
    };
    const { result, shown } = await runLab(device, barycenter, params, nextChange);
    const pictures = shown.flatMap((frames) => (frames.result && 'slot' in frames.result ? [frames.result] : []));
    const inkRow = ({
      width,
      height,
      pixels,
    }: {
      width: number;
      height: number;
      pixels: Uint8ClampedArray;
    }): number => {
      let [ink, sum] = [0, 0];
      for (let at = 0; at < width * height; at++) {
        const darkness = 255 - (pixels[4 * at] ?? 0);
        ink += darkness;
        sum += darkness * (Math.floor(at / width) / height);
      }
      return sum / ink;
    };
    const ends = shown.flatMap((frames, index) => (frames.numbers ? [index] : []));
    expect(ends).toHaveLength(2);
    const first = shown
      .slice(0, ends[0])
      .flatMap((frames) => (frames.result && 'slot' in frames.result ? [frames.result] : []))
      .at(-1);
    const last = pictures.at(-1);
    if (!first || !last) throw new Error('there is no barycenter');
    expect(inkRow(last) - inkRow(first)).toBeGreaterThan(0.2);
    expect(result.difference).toBeLessThanOrEqual(1e-3);
    expect(shown.at(-1)?.status?.state).toBe('converged');
  });
});

const painting = (...values: number[]): NumericMatrix => ({
  name: 'painted',
  rows: values.length / 2,
  columns: 2,
  values: Float64Array.from(values),
});

describe('points as masses', () => {
  it('of a map share one box, in proportion, north up', async () => {
    const [capitals, airports] = [await loadTable('capitals'), await loadTable('airports')];
    const [source, target] = pointMasses([capitals, airports], 32, 'sourcePoints') as [MassGrid, MassGrid];
    expect([source.width, source.height]).toEqual([target.width, target.height]);
    expect(source.width).toBe(32);
    expect(source.height).toBeGreaterThan(15);
    expect(source.height).toBeLessThan(24);
    for (const { masses } of [source, target]) expect(Math.abs(masses.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-9);
    // Maine has a capital in the upper right, and there is none in the lower left.
    const part = (x: (share: number) => boolean, y: (share: number) => boolean): number =>
      source.masses.reduce(
        (sum, mass, at) => (x((at % 32) / 32) && y(Math.floor(at / 32) / source.height) ? sum + mass : sum),
        0,
      );
    expect(
      part(
        (x) => x > 0.9,
        (y) => y < 0.35,
      ),
    ).toBeGreaterThan(0);
    expect(
      part(
        (x) => x < 0.15,
        (y) => y > 0.65,
      ),
    ).toBe(0);
  });

  it('of a painting keep their place on the square, whatever stands beside them', () => {
    const own = painting(0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9, 0.6);
    const [grid] = pointMasses([own, painting(100, 0, 300, 50)], 10, 'sourcePoints') as [MassGrid];
    expect([grid.width, grid.height]).toEqual([10, 10]);
    expect(grid.masses[1]).toBe(0.5);
    expect(grid.masses[99]).toBe(0.25);
  });

  it('are moved, and need both sides', async () => {
    const points = {
      sourcePoints: painting(0.2, 0.2, 0.3, 0.8, 0.7, 0.4),
      targetPoints: painting(0.4, 0.2, 0.3, 0.6),
    };
    const { result, shown } = await runLab(gpu, unbalanced, { ...masses, kind: 'points', size: 8, ...points });
    expect(result.mass).toBeGreaterThan(0.1);
    expect(shown.at(-1)?.status?.state).toBe('converged');
    await expect(runLab(gpu, unbalanced, { ...masses, kind: 'points', size: 8 })).rejects.toThrow(/no points/);
  });

  it('stand in for a picture of the barycenter', () => {
    const own = painting(0.05, 0.05, 0.95, 0.95);
    const shapes = ['heart', 'ring', 'disks'] as const;
    const grids = withPainted(
      shapes.map((shape) => shapeMass(shape, 8)),
      [undefined, own, undefined],
    );
    expect(grids.map(({ width, height }) => [width, height])).toEqual([
      [8, 8],
      [8, 8],
      [8, 8],
    ]);
    expect([grids[1]?.masses[7], grids[1]?.masses[56]]).toEqual([0.5, 0.5]);
    expect(grids[0]?.masses).toEqual(shapeMass('heart', 8).masses);
  });
});

it('takes handwritten digits at their own size', async () => {
  const none = { first: 'heart', second: 'ring', third: 'disks', top: dark(1), left: dark(5), right: dark(5) } as const;
  const painted = { topPoints: undefined, leftPoints: undefined, rightPoints: undefined };
  const options = {
    epsilon: 0.005,
    debiased: false,
    iterations: 10,
    tolerance: 1e-3,
    check: false,
    pickX: 64,
    pickY: 0,
  };
  const { shown } = await runLab(gpu, barycenter, { sources: 'digits', ...none, ...painted, size: 8, ...options });
  const [pictures] = shown.flatMap((frames) =>
    frames.pictures && !('slot' in frames.pictures) ? [frames.pictures] : [],
  );
  expect(pictures?.map(({ slot }) => slot)).toEqual(['first', 'second', 'third']);
  expect(pictures?.every(({ width, height }) => width === height && width % 28 === 0)).toBe(true);
});

it('reads weights off the triangle: corners, the middle, outside', () => {
  expect(weightsAt(64, 10)).toEqual([1, 0, 0]);
  expect(weightsAt(8, 112)).toEqual([0, 1, 0]);
  expect(weightsAt(127, 127)).toEqual([0, 0, 1]);
  weightsAt(64, 78).forEach((weight) => expect(Math.abs(weight - 1 / 3)).toBeLessThanOrEqual(0.01));
});
