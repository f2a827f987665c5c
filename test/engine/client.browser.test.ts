/** The page's side over a real worker: Comlink, typed errors, transfers, the heartbeat and a worker that is killed. */
import { afterAll, describe, expect, it } from 'vitest';
import { EngineError, InvalidInputError } from '../../src/device/errors';
import { EngineClient } from '../../src/engine/client';
import type { EngineStatus } from '../../src/engine/protocol';
import type { HeatmapFrame } from '../../src/labs/frames';
import { Recorded, until } from './support';

let workers = 0;
const createWorker = (): Worker => {
  workers += 1;
  return new Worker(new URL('./fake-worker.ts', import.meta.url), { type: 'module' });
};
const client = new EngineClient({ createWorker, heartbeatMs: 100, missedBeats: 5, missedBeatsAtStart: 200 });
const statuses: EngineStatus[] = [];
client.onStatus((status) => statuses.push(status));

afterAll(() => {
  client.close();
});

it('describes labs, and says as a typed error which exist', async () => {
  expect((await client.catalogue()).map(({ id }) => id)).toEqual(['busy', 'counter', 'failing', 'hungry', 'pictures']);
  expect((await client.describe('counter')).params.steps).toMatchObject({ kind: 'integer', default: 5 });
  const error = await client.describe('counted').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidInputError);
  expect(error).toMatchObject({ details: { field: 'lab', nearest: 'counter' } });
});

it('runs on WebGPU in the worker and hears the status', async () => {
  const seen = new Recorded();
  const outcome = await client.run({ lab: 'counter', values: { steps: 10 }, interactive: false }, seen.handlers).ended;
  expect(outcome.type).toBe('finished');
  expect(seen.values()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(client.status).toMatchObject({ device: { kind: 'webgpu' }, losses: 0, fallbackReason: null });
  expect(statuses.length).toBeGreaterThan(0);
});

it('gets buffers, not views of something else', async () => {
  const seen = new Recorded();
  await client.run({ lab: 'pictures', values: { rows: 512 }, interactive: false }, seen.handlers).ended;
  expect(seen.frames.map(({ field }) => (field as HeatmapFrame).values.byteLength)).toEqual([8192, 8192]);
});

it('gets errors with type and fields, from runs and from claims', async () => {
  const seen = new Recorded();
  await client.run({ lab: 'failing', values: {} }, seen.handlers).ended;
  expect(seen.error()).toBeInstanceOf(InvalidInputError);
  expect(seen.error().details).toEqual({ field: 'weights', sum: 1.25 });
  await expect(client.prove('counter', 'nothing', 'quick')).rejects.toBeInstanceOf(InvalidInputError);
});

it('tries a claim with progress', async () => {
  const kinds: string[] = [];
  const result = await client.prove('counter', 'sums', 'quick', { onProgress: ({ type }) => kinds.push(type) });
  expect(result).toMatchObject({ holds: true, measured: 0 });
  expect(kinds).toContain('progress');
});

it('begins again when the device is lost under the worker', async () => {
  const seen = new Recorded();
  const run = client.run({ lab: 'counter', values: { steps: 30, delayMs: 10 }, interactive: false }, seen.handlers);
  await until(() => seen.frames.length >= 3, 'it runs');
  await client.loseDevice();
  expect((await run.ended).type).toBe('finished');
  expect(seen.kinds()).toEqual(['started', 'restarting', 'started', 'finished']);
  expect(client.status?.losses).toBe(1);
});

it('cancels within 150 ms, and at once where the worker was never asked', async () => {
  const seen = new Recorded();
  const run = client.run({ lab: 'busy', values: { pieceMs: 30 } }, seen.handlers);
  await until(() => seen.frames.length > 2, 'it runs');
  const startMs = performance.now();
  run.cancel();
  expect((await run.ended).type).toBe('cancelled');
  expect(performance.now() - startMs).toBeLessThan(150);
  run.cancel();
  run.pause();
});

describe('a killed worker', () => {
  it('is replaced, and its runs begin again where the sliders are', async () => {
    const before = workers;
    const seen = new Recorded();
    const run = client.run({ lab: 'counter', values: { steps: 40, delayMs: 10 }, interactive: false }, seen.handlers);
    await until(() => seen.frames.length >= 3, 'it runs');
    run.live({ gain: 10 });
    client.killWorker();
    expect((await run.ended).type).toBe('finished');
    expect(workers).toBe(before + 1);
    expect(seen.kinds()).toEqual(['started', 'restarting', 'started', 'finished']);
    expect(seen.values().slice(-40)).toEqual(Array.from({ length: 40 }, (_, index) => 10 * (index + 1)));
  });

  it('does not lose a call that was under way', async () => {
    client.killWorker();
    expect((await client.describe('counter')).id).toBe('counter');
  });

  it('is given up after repeated deaths, in words', async () => {
    const seen = new Recorded();
    const run = client.run({ lab: 'busy', values: {} }, seen.handlers);
    await until(() => seen.frames.length > 0, 'it runs');
    client.killWorker();
    const outcome = await run.ended;
    expect(outcome).toMatchObject({ type: 'failed', error: { name: 'EngineError', details: { deaths: 3 } } });
    await expect(client.catalogue()).rejects.toBeInstanceOf(EngineError);
  });
});

describe('the real worker', () => {
  const real = new EngineClient();

  afterAll(() => {
    real.close();
  });

  it('lists the labs by family and shows their kernels', async () => {
    const catalogue = await real.catalogue();
    const ids = catalogue.map(({ id }) => id);
    // Others may come between them; the order of the families stays.
    const known = ['matmul', 'sinkhorn', 'attention'];
    expect(ids.filter((id) => known.includes(id))).toEqual(known);
    for (const id of ids) {
      const views = await real.kernels(id);
      expect(views.length, id).toBeGreaterThan(0);
      for (const { name, summary, sources } of views) {
        expect(summary, name).not.toBe('');
        expect(sources.length, name).toBeGreaterThan(0);
      }
    }
  });

  it('has a device of its own', async () => {
    expect(await real.refreshStatus()).toMatchObject({ device: { kind: 'webgpu' }, generation: 1, losses: 0 });
  });
});

it('says so where the worker cannot start', async () => {
  const broken = new EngineClient({
    createWorker: () => new Worker('data:text/javascript,throw new Error("no")', { type: 'module' }),
    heartbeatMs: 50,
  });
  const error = await broken.catalogue().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EngineError);
  broken.close();
});
