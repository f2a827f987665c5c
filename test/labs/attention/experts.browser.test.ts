/** The mixture-of-experts lab, run as the engine runs it: what it shows, what it measures, real tables, bad input. */
import { expect, test } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import { InvalidInputError } from '../../../src/device/errors';
import lab from '../../../src/labs/attention/experts';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

type Params = Parameters<typeof lab.run>[0]['params'];
const defaults: Params = {
  table: undefined,
  tokens: 200,
  experts: 8,
  k: 2,
  router: 'topk',
  p: 0.4,
  skew: 1.5,
  difficulty: 0.3,
  factor: 1.25,
  width: 20,
  hidden: 28,
  rank: 4,
  seed: 7,
};

test('shows every figure, and what does not hang on the clock holds', async () => {
  const { result, shown } = await runLab(gpu, lab, defaults);
  for (const figure of Object.keys(lab.figures)) {
    // Only tables have a column to foretell.
    expect(
      shown.some((frame) => figure in frame),
      figure,
    ).toBe(figure !== 'regression');
  }
  expect(shown.at(-1)?.status?.state).toBe('done');
  const rows = shown.filter((frame) => frame.routers !== undefined).at(-1)?.routers?.rows ?? [];
  expect(rows.map(({ router }) => router)).toEqual(['top-k', 'top-p', 'prototypes', 'self-selection', 'competition']);
  for (const { variation, occupancy, largest } of rows) {
    expect(variation).toBeGreaterThan(0);
    expect(occupancy).toBeLessThanOrEqual(100);
    expect(largest).toBeGreaterThan(1);
  }
  for (const claim of lab.claims) {
    const measured = await claim.measure(result, () => Promise.resolve(result));
    // Times of so small a layer say nothing.
    if (claim.id !== 'faster') expect(claim.holds(measured), `${claim.id}: ${String(measured)}`).toBe(true);
    expect(claim.holds(Number.NaN)).toBe(false);
  }
  expect(gpu.memory().liveBuffers).toBe(0);
});

test('takes the rows of a real table as tokens', async () => {
  const table = await loadTable('cars');
  const { shown } = await runLab(gpu, lab, { ...defaults, table, rank: 2, difficulty: 0 });
  const load = shown.find((frame) => frame.load !== undefined)?.load?.bars ?? [];
  expect(load.reduce((sum, { value }) => sum + value, 0)).toBe(2 * table.rows);
  const errors = shown.flatMap(({ regression }) => regression ?? []);
  const last = (name: string) => Number(errors.filter(({ series }) => series === name).at(-1)?.y);
  // Miles per gallon from weight, power and the like, in deviations.
  expect(last('one regression')).toBeLessThan(0.6);
  expect(last('all, gated')).toBeLessThan(last('one regression'));
});

test('runs on the reference device, where all modes agree', async () => {
  for (const router of ['topp', 'self'] as const) {
    const small = { ...defaults, router, tokens: 24, width: 4, hidden: 6, rank: 2 };
    const { result } = await runLab(openReference(), lab, small);
    expect(result.difference, router).toBeLessThan(1e-12);
  }
});

test('refuses more experts than there are, groups of several sizes, and tables of no numbers', async () => {
  const refuse = async (params: Partial<Params>, words: RegExp) => {
    const run = runLab(gpu, lab, { ...defaults, ...params });
    await expect(run).rejects.toThrow(InvalidInputError);
    await expect(runLab(gpu, lab, { ...defaults, ...params })).rejects.toThrow(words);
  };
  await refuse({ k: 3, experts: 2 }, /lower k/);
  await refuse({ k: 3, router: 'prototypes' }, /3 prototypes/);
  const values = Float64Array.from([1, NaN]);
  await refuse({ table: { name: 'mine.csv', rows: 2, columns: 1, values } }, /mine.csv must/);
});
