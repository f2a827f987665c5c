/** The parts of the engine that need no run: frame checks, transfers, progress, sizes that fit, and the supervisor. */
import { describe, expect, it } from 'vitest';
import { DeviceLostError, DivergedError, EngineError, UnsupportedError } from '../../src/device/errors';
import { openReferenceDevice } from '../../src/device/reference-device';
import { checkFrames, transferables } from '../../src/engine/frame-check';
import { largestThatFits } from '../../src/engine/preflight';
import { ProgressMeter } from '../../src/engine/progress';
import { DeviceSupervisor, type GpuRoot } from '../../src/engine/supervisor';
import {
  bars,
  heatmap,
  image,
  interval,
  line,
  scatter,
  table,
  type FigureDeclarations,
  type Frames,
} from '../../src/labs/frames';
import { choice, integer, real, toggle } from '../../src/labs/parameters';

const figures = {
  error: line({ title: 'Error', x: 'k', y: 'e' }),
  plan: heatmap({ title: 'Plan', rows: 'i', columns: 'j', value: 'p' }),
  cloud: scatter({ title: 'Cloud', axes: ['x', 'y'] }),
  picture: image({ title: 'Picture', slots: { a: 'A' } }),
  speed: bars({ title: 'Speed', value: 'GFLOP/s' }),
  rows: table({ title: 'Rows', columns: { a: 'A' } }),
  bounds: interval({ title: 'Bounds', value: 'cost' }),
} satisfies FigureDeclarations;

describe('checkFrames', () => {
  const nan = Number.NaN;
  const wrong: readonly [keyof typeof figures, Frames<typeof figures>][] = [
    ['error', { error: { series: 'a', x: 1, y: nan } }],
    ['error', { error: [{ series: 'a', x: [1, 2], y: [1, Infinity] }] }],
    ['plan', { plan: { rows: 1, columns: 2, values: new Float32Array([0, nan]) } }],
    ['cloud', { cloud: [{ series: 'a', points: new Float32Array([1, -Infinity]) }] }],
    ['speed', { speed: { bars: [{ label: 'a', value: nan }] } }],
    ['speed', { speed: { bars: [], reference: { label: 'roof', value: nan } } }],
    ['rows', { rows: { rows: [{ a: 'text' }, { a: nan }] } }],
    ['bounds', { bounds: { lower: nan, upper: 1 } }],
    ['bounds', { bounds: { lower: 0, upper: 1, value: nan } }],
  ];
  it.each(wrong)('%s: throws DivergedError that names figure and step', (name, frames) => {
    expect(() => {
      checkFrames(figures, frames, 12);
    }).toThrow(DivergedError);
    expect(() => {
      checkFrames(figures, frames, 12);
    }).toThrow(new RegExp(`${figures[name].title} became .* at step 12`));
  });

  it('lets finite numbers pass, and an infinite one in a table', () => {
    expect(() => {
      checkFrames(
        figures,
        {
          error: { series: 'a', x: [1, 2], y: [3, 4] },
          plan: { rows: 1, columns: 1, values: new Float32Array([1e30]) },
          rows: { rows: [{ a: Infinity }] },
          bounds: { lower: 0, upper: 1 },
          status: { state: 'running', text: '' },
        },
        1,
      );
    }).not.toThrow();
  });

  it('refuses figures that were not declared', () => {
    expect(() => {
      checkFrames({}, { error: { series: 'a', x: 1, y: 1 } }, 1);
    }).toThrow(EngineError);
  });
});

describe('transferables', () => {
  it('finds each buffer once, also in lists and colours, and leaves those that are kept', () => {
    const shared = new ArrayBuffer(16);
    const input = new Uint8ClampedArray(4);
    const colors = new Uint8Array(3);
    const found = transferables(
      {
        plan: { rows: 1, columns: 2, values: new Float32Array(shared, 0, 2) },
        cloud: [{ series: 'a', points: new Float32Array(shared, 8, 2), colors }],
        picture: { slot: 'a', width: 1, height: 1, pixels: input },
      },
      new Set([input.buffer]),
    );
    expect(found).toEqual([shared, colors.buffer]);
  });
});

