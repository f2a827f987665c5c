/** The dictionary lab on real and planted histograms: its frames, its claims, a person's own table, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import { InvalidInputError } from '../../../src/device/errors';
import lab from '../../../src/labs/transport/dictionary';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();
const weather = await loadTable('weather');

type Params = Parameters<typeof lab.run>[0]['params'];
const base: Params = {
  source: 'table',
  table: weather,
  group: 1,
  groups: 6,
  first: 3,
  second: 5,
  atoms: 2,
  epsilon: 0.03,
  proximal: 1,
  sweeps: 3,
  tolerance: 5e-3,
  shift: 0,
  samples: 5000,
  side: 8,
  seed: 7,
};
const run = (patch: Partial<Params> = {}, device: typeof gpu | ReturnType<typeof openReference> = gpu) =>
  runLab(device, lab, { ...base, ...patch });

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  it('shows what it learns from Seattle’s weather', async () => {
    const { result, shown } = await run({}, name === 'GPU' ? gpu : openReference());
    expect(result.descent.objectives[1]).toBeLessThan(result.descent.objectives[0]);
    for (const { id, measure, holds } of lab.claims.filter(({ id }) => id === 'descends' || id === 'rate')) {
      const measured = await measure(result, () => Promise.resolve(result));
      expect({ id, measured, holds: holds(measured) }).toMatchObject({ id, holds: true });
    }
    // The start, and every sweep.
    expect(shown.filter(({ codes }) => codes !== undefined)).toHaveLength(4);
    expect(shown.at(-1)?.status?.state).toBe('done');
    expect(shown.at(-1)?.numbers?.rows[0]?.wasserstein).toBeGreaterThan(0);
  });
});

it('scores planted atoms', async () => {
  const { result, shown } = await run({ source: 'planted', shift: 0.05, samples: 100, atoms: 2, sweeps: 5 });
  expect(result.scores).toHaveLength(3);
  for (const { atoms, mixtures } of result.scores) {
    expect(atoms).toBeGreaterThan(0);
    expect(mixtures).toBeGreaterThan(0);
  }
  expect(
    shown.some(
      ({ atoms }) => Array.isArray(atoms) || (atoms !== undefined && 'slot' in atoms && atoms.slot === 'planted'),
    ),
  ).toBe(true);
});

it('reads a person’s table, and names a column that it has not', async () => {
  const values = Float64Array.from({ length: 60 }, (_, i) => (i % 3 === 2 ? i % 2 : Math.sin(i)));
  const table = { name: 'own.csv', rows: 20, columns: 3, values };
  const { result } = await run({ table, group: 3, groups: 2, first: 1, second: 2, sweeps: 1 });
  expect(Number.isFinite(result.descent.objectives[1])).toBe(true);
  await expect(run({ table, first: 4 })).rejects.toThrow(/no column 4 in own.csv/);
  await expect(run({ table: undefined })).rejects.toThrow(InvalidInputError);
});
