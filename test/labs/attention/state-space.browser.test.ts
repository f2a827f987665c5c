/** The state-space lab, run as the engine runs it: what it shows, on a real series, and that its claims hold. */
import { expect, test } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import lab from '../../../src/labs/attention/state-space';
import { seriesOf } from '../../../src/labs/state-space-report';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

type Params = Parameters<typeof lab.run>[0]['params'];
const settings: Params = {
  states: 64,
  step: 1 / 16,
  perturbation: 0.1,
  order: 0,
  length: 1024,
  series: await loadTable('sp500'),
  column: 0,
  seed: 7,
};

test('shows every figure, ends with a sentence, and its claims hold', async () => {
  const { result, shown } = await runLab(gpu, lab, settings);
  for (const figure of Object.keys(lab.figures))
    expect(
      shown.some((frame) => figure in frame),
      figure,
    ).toBe(true);
  expect(shown.at(-1)?.status?.text).toMatch(/^worst errors: 0\.637 diagonal, 0\.0\d+ perturbed$/);
  const pushed = {
    ...result,
    worst: { ...result.worst, perturbed: { error: 0.1 * result.worst.perturbed.error, frequency: 1 } },
  };
  for (const claim of lab.claims) {
    const measured = await claim.measure(result, () => Promise.resolve(pushed));
    expect(claim.holds(measured), `${claim.id}: ${String(measured)}`).toBe(true);
    expect(claim.holds(Number.NaN), claim.id).toBe(false);
  }
  const heat = shown.find((frame) => frame.pseudospectrum)?.pseudospectrum;
  expect(heat?.values.every(Number.isFinite)).toBe(true);
  expect(gpu.memory().liveBuffers).toBe(0);
});

test('gives the same numbers on the reference device, smaller', async () => {
  const small = { ...settings, states: 16, order: 2 };
  const [gpuRun, cpuRun] = [await runLab(gpu, lab, small), await runLab(openReference(), lab, small)];
  const [one, other] = [gpuRun.result.growth.at(-1), cpuRun.result.growth.at(-1)];
  expect(one?.perturbed).toBe(other?.perturbed);
  expect(one?.kernel).toBeCloseTo(other?.kernel ?? NaN, 3);
  expect(one?.recalled.perturbed).toBeCloseTo(other?.recalled.perturbed ?? NaN, 3);
});

test('says what is wrong with a series', () => {
  const table = { name: 'a', rows: 9, columns: 1, values: new Float64Array(9).fill(2) };
  expect(() => seriesOf(undefined, 0)).toThrow(/at least 8 rows/);
  expect(() => seriesOf({ ...table, rows: 7 }, 0)).toThrow(/at least 8 rows/);
  expect(() => seriesOf(table, 0)).toThrow(/one value only/);
  const last = seriesOf({ ...table, values: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) }, 5);
  expect(last.values[0]).toBeCloseTo(-1.549, 3);
  expect(last.warning).toMatch(/1 columns: this is the last one/);
});
