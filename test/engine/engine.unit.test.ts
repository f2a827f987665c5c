/** The engine on the reference device: runs, claims, errors and memory, through real message ports. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  UnsupportedError,
  DivergedError,
  EngineError,
  InvalidInputError,
  OutOfMemoryError,
} from '../../src/device/errors';
import { openReferenceDevice } from '../../src/device/reference-device';
import { Engine } from '../../src/engine/engine';
import type { HeatmapFrame } from '../../src/labs/frames';
import { fakeLabs, sentPictures } from './fake-labs';
import { Recorded, sleep, startRun, until } from './support';

const engine = new Engine({
  labs: fakeLabs,
  openGpu: () => Promise.reject(new UnsupportedError('There is no GPU here.')),
  openReference: () => openReferenceDevice({ budgetBytes: 1e6 }),
});

afterEach(async () => {
  // A cancelled run is over for the page at once; its lab unwinds a moment later.
  await sleep(50);
  expect((await engine.status()).memory.liveBuffers, 'buffers left behind').toBe(0);
});

describe('a run', () => {
  it('sends every frame in order, its progress, and its end', async () => {
    const seen = new Recorded();
    const outcome = await startRun(engine, { lab: 'counter', values: { steps: 5 } }, seen.handlers).ended;
    expect(seen.values()).toEqual([1, 2, 3, 4, 5]);
    expect(seen.kinds()).toEqual(['started', 'finished']);
    expect(outcome).toMatchObject({ type: 'finished', status: { state: 'done', step: 5 } });
    const progress = seen.notices.filter((notice) => notice.type === 'progress');
    expect(progress.map(({ step, steps }) => [step, steps])).toEqual([1, 2, 3, 4, 5].map((step) => [step, 5]));
    expect(progress.at(-1)?.remainingMs).toBe(0);
  });

  it('says in one line why it uses the reference device', async () => {
    const seen = new Recorded();
    await startRun(engine, { lab: 'counter', values: {} }, seen.handlers).ended;
    expect(seen.notices[0]).toMatchObject({ type: 'started', device: { kind: 'reference' } });
    const status = await engine.status();
    expect(status.fallbackReason).toContain('There is no GPU here.');
    expect(status.fallbackReason).not.toContain('\n');
  });

  it('is pulled only while fewer than four frames are undrawn', async () => {
    let release: () => void = () => undefined;
    const drawn = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen = new Recorded();
    const run = startRun(
      engine,
      { lab: 'counter', values: { steps: 50 } },
      {
        onFrames: async (frames) => {
          void seen.handlers.onFrames?.(frames);
          await drawn;
        },
      },
    );
    await until(() => seen.frames.length >= 3, 'three frames arrived');
    await sleep(50);
    expect(seen.frames).toHaveLength(3);
    release();
    await run.ended;
    expect(seen.frames).toHaveLength(50);
  });

  it('goes on although a figure cannot draw', async () => {
    let frames = 0;
    const reported: unknown[] = [];
    const original = globalThis.reportError;
    globalThis.reportError = (error: unknown) => reported.push(error);
    try {
      const outcome = await startRun(
        engine,
        { lab: 'counter', values: { steps: 9 } },
        {
          onFrames: () => {
            frames += 1;
            throw new Error('cannot draw');
          },
        },
      ).ended;
      expect(outcome.type).toBe('finished');
    } finally {
      globalThis.reportError = original;
    }
    expect(frames).toBe(9);
    expect(reported).toHaveLength(9);
  });

  it('moves buffers instead of copying them', async () => {
    const seen = new Recorded();
    await startRun(engine, { lab: 'pictures', values: { rows: 100 } }, seen.handlers).ended;
    expect(seen.frames.map(({ field }) => (field as HeatmapFrame).values.length)).toEqual([400, 400]);
    expect(sentPictures.map(({ byteLength }) => byteLength)).toEqual([0, 0]);
  });

  it('takes what is out of range as the nearest that is in range, and says so', async () => {
    const seen = new Recorded();
    const run = startRun(engine, { lab: 'counter', values: { steps: 0, stepz: 3 } }, seen.handlers);
    await run.ended;
    expect(seen.values()).toEqual([1]);
    const started = seen.notices[0];
    expect(started?.type === 'started' ? started.notes.join(' ') : '').toMatch(
      /steps: 0 is below the range.*did you mean "steps"/s,
    );
  });

  it('runs beside another one', async () => {
    const one = new Recorded();
    const two = new Recorded();
    const long = startRun(engine, { lab: 'busy', values: {} }, one.handlers);
    await until(() => one.frames.length > 0, 'the first run runs');
    const outcome = await startRun(engine, { lab: 'counter', values: { steps: 20 } }, two.handlers).ended;
    expect(outcome.type).toBe('finished');
    const before = one.frames.length;
    await until(() => one.frames.length > before, 'the first run still runs');
    long.cancel();
    await long.ended;
  });
});

describe('steering', () => {
  it('pauses, steps and resumes', async () => {
    const seen = new Recorded();
    const run = startRun(engine, { lab: 'counter', values: { steps: 1000, delayMs: 2 } }, seen.handlers);
    await until(() => seen.frames.length >= 2, 'two frames arrived');
    run.pause();
    await until(() => seen.kinds().includes('paused'), 'it paused');
    await sleep(30);
    const paused = seen.frames.length;
    await sleep(60);
    expect(seen.frames).toHaveLength(paused);
    run.step();
    await until(() => seen.frames.length === paused + 1, 'one step was made');
    await sleep(60);
    expect(seen.frames).toHaveLength(paused + 1);
    run.resume();
    await until(() => seen.frames.length > paused + 3, 'it goes on');
    expect(seen.kinds()).toEqual(['started', 'paused', 'resumed']);
    run.cancel();
    await run.ended;
  });

  it('cancels within 150 ms, and draws nothing after that', async () => {
    for (const input of [
      { lab: 'counter', values: { steps: 1_000_000 } },
      { lab: 'counter', values: { steps: 1_000_000, delayMs: 1000 } },
      { lab: 'busy', values: {} },
    ]) {
      const seen = new Recorded();
      const run = startRun(engine, input, seen.handlers);
      await until(() => seen.kinds().includes('started'), 'it started');
      await sleep(30);
      const startMs = performance.now();
      run.cancel();
      const { length } = seen.frames;
      expect((await run.ended).type).toBe('cancelled');
      expect(performance.now() - startMs).toBeLessThan(150);
      await sleep(60);
      expect(seen.frames).toHaveLength(length);
    }
  });

  it('takes live changes while it runs, and after its result', async () => {
    const seen = new Recorded();
    const run = startRun(
      engine,
      { lab: 'counter', values: { steps: 200, delayMs: 1 }, interactive: true },
      seen.handlers,
    );
    await until(() => seen.frames.length >= 2, 'two frames arrived');
    run.live({ gain: 10 });
    await until(
      () => seen.values().some((value) => value >= 10 && value % 10 === 0 && value > seen.frames.length),
      'the gain rose',
    );
    run.live({ gain: 1000, steps: 1 });
    await until(() => seen.kinds().includes('listening'), 'it listens', 10_000);
    // Clamped to 100; `steps` is not live and was ignored.
    expect(
      seen
        .values()
        .slice(-2)
        .every((value) => value % 100 === 0),
    ).toBe(true);
    const { length } = seen.frames;
    expect(length).toBeGreaterThanOrEqual(200);
    run.live({ gain: 42 });
    await until(() => seen.values().at(-1) === 42, 'the change was drawn');
    run.cancel();
    expect((await run.ended).type).toBe('cancelled');
  });

  it('lets the latest of several replacements win', async () => {
    const first = new Recorded();
    const slow = { steps: 1_000_000, delayMs: 20 };
    let run = startRun(engine, { lab: 'counter', values: slow }, first.handlers);
    await until(() => first.frames.length > 0, 'the first run runs');
    const later = [2, 3, 4, 5, 6].map((gain) => {
      const seen = new Recorded();
      run = startRun(engine, { lab: 'counter', values: { steps: 2, gain }, replaces: run }, seen.handlers);
      return { seen, run };
    });
    const outcomes = await Promise.all(later.map((one) => one.run.ended));
    expect(outcomes.map(({ type }) => type)).toEqual(['cancelled', 'cancelled', 'cancelled', 'cancelled', 'finished']);
    expect(later.map(({ seen }) => seen.values())).toEqual([[], [], [], [], [6, 12]]);
  });
});

describe('errors', () => {
  it('keep their type and fields', async () => {
    const seen = new Recorded();
    const outcome = await startRun(engine, { lab: 'failing', values: {} }, seen.handlers).ended;
    expect(outcome.type).toBe('failed');
    expect(seen.error()).toBeInstanceOf(InvalidInputError);
    expect(seen.error()).toMatchObject({
      message: 'The weights do not sum to one.',
      details: { field: 'weights', sum: 1.25 },
    });
  });

  it('are typed also where nobody foresaw them', async () => {
    const seen = new Recorded();
    await startRun(engine, { lab: 'failing', values: { how: 'unforeseen' } }, seen.handlers).ended;
    expect(seen.error()).toBeInstanceOf(EngineError);
    expect(seen.error().message).toContain('x is not a function');
  });

  it('keep NaN from the figures, naming figure and step', async () => {
    const seen = new Recorded();
    await startRun(engine, { lab: 'failing', values: { how: 'nan' } }, seen.handlers).ended;
    expect(seen.frames).toHaveLength(1);
    expect(seen.error()).toBeInstanceOf(DivergedError);
    expect(seen.error().details).toMatchObject({ figure: 'value', iteration: 17 });
  });

  it('name the labs that exist where one does not', async () => {
    const seen = new Recorded();
    await startRun(engine, { lab: 'countre', values: {} }, seen.handlers).ended;
    expect(seen.error()).toBeInstanceOf(InvalidInputError);
    expect(seen.error().message).toMatch(/Did you mean "counter"\? There are: busy, counter/);
    await expect(engine.describe('nothing')).rejects.toThrow(InvalidInputError);
  });

  it('refuse what does not fit, with the largest size that does', async () => {
    const seen = new Recorded();
    await startRun(engine, { lab: 'hungry', values: { n: 1 << 20 } }, seen.handlers).ended;
    const error = seen.error();
    expect(error).toBeInstanceOf(OutOfMemoryError);
    // The reference device holds float64: 8 n^2 bytes must fit into 1e6, in steps of 64.
    expect(error.details).toMatchObject({ parameter: 'n', largest: 320, availableBytes: 1e6 });
    expect(error.message).toContain('lower “size” to 320');
    const fits = new Recorded();
    expect((await startRun(engine, { lab: 'hungry', values: { n: 320 } }, fits.handlers).ended).type).toBe('finished');
  });
});

describe('claims', () => {
  it('are tried at the quick preset or the full one, with further runs', async () => {
    const result = await engine.prove('counter', 'sums', 'quick');
    expect(result).toMatchObject({
      lab: 'counter',
      id: 'sums',
      preset: 'short',
      measured: 0,
      holds: true,
      error: null,
      catalog: null,
    });
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.adapter).toContain('reference');
    expect(await engine.prove('counter', 'sums', 'full')).toMatchObject({
      preset: 'long',
      measured: 204,
      holds: false,
      error: null,
    });
  });

  it('do not hold where the run fails or the number is none', async () => {
    const failed = await engine.prove('failing', 'fails', 'quick');
    expect(failed).toMatchObject({
      holds: false,
      measured: null,
      error: { name: 'InvalidInputError', details: { sum: 1.25 } },
    });
    const none = await engine.prove('counter', 'wrong', 'quick');
    expect(none).toMatchObject({ holds: false, measured: null, error: { name: 'DivergedError' } });
  });

  it('are refused where the lab does not make them', async () => {
    await expect(engine.prove('counter', 'sum', 'quick')).rejects.toThrow(/Did you mean "sums"/);
  });

  it('can be cancelled', async () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ type: 'cancel' });
    const result = await engine.prove('counter', 'sums', 'full', port2);
    port1.close();
    expect(result).toMatchObject({ holds: false, measured: null, error: { name: 'CancelledError' } });
  });
});

it('describes labs as plain data', async () => {
  const catalogue = await engine.catalogue();
  expect(catalogue.map(({ id }) => id)).toContain('counter');
  const described = await engine.describe('counter');
  expect(structuredClone(described)).toEqual(described);
  expect(described.claims[0]).toMatchObject({ id: 'sums', preset: 'long', quick: 'short', unit: 'difference' });
  expect(described.presets.short?.params).toEqual({ steps: 3 });
});

it('leaves no live buffer after a thousand runs', async () => {
  const outcomes: string[] = [];
  for (let batch = 0; batch < 50; batch++) {
    const runs = Array.from({ length: 20 }, (_, index) => {
      const run = startRun(engine, { lab: index % 5 === 4 ? 'failing' : 'counter', values: { steps: 2 } }, {});
      if (index % 7 === 3) run.cancel();
      return run.ended;
    });
    for (const outcome of await Promise.all(runs)) outcomes.push(outcome.type);
  }
  expect(outcomes).toHaveLength(1000);
  expect(new Set(outcomes)).toEqual(new Set(['finished', 'failed', 'cancelled']));
  await sleep(50);
  expect((await engine.status()).memory).toMatchObject({ liveBuffers: 0, liveBytes: 0 });
});
