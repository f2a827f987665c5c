/** The engine on WebGPU: the device lost in mid-run, twice, and once too often; cancelling; a thousand runs. */
import { expect, it } from 'vitest';
import { defineKernel, openWebGpuDevice, u32, type Tensor, type WebGpuDevice } from '../../src/device';
import { overrideShaderSources } from '../../src/device/shaders';
import { Engine } from '../../src/engine/engine';
import { transpose } from '../../src/kernels/transpose';
import { defineLab } from '../../src/labs/define';
import { line } from '../../src/labs/frames';
import { integer } from '../../src/labs/parameters';
import { labSource } from '../../src/labs/registry';
import { counter, failing } from './fake-labs';
import { Recorded, sleep, startRun, until } from './support';

overrideShaderSources({
  'test/spin.wgsl': `
struct Params { origin: vec3u, rounds: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  var sum = f32(lane);
  for (var round = 0u; round < params.rounds; round += 1u) { sum = sum * 0.999 + 1.0; }
  if (workgroup.x == 0u) { result[lane] = sum; }
}`,
});

/** Keeps the GPU busy for a while and leaves 64 numbers. */
const spin = defineKernel({
  name: 'spin',
  summary: 'Keeps the GPU busy.',
  shaders: ['test/spin'],
  cost: (_result: Tensor, rounds: number, workgroups: number) => ({ flops: 128 * rounds * workgroups, bytes: 256 }),
  webgpu(gpu, result, rounds, workgroups) {
    gpu.dispatch({
      shader: 'test/spin',
      uniforms: { rounds: u32(rounds) },
      reads: [],
      writes: [result],
      workgroups: [workgroups],
    });
  },
  reference() {
    return undefined;
  },
});

/** One step takes the software adapter seconds. */
const heavy = defineLab({
  id: 'heavy',
  title: 'Heavy',
  family: 'matrix',
  summary: 'Keeps the GPU busy.',
  papers: ['goto-2008'],
  params: { workgroups: integer({ label: 'workgroups', min: 1, max: 60_000, default: 60_000 }) },
  presets: { only: { label: 'only', params: {} } },
  quick: 'only',
  thumbnail: { preset: 'only', figure: 'value' },
  figures: { value: line({ title: 'Value', x: 'step', y: 'value' }) },
  kernels: [],
  memory: { bytes: () => 256, lower: 'workgroups' },
  async *run({ device, params, frame }) {
    for (let step = 1; ; step++) {
      yield frame({ value: { series: 'a', x: step, y: step } });
      using _scope = device.scope();
      const result = device.empty([64]);
      spin(result, 2000, params.workgroups);
      await result.read();
    }
  },
  claims: [],
});

/** Uses a real kernel, so that there is something to show. */
const flips = defineLab({
  id: 'flips',
  title: 'Flips',
  family: 'matrix',
  summary: 'Transposes.',
  papers: ['goto-2008'],
  params: { size: integer({ label: 'size', min: 1, max: 1024, default: 300 }) },
  presets: { only: { label: 'only', params: {} } },
  quick: 'only',
  thumbnail: { preset: 'only', figure: 'value' },
  figures: { value: line({ title: 'Value', x: 'step', y: 'value' }) },
  kernels: ['transpose'],
  memory: { bytes: ({ size }) => 8 * size * size, lower: 'size' },
  async *run({ device, params, frame }) {
    const { size } = params;
    for (let step = 1; step <= 3; step++) {
      using _scope = device.scope();
      const [value = 0] = await transpose(device.full([size, size], step)).read();
      yield frame({ value: { series: 'a', x: step, y: value } });
    }
  },
  claims: [],
});

const fakeLabs = labSource({
  './matrix/flips.ts': () => Promise.resolve({ default: flips }),
  './matrix/counter.ts': () => Promise.resolve({ default: counter }),
  './matrix/failing.ts': () => Promise.resolve({ default: failing }),
  './matrix/heavy.ts': () => Promise.resolve({ default: heavy }),
});

const opened: WebGpuDevice[] = [];
const engine = new Engine({
  labs: fakeLabs,
  openGpu: async () => {
    const device = await openWebGpuDevice({ limits: 'default' });
    opened.push(device);
    return device;
  },
});

