/** The unbalanced and barycenter labs at small sizes: what they show, how they end, that picking weights moves the picture. */
import { describe, expect, it } from 'vitest';
import { weightsAt } from '../../../src/labs/barycenter-pictures';
import type { Photograph } from '../../../src/labs/parameters';
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

it('takes handwritten digits at their own size', async () => {
  const none = { first: 'heart', second: 'ring', third: 'disks', top: dark(1), left: dark(5), right: dark(5) } as const;
  const options = {
    epsilon: 0.005,
    debiased: false,
    iterations: 10,
    tolerance: 1e-3,
    check: false,
    pickX: 64,
    pickY: 0,
  };
  const { shown } = await runLab(gpu, barycenter, { sources: 'digits', ...none, size: 8, ...options });
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
