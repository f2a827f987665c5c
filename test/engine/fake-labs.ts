/** Labs that do little, each to try one side of the engine. Injected in place of the registry. */
import { InvalidInputError } from '../../src/device/errors';
import { defineLab, type AnyLab } from '../../src/labs/define';
import { heatmap, line } from '../../src/labs/frames';
import { choice, integer, real, seed } from '../../src/labs/parameters';
import { labSource, type LabSource } from '../../src/labs/registry';

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const common = { family: 'matrix', papers: ['goto-2008'], kernels: [], claims: [] } as const;

/** Counts, one frame a step; every frame goes through a tensor on the device. */
export const counter = defineLab({
  ...common,
  id: 'counter',
  title: 'Counter',
  summary: 'Counts.',
  params: {
    steps: integer({ label: 'steps', min: 1, max: 1_000_000, default: 5 }),
    delayMs: integer({ label: 'delay', min: 0, max: 1000, default: 0 }),
    gain: real({ label: 'gain', min: 0, max: 100, default: 1, live: true }),
    seed: seed(7),
  },
  presets: {
    short: { label: 'short', params: { steps: 3 } },
    long: { label: 'long', params: { steps: 20, delayMs: 5 } },
  },
  quick: 'short',
  thumbnail: { preset: 'short', figure: 'count' },
  figures: { count: line({ title: 'Count', x: 'step', y: 'count' }) },
  memory: { bytes: () => 64, lower: 'steps' },
  async *run({ device, params, frame, nextChange }) {
    let sum = 0;
    for (let step = 1; step <= params.steps; step++) {
      using _scope = device.scope();
      const [value = 0] = await device.tensor([step * params.gain], [1]).read();
      if (params.delayMs > 0) await sleep(params.delayMs);
      sum += value;
      yield frame({
        count: { series: 'count', x: step, y: value },
        status: {
          state: step === params.steps ? 'done' : 'running',
          text: `step ${String(step)}`,
          step,
          steps: params.steps,
        },
      });
    }
    while (await nextChange()) yield frame({ count: { series: 'changed', x: params.steps, y: params.gain } });
    return { sum };
  },
  claims: [
    {
      id: 'sums',
      paper: 'goto-2008',
      says: 'The sum of 1 to n is n (n + 1) / 2.',
      preset: 'long',
      quick: 'short',
      expected: '0',
      unit: 'difference',
      measure: async ({ sum }, run) => {
        const four = await run({ steps: 4 });
        return sum - 6 + (four.sum - 10);
      },
      holds: (measured) => measured === 0,
    },
    {
      id: 'wrong',
      paper: 'goto-2008',
      says: 'The sum is not a number.',
      preset: 'short',
      expected: 'a number',
      measure: () => Number.NaN,
      holds: () => true,
    },
  ],
});

/** What `pictures` sent last: empty arrays where the buffers were moved. */
export const sentPictures: Float32Array[] = [];

/** Sends two heatmaps. */
const pictures = defineLab({
  ...common,
  id: 'pictures',
  title: 'Pictures',
  summary: 'Sends buffers.',
  params: { rows: integer({ label: 'rows', min: 1, max: 512, default: 256 }) },
  presets: { only: { label: 'only', params: {} } },
  quick: 'only',
  thumbnail: { preset: 'only', figure: 'field' },
  figures: { field: heatmap({ title: 'Field', rows: 'i', columns: 'j', value: 'v' }) },
  memory: { bytes: () => 64, lower: 'rows' },
  async *run({ params, frame }) {
    sentPictures.length = 0;
    for (let index = 0; index < 2; index++) {
      const values = new Float32Array(params.rows * 4).fill(index);
      sentPictures.push(values);
      yield frame({ field: { rows: params.rows, columns: 4, values } });
      await sleep(0);
    }
  },
  claims: [],
});

/** Fails in the way it is told to. */
export const failing = defineLab({
  ...common,
  id: 'failing',
  title: 'Failing',
  summary: 'Fails.',
  params: {
    how: choice({
      label: 'how',
      options: {
        input: 'InvalidInputError',
        unforeseen: 'TypeError',
        nan: 'NaN in a figure',
        early: 'before the first frame',
      },
      default: 'input',
    }),
  },
  presets: { only: { label: 'only', params: {} } },
  quick: 'only',
  thumbnail: { preset: 'only', figure: 'value' },
  figures: { value: line({ title: 'Value', x: 'step', y: 'value' }) },
  memory: { bytes: () => 64, lower: 'how' },
  async *run({ device, params, frame }) {
    device.empty([1000]);
    if (params.how === 'early') throw new InvalidInputError('It went wrong at once.', { field: 'how' });
    yield frame({ value: { series: 'a', x: 1, y: 1 } });
    await sleep(1);
    if (params.how === 'nan') {
      yield frame({
        value: { series: 'a', x: 2, y: Number.NaN },
        status: { state: 'running', text: 'step 17', step: 17 },
      });
    }
    if (params.how === 'unforeseen') throw new TypeError('x is not a function');
    throw new InvalidInputError('The weights do not sum to one.', { field: 'weights', sum: 1.25 });
  },
  claims: [
    {
      id: 'fails',
      paper: 'goto-2008',
      says: 'It works.',
      preset: 'only',
      expected: '1',
      measure: () => 1,
      holds: () => true,
    },
  ],
});

/** Wants memory. */
const hungry = defineLab({
  ...common,
  id: 'hungry',
  title: 'Hungry',
  summary: 'Wants memory.',
  params: { n: integer({ label: 'size', min: 64, max: 1 << 20, step: 64, default: 64 }) },
  presets: { only: { label: 'only', params: {} } },
  quick: 'only',
  thumbnail: { preset: 'only', figure: 'value' },
  figures: { value: line({ title: 'Value', x: 'step', y: 'value' }) },
  memory: { bytes: ({ n }) => 4 * n * n, lower: 'n' },
  async *run({ frame }) {
    yield frame({ value: { series: 'a', x: 1, y: 1 } });
    await sleep(0);
  },
  claims: [],
});

/** Never looks at its signal and never waits: only `giveWay` lets messages in. */
const busy = defineLab({
  ...common,
  id: 'busy',
  title: 'Busy',
  summary: 'Keeps the thread.',
  params: { pieceMs: integer({ label: 'piece', min: 1, max: 100, default: 5 }) },
  presets: { only: { label: 'only', params: {} } },
  quick: 'only',
  thumbnail: { preset: 'only', figure: 'value' },
  figures: { value: line({ title: 'Value', x: 'step', y: 'value' }) },
  memory: { bytes: () => 64, lower: 'pieceMs' },
  async *run({ params, frame }) {
    for (let step = 1; ; step++) {
      const end = performance.now() + params.pieceMs;
      while (performance.now() < end);
      yield frame({ status: { state: 'running', text: `step ${String(step)}`, step } });
      await Promise.resolve();
    }
  },
  claims: [],
});

const labs: Readonly<Record<string, unknown>> = { counter, pictures, failing, hungry, busy };

/** The labs above, found as real ones are. */
export const fakeLabs: LabSource = labSource(
  Object.fromEntries(
    Object.entries(labs).map(([id, lab]) => [`./matrix/${id}.ts`, () => Promise.resolve({ default: lab as AnyLab })]),
  ),
);
