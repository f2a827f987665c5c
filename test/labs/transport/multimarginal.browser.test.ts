/** The adversarial classification lab at small sizes, on both devices: what it shows, what it certifies, how it ends. */
import { describe, expect, it } from 'vitest';
import lab from '../../../src/labs/transport/multimarginal';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();
const defaults = { budget: 0.2, layout: 'blobs', points: 6, epsilon: 0.02, iterations: 400, seed: 7 } as const;

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