it('leaves no live buffer after a thousand runs', async () => {
  const outcomes: string[] = [];
  for (let batch = 0; batch < 50; batch++) {
    const runs = Array.from({ length: 20 }, (_, index) => {
      const run = startRun(engine, { lab: index % 5 === 4 ? 'failing' : 'counter', values: { steps: 1 } }, {});
      if (index % 7 === 3) run.cancel();
      return run.ended;
    });
    for (const outcome of await Promise.all(runs)) outcomes.push(outcome.type);
  }
  expect(outcomes).toHaveLength(1000);
  expect(new Set(outcomes)).toEqual(new Set(['finished', 'failed', 'cancelled']));
  await sleep(100);
  const status = await engine.status();
  expect(status.device.kind).toBe('webgpu');
  expect(status.memory).toMatchObject({ liveBuffers: 0, liveBytes: 0 });
});

it('cancels within 150 ms while the GPU works, and the next run draws within 150 ms', async () => {
  const seen = new Recorded();
  const run = startRun(engine, { lab: 'heavy', values: {} }, seen.handlers);
  await until(() => seen.frames.length > 0, 'it runs');
  await sleep(400);
  // One step takes seconds: it is cut short, not waited for.
  expect(seen.frames).toHaveLength(1);
  const next = new Recorded();
  const startMs = performance.now();
  const replacement = startRun(engine, { lab: 'heavy', values: { workgroups: 50_000 }, replaces: run }, next.handlers);
  expect((await run.ended).type).toBe('cancelled');
  const cancelMs = performance.now() - startMs;
  await until(() => next.frames.length > 0, 'the next run draws');
  const drawMs = performance.now() - startMs;
  replacement.cancel();
  await replacement.ended;
  expect(cancelMs).toBeLessThan(150);
  expect(drawMs).toBeLessThan(150);
  await until(() => opened[0]?.memory().liveBuffers === 0, 'all buffers are back', 500);
});

it('shows what was compiled and measured of a kernel', async () => {
  const seen = new Recorded();
  const run = startRun(engine, { lab: 'flips', values: {} }, seen.handlers);
  expect((await run.ended).type).toBe('finished');
  const [view] = await engine.kernels('flips');
  expect(view?.sources.map(({ file }) => file)).toContain('matrix/transpose.wgsl');
  expect(view?.linked[0]?.wgsl).toContain('@compute');
  expect(view?.timing).toMatchObject({ flops: 0 });
  expect(view?.timing?.milliseconds).toBeGreaterThan(0);
});

it('begins again by itself when the device is lost, twice, and then goes on with the reference device', async () => {
  const seen = new Recorded();
  // What arrived since the last `started`: every attempt begins at step 1 and nothing stale comes after it.
  const attempts: number[][] = [];
  const run = startRun(
    engine,
    { lab: 'counter', values: { steps: 60, delayMs: 10 } },
    {
      onFrames: (frames) => {
        const before = seen.values().length;
        void seen.handlers.onFrames?.(frames);
        attempts.at(-1)?.push(...seen.values().slice(before));
      },
      onNotice: (notice) => {
        seen.handlers.onNotice?.(notice);
        if (notice.type === 'started') attempts.push([]);
      },
    },
  );
  for (const loss of [1, 2, 3]) {
    await until(
      () => (attempts.at(-1)?.length ?? 0) >= 3 && attempts.length === loss,
      `attempt ${String(loss)} runs`,
      10_000,
    );
    opened.at(-1)?.destroy();
    await until(() => attempts.length === loss + 1, `attempt ${String(loss + 1)} began`, 10_000);
  }
  const outcome = await run.ended;
  expect(outcome).toMatchObject({ type: 'finished', status: { state: 'done' } });
  expect(seen.kinds()).toEqual([
    'started',
    'restarting',
    'started',
    'restarting',
    'started',
    'restarting',
    'started',
    'finished',
  ]);
  for (const values of attempts) expect(values).toEqual(values.map((_, index) => index + 1));
  expect(attempts.at(-1)).toHaveLength(60);
  const started = seen.notices.filter((notice) => notice.type === 'started');
  expect(started.map(({ device }) => device.kind)).toEqual(['webgpu', 'webgpu', 'webgpu', 'reference']);
  expect(new Set(started.map(({ generation }) => generation)).size).toBe(4);
  expect(started.at(-1)?.notes[0]).toMatch(/lost 3 times/);
  expect(await engine.status()).toMatchObject({ losses: 3, device: { kind: 'reference' } });
});
