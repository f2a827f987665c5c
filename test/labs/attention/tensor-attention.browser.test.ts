/** The tensor attention lab, small: the error grows with the bound, the polynomial breaks earlier for more keys, triples are found. */
import { describe, expect, it } from 'vitest';
import lab from '../../../src/labs/attention/tensor-attention';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();
const small = {
  bound: 1,
  degree: '6',
  lists: '2',
  count: 16,
  dimension: 2,
  longest: 64,
  exactUpTo: 32,
  tokens: 8,
  seed: 7,
} as const;

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  it('shows errors, times, the breaking bounds and the triples', async () => {
    const device = name === 'GPU' ? gpu : openReference();
    const { result, shown } = await runLab(device, lab, small);
    expect(result.error).toBeLessThan(1e-6);
    expect(result.pairs).toBe(1);
    const [one = 0, , triples = 0] = result.breaking.map(({ value }) => value);
    expect(triples).toBeLessThan(one);
    expect(result.times.exact).toBeGreaterThan(0);
    for (const figure of Object.keys(lab.figures)) expect(shown.some((frames) => figure in frames)).toBe(true);
    const eighth = shown.flatMap(({ errors }) => errors ?? []).filter(({ series }) => series === 'degree 2');
    expect(eighth.length).toBe(12);
    expect(Number(eighth.at(-1)?.y)).toBeGreaterThan(1000 * Number(eighth[0]?.y));
    expect(shown.at(-1)?.status?.state).toBe('done');
  });
});

it('follows the bound while it runs', async () => {
  let left = 1;
  const { shown } = await runLab(gpu, lab, { ...small, lists: '3' }, () => Promise.resolve(left-- > 0));
  expect(shown.filter(({ map }) => map !== undefined)).toHaveLength(2);
});
