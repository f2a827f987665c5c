/** The looped transformer lab, small: loops are steps, Newton needs few, the pre-block helps, real tables and bad ones. */
import { describe, expect, it } from 'vitest';
import { loadTable } from '../../../src/data/tables';
import { InvalidInputError } from '../../../src/device/errors';
import lab from '../../../src/labs/attention/looped-transformer';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();
const small = {
  task: 'linear',
  table: undefined,
  target: 1,
  preBlock: false,
  features: 12,
  loops: 64,
  dimension: 4,
  examples: 64,
  noise: 0.1,
  condition: 5,
  step: 1,
  heads: 'linear',
  shown: 'gradient',
  seed: 7,
} as const;

describe.each(['GPU', 'reference device'])('on the %s', (name) => {
  const device = name === 'GPU' ? gpu : openReference();

  it('solves a linear task in the loop', async () => {
    const { result, shown } = await runLab(device, lab, small);
    // 64 loops over 132 tokens; Newton squares what rounding leaves of a condition number near 5.
    const unit = name === 'GPU' ? 2 ** -24 : 2 ** -53;
    expect(result.differences.gradient).toBeLessThan(132 * unit * 8);
    expect(result.differences.newton).toBeLessThan(132 * unit * 40);
    expect(result.reached.newton).toBeLessThan(result.reached.gradient / 5);
    expect(result.once.error / result.errors.gradient).toBeGreaterThan(100);
    expect(result.heldOut.best).toBeLessThan(0.1);
    for (const figure of Object.keys(lab.figures)) expect(shown.some((frames) => figure in frames)).toBe(true);
    expect(shown.at(-1)?.status?.state).toBe('done');
  });

  it('solves a nonlinear task with the pre-block only', async () => {
    const { result } = await runLab(device, lab, { ...small, task: 'nonlinear', preBlock: true, examples: 128 });
    expect(result.heldOut.best).toBeLessThan(0.25);
    expect(result.heldOut.without).toBeGreaterThan(3 * result.heldOut.best);
  });
});

it('predicts the miles per gallon of cars, and follows the choice of weights', async () => {
  const table = await loadTable('cars');
  let left = 1;
  const params = { ...small, task: 'table', table, loops: 16, examples: 256 } as const;
  const { result, shown } = await runLab(openReference(), lab, params, () => Promise.resolve(left-- > 0));
  expect(result.heldOut.best).toBeLessThan(0.6);
  expect(shown.filter(({ compared }) => compared !== undefined)).toHaveLength(2);
});

it('runs with softmax heads', async () => {
  const { result } = await runLab(openReference(), lab, { ...small, heads: 'softmax', loops: 8, examples: 32 });
  expect(result.differences.gradient).toBeGreaterThan(1e-9);
  expect(result.differences.gradient).toBeLessThan(0.02);
});

it('refuses tables it cannot use', async () => {
  const table = { name: 'mine', rows: 3, columns: 2, values: new Float64Array(6) };
  const run = (patch: object) => runLab(openReference(), lab, { ...small, task: 'table', ...patch });
  await expect(run({})).rejects.toThrow(InvalidInputError);
  await expect(run({ table })).rejects.toThrow(InvalidInputError);
  await expect(run({ table: { ...table, rows: 30, values: new Float64Array(60) }, target: 3 })).rejects.toThrow(
    /column 3/,
  );
});
