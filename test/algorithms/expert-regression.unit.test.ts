/** Mixtures of regressions: exact where one line is enough, better than one line where it is not, bad input refused. */
import { expect, it } from 'vitest';
import { fitExperts } from '../../src/algorithms/expert-regression';
import { InvalidInputError } from '../../src/device/errors';
import { float32s } from '../support/numbers';

const last = <T>(values: Iterable<T>): T | undefined => [...values].at(-1);

it('finds a plane exactly, with one expert and with several', () => {
  const inputs = Float64Array.from(float32s(200, 1));
  const targets = Float64Array.from(
    { length: 100 },
    (_, row) => 1 + 2 * (inputs[2 * row] ?? 0) - (inputs[2 * row + 1] ?? 0),
  );
  for (const starts of [[0], [0, 1, 2]]) {
    const { single, chosen, mixed } = last(fitExperts({ inputs, targets, held: 60 }, starts, 3)) ?? {};
    for (const error of [single, chosen, mixed]) expect(error).toBeLessThan(1e-7);
  }
});

it('learns where the line bends', () => {
  const inputs = Float64Array.from(float32s(600, 2));
  const targets = inputs.map(Math.abs);
  const errors = [
    ...fitExperts(
      { inputs, targets, held: 300 },
      [inputs.indexOf(Math.min(...inputs)), inputs.indexOf(Math.max(...inputs))],
      40,
    ),
  ];
  const end = errors.at(-1);
  // The best single line through |x| on (-1, 1) is off by 1 / sqrt(12).
  expect(end?.single).toBeCloseTo(Math.sqrt(1 / 12), 1);
  expect(end?.chosen).toBeLessThan((end?.single ?? 0) / 2);
  expect(errors.map(({ round }) => round)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

it('copes with columns that say the same, and with more experts than rows', () => {
  const inputs = Float64Array.from({ length: 40 }, (_, i) => Math.floor(i / 2) % 5);
  const targets = Float64Array.from({ length: 20 }, (_, i) => i % 5);
  const end = last(
    fitExperts(
      { inputs, targets, held: 10 },
      Array.from({ length: 16 }, (_, i) => i),
      5,
    ),
  );
  expect(end?.chosen).toBeLessThan(1e-3);
});

it('refuses what cannot be fitted', () => {
  const task = { inputs: new Float64Array(6), targets: new Float64Array(3), held: 2 };
  for (const bad of [
    { ...task, held: 3 },
    { ...task, held: 1 },
    { ...task, inputs: new Float64Array(5) },
  ])
    expect(() => last(fitExperts(bad, [0], 1))).toThrow(InvalidInputError);
  expect(() => last(fitExperts(task, [], 1))).toThrow(InvalidInputError);
});
