/** Which points meet within a budget, against trying every grouping; and long work that leaves the thread free. */
import { describe, expect, it } from 'vitest';
import { mergeTable, placeOf, smallestCircle } from '../../src/algorithms/merged-points';
import { takingTurns } from '../../src/algorithms/taking-turns';
import { CancelledError } from '../../src/device/errors';
import { float32s } from '../support/numbers';

/** All ways to put up to three labels into groups. */
function groupings(labels: readonly number[]): (readonly (readonly number[])[])[] {
  const [first, ...rest] = labels;
  if (first === undefined) return [[]];
  return groupings(rest).flatMap((groups) => [
    [[first], ...groups],
    ...groups.map((_, at) => groups.map((group, index) => (index === at ? [first, ...group] : group))),
  ]);
}

describe.each([
  ['three classes', [7, 5, 6]],
  ['two classes', [8, 11]],
  ['a single point each', [1, 1, 1]],
] as const)('of %s', (_, counts) => {
  it.each([0, 0.2, 0.4, 0.8, 5])(
    'the fewest places are found, and a grouping that needs no more: budget %f',
    async (budget) => {
      const classes = counts.map((count, label) => Float64Array.from(float32s(2 * count, 3 + label)));
      const table = await mergeTable(classes, budget, () => Promise.resolve());
      const [, columns, depth] = table.shape;
      for (const [at, cost] of table.cost.entries()) {
        const entry = [Math.floor(at / (columns * depth)), Math.floor(at / depth) % columns, at % depth] as const;
        const present = counts.flatMap((count, label) => ((entry[label] ?? 0) < count ? [label] : []));
        const isPossible = (group: readonly number[]): boolean =>
          smallestCircle(group.map((label) => placeOf(classes[label] ?? new Float64Array(), entry[label] ?? 0)))
            .radius <= budget;
        const fewest = Math.min(
          ...groupings(present)
            .filter((groups) => groups.every(isPossible))
            .map(({ length }) => length),
        );
        expect(cost).toBe(fewest);
        const groups = table.groupsOf(entry);
        expect(groups).toHaveLength(fewest);
        expect(groups.every(isPossible)).toBe(true);
        expect(groups.flat().sort()).toEqual(present);
      }
    },
  );
});

describe('taking turns', () => {
  const work = (milliseconds: number): void => {
    for (const start = performance.now(); performance.now() - start < milliseconds;);
  };

  it('lets other work in', async () => {
    const turn = takingTurns(undefined);
    let seen = 0;
    const timer = setInterval(() => (seen += 1), 1);
    for (let step = 0; step < 20; step++) {
      work(5);
      await turn();
    }
    clearInterval(timer);
    // 100 ms of work in turns of 15; a timer that is late now and then counts once.
    expect(seen).toBeGreaterThanOrEqual(3);
  });

  it('ends with the run', async () => {
    const control = new AbortController();
    const turn = takingTurns(control.signal);
    setTimeout(() => {
      control.abort();
    }, 0);
    work(20);
    await expect(turn()).rejects.toThrow(CancelledError);
  });
});
