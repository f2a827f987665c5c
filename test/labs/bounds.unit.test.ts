/** The bars that claims must pass: what is read is what is checked, and NaN passes none. */
import { describe, expect, it } from 'vitest';
import { above, atLeast, atMost, below, near } from '../../src/labs/bounds';
import { follow } from '../../src/labs/define';

describe('bounds of claims', () => {
  it.each([
    [atMost(1e-5), '<= 1e-5', 1e-5, 1.1e-5],
    [atLeast(1000, 'times'), '>= 1,000', 1000, 999],
    [below(16), '< 16', 15.9, 16],
    [above(1), '> 1', 1.01, 1],
    [near(10, 1), '10 ± 1', 9, 8.9],
    [near(1), '1', 1, 1.001],
    [atMost(0.05), '<= 0.05', 0, 0.06],
  ])('%o', (bound, expected, good, bad) => {
    expect(bound.expected).toBe(expected);
    expect(bound.holds(good)).toBe(true);
    expect(bound.holds(bad)).toBe(false);
    expect(bound.holds(Number.NaN)).toBe(false);
  });

  it('carries a unit only where there is one', () => {
    expect(atMost(1, 's').unit).toBe('s');
    expect('unit' in atMost(1)).toBe(false);
  });
});

it('follow shows each state and gives what comes of them', async () => {
  async function* work(): AsyncGenerator<number, string> {
    yield await Promise.resolve(1);
    yield 2;
    return 'done';
  }
  const shown = follow(work(), (state) => `at ${String(state)}`);
  expect(await shown.next()).toEqual({ done: false, value: 'at 1' });
  expect(await shown.next()).toEqual({ done: false, value: 'at 2' });
  expect(await shown.next()).toEqual({ done: true, value: 'done' });
});
