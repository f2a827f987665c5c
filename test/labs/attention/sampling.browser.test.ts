/** The sampling lab, run as the engine runs it: what it shows, and claims that do not depend on the clock. */
import { expect, test } from 'vitest';
import lab from '../../../src/labs/attention/sampling';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

type Params = Parameters<typeof lab.run>[0]['params'];
const defaults: Params = {
  vocabulary: 64,
  steps: 64,
  bits: 8,
  words: 400,
  text: 'movies',
  length: 12,
  batch: 16,
  seed: 7,
};

test('shows every figure, ends with a sentence, and its claims hold', async () => {
  const { result, shown } = await runLab(gpu, lab, defaults);
  for (const figure of Object.keys(lab.figures)) {
    expect(
      shown.some((frame) => figure in frame),
      figure,
    ).toBe(true);
  }
  const end = shown.at(-1)?.status;
  expect(end?.state).toBe('done');
  expect(end?.text).toMatch(/^8 bits cost \d\.\d\d nats a word; first hits are \d+ times as fast$/);
  for (const claim of lab.claims) {
    const measured = await claim.measure(result, () => Promise.resolve(result));
    expect(Number.isFinite(measured), claim.id).toBe(true);
    if (claim.id !== 'hits-are-fast') expect(claim.holds(measured), `${claim.id}: ${String(measured)}`).toBe(true);
    expect(claim.holds(Number.NaN), claim.id).toBe(false);
  }
  const last = shown.filter((frame) => frame.texts !== undefined).at(-1)?.texts;
  expect(last?.rows.length).toBe(3);
  expect(JSON.stringify(last?.rows)).not.toMatch(/[·?]/);
  expect(gpu.memory().liveBuffers).toBe(0);
});

test('runs on the reference device, smaller', async () => {
  const { result } = await runLab(openReference(), lab, { ...defaults, steps: 16, words: 100 });
  expect(result.stepping?.state.tokens.length).toBe(8 * 12);
  expect(result.single.draws).toBe(100);
});
