/** The softmax lab, run as the engine runs it: what it shows, what it measures, what it says of a person's logits. */
import { expect, test } from 'vitest';
import { InvalidInputError } from '../../../src/device/errors';
import { softmaxMethods } from '../../../src/kernels/softmax';
import lab from '../../../src/labs/attention/softmax';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

type Params = Parameters<typeof lab.run>[0]['params'];
const defaults: Params = { length: 8192, rows: 1, range: 1e4, logits: undefined, scale: 1, samples: 3, seed: 7 };

test('races every form, finds no error above the bar in the shifted ones, and sees the naive one overflow', async () => {
  const { result, shown } = await runLab(gpu, lab, defaults);
  for (const figure of Object.keys(lab.figures)) {
    expect(
      shown.some((frame) => figure in frame),
      figure,
    ).toBe(true);
  }
  expect(shown.at(-1)?.status?.state).toBe('done');
  const last = shown.filter((frame) => frame.methods !== undefined).at(-1)?.methods;
  expect(last?.rows.map(({ perElement }) => perElement)).toEqual([16, 20, 12, 12, 12]);
  expect(last?.rows.map(({ lost }) => lost)).toEqual(['none', 'none', 'none', 'none', 'all']);
  expect(last?.rows.length).toBe(softmaxMethods.length);
  for (const id of ['no-overflow', 'naive-overflows', 'fewer-bytes']) {
    const claim = lab.claims.find((one) => one.id === id);
    const measured = await claim?.measure(result, () => Promise.resolve(result));
    expect(claim?.holds(measured ?? Number.NaN), `${id}: ${String(measured)}`).toBe(true);
    expect(claim?.holds(Number.NaN)).toBe(false);
  }
  expect(gpu.memory().liveBuffers).toBe(0);
});

test('takes a person’s logits: rows as they are, one column as one row, scaled', async () => {
  const matrix = (rows: number, columns: number, values: number[]) => ({
    name: 'mine.csv',
    rows,
    columns,
    values: Float64Array.from(values),
  });
  const own = { ...defaults, logits: matrix(3, 2, [1, 2, 3, 400, 5, 6]), scale: 2 };
  const { result, shown } = await runLab(gpu, lab, own);
  expect([result.two?.rows, result.two?.columns]).toEqual([3, 2]);
  expect(result.worst).toBeLessThanOrEqual(5e-7);
  expect(shown.some((frame) => frame.methods?.rows.some(({ lost }) => lost !== 'none'))).toBe(true);
  const column = await runLab(gpu, lab, { ...defaults, logits: matrix(5, 1, [1, 2, 3, 4, 5]) });
  expect([column.result.two?.rows, column.result.two?.columns]).toEqual([1, 5]);
  const bad = runLab(gpu, lab, { ...defaults, logits: matrix(1, 2, [1, 1e39]) });
  await expect(bad).rejects.toThrow(InvalidInputError);
});

test('runs on the reference device', async () => {
  const { result } = await runLab(openReference(), lab, { ...defaults, length: 2048 });
  expect(result.worst).toBe(0);
  expect(result.lostAt).toBe(Infinity);
});
