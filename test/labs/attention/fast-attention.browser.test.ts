/** The fast attention lab, small: errors grow with the bound, pictures and times are shown, on both devices. */
import { describe, expect, it } from 'vitest';
import lab from '../../../src/labs/attention/fast-attention';
import type { Photograph } from '../../../src/labs/parameters';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';
import { uniformSource } from '../../support/numbers';

const gpu = await openTestDevice();
const draw = uniformSource(3);
const photograph: Photograph = {
  name: 'noise',
  width: 32,
  height: 24,
  pixels: Uint8ClampedArray.from({ length: 4 * 32 * 24 }, (_, at) => (at % 4 === 3 ? 255 : 255 * draw())),
};
const small = {
  photograph,
  bound: 1,
  degree: '4',
  approximation: 'taylor',
  side: '16',
  timeUpTo: 8,
  seed: 7,
} as const;

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  it('shows pictures, errors that grow with the bound, and times', async () => {
    const device = name === 'GPU' ? gpu : openReference();
    const { result, shown } = await runLab(device, lab, small);
    const atOne = result.sweep.find(({ bound }) => bound === 1);
    expect(atOne?.error).toBeLessThan(1e-3);
    expect(atOne?.gradient).toBeLessThan(0.1);
    for (const figure of Object.keys(lab.figures)) expect(shown.some((frames) => figure in frames)).toBe(true);
    const errors = shown
      .flatMap(({ errors = [] }) => errors)
      .filter(({ series }) => series === 'attention over scales');
    expect(Number(errors.at(-1)?.y)).toBeGreaterThan(100 * Number(errors[0]?.y));
    expect(result.times['fast gradient']).toHaveLength(1);
    expect(shown.at(-1)?.status?.state).toBe('done');
  });
});

it('follows the bound while it runs, and takes Chebyshev polynomials', async () => {
  let left = 1;
  const patch = { ...small, approximation: 'chebyshev', bound: 1.5 } as const;
  const { result, shown } = await runLab(gpu, lab, patch, () => Promise.resolve(left-- > 0));
  const taylor = await runLab(gpu, lab, { ...small, bound: 1.5 });
  const errorOf = ({ sweep }: typeof result): number => sweep.find(({ bound }) => bound === 1.5)?.error ?? NaN;
  expect(shown.filter(({ numbers }) => numbers !== undefined)).toHaveLength(2);
  // Chebyshev's error is spread over all of [-R², R²], of which the logits of noise reach little: Taylor's is smaller here.
  expect(errorOf(result)).toBeLessThan(0.01);
  expect(errorOf(result)).toBeGreaterThan(errorOf(taylor.result));
});