describe('ProgressMeter', () => {
  const status = (step: number, steps?: number) => ({
    state: 'running' as const,
    text: '',
    step,
    ...(steps === undefined ? {} : { steps }),
  });

  it('estimates what is left from recent steps', () => {
    const meter = new ProgressMeter();
    meter.update(status(0, 100), 0);
    // The first step compiles; forty later ones take 10 ms each.
    for (let step = 1; step <= 40; step++) meter.update(status(step, 100), 1000 + 10 * step);
    const last = meter.update(status(41, 100), 1410);
    expect(last?.millisecondsPerStep).toBeCloseTo(10);
    expect(last?.remainingMs).toBeCloseTo(590);
  });

  it('says nothing without steps, and no end where none is known', () => {
    const meter = new ProgressMeter();
    expect(meter.update(undefined, 0)).toBeNull();
    expect(meter.update({ state: 'running', text: '' }, 0)).toBeNull();
    meter.update(status(1), 0);
    expect(meter.update(status(2), 5)).toMatchObject({ steps: null, remainingMs: null, millisecondsPerStep: 5 });
  });
});

describe('largestThatFits', () => {
  it('finds the largest step that fits, or that none does', () => {
    const n = integer({ label: 'n', min: 10, max: 1000, step: 7, default: 10 });
    for (const limit of [10, 16, 17, 500, 998]) {
      expect(largestThatFits(n, 1000, (value) => Number(value) <= limit)).toBe(10 + 7 * Math.floor((limit - 10) / 7));
    }
    expect(largestThatFits(n, 1000, () => false)).toBeUndefined();
  });

  it('works on real numbers and choices', () => {
    const r = real({ label: 'r', min: 0, max: 10, default: 1 });
    expect(largestThatFits(r, 10, (value) => Number(value) <= 2.5)).toBeCloseTo(2.5);
    const size = choice({ label: 'size', options: { '256': '256', '512': '512', '1024': '1024' }, default: '256' });
    expect(largestThatFits(size, '1024', (value) => Number(value) <= 600)).toBe('512');
    expect(largestThatFits(toggle({ label: 't', default: true }), true, () => true)).toBeUndefined();
  });
});

/** A device that is lost on command. */
function fakeGpu(): GpuRoot {
  let lose: (error: DeviceLostError) => void = () => undefined;
  const lost = new Promise<DeviceLostError>((resolve) => {
    lose = resolve;
  });
  return Object.assign(openReferenceDevice(), {
    lost,
    destroy: () => {
      lose(new DeviceLostError('gone'));
    },
  });
}

describe('DeviceSupervisor', () => {
  it('opens one device for all who ask at once', async () => {
    let opened = 0;
    const supervisor = new DeviceSupervisor({
      openGpu: () => {
        opened += 1;
        return Promise.resolve(fakeGpu());
      },
      openReference: () => openReferenceDevice(),
    });
    const leases = await Promise.all([supervisor.acquire(), supervisor.acquire(), supervisor.acquire()]);
    expect(opened).toBe(1);
    expect(new Set(leases).size).toBe(1);
    expect(leases[0]).toMatchObject({ generation: 1, fallbackReason: null });
  });

  it('counts generations, and goes on with the reference device after a third loss', async () => {
    const supervisor = new DeviceSupervisor({
      openGpu: () => Promise.resolve(fakeGpu()),
      openReference: () => openReferenceDevice(),
    });
    const generations: number[] = [];
    for (let loss = 1; loss <= 3; loss++) {
      const lease = await supervisor.acquire();
      expect(lease.fallbackReason).toBeNull();
      generations.push(lease.generation);
      lease.destroy();
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(lease.lost.aborted).toBe(true);
      expect(lease.lost.reason).toBeInstanceOf(DeviceLostError);
    }
    expect(generations).toEqual([1, 2, 3]);
    const last = await supervisor.acquire();
    expect(last.generation).toBe(4);
    expect(last.fallbackReason).toMatch(/lost 3 times in two minutes/);
    expect(supervisor.losses).toBe(3);
    last.destroy();
    expect(await supervisor.acquire()).toBe(last);
  });

  it('asks again after a loss, because a driver needs a moment', async () => {
    let asked = 0;
    const supervisor = new DeviceSupervisor({
      openGpu: () => {
        asked += 1;
        return asked === 2 ? Promise.reject(new UnsupportedError('no adapter')) : Promise.resolve(fakeGpu());
      },
      openReference: () => openReferenceDevice(),
    });
    (await supervisor.acquire()).destroy();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(await supervisor.acquire()).toMatchObject({ generation: 2, fallbackReason: null });
    expect(asked).toBe(3);
  });

  it('uses the reference device where there is no GPU, and says why in one line', async () => {
    const supervisor = new DeviceSupervisor({
      openGpu: () => Promise.reject(new UnsupportedError('This browser has no WebGPU.')),
      openReference: () => openReferenceDevice(),
    });
    const { fallbackReason } = await supervisor.acquire();
    expect(fallbackReason).toMatch(/^This browser has no WebGPU\. .*reference/);
  });
});
