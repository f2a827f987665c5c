/** The device on real WebGPU: recording, cutting, scopes, pooling, errors, cancelling, loss and timing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CancelledError,
  DeviceLostError,
  InvalidInputError,
  OutOfMemoryError,
  ShaderError,
  defineKernel,
  measure,
  openWebGpuDevice,
  u32,
  type Tensor,
  type WebGpuDevice,
} from '../../src/device';
import { overrideShaderSources } from '../../src/device/shaders';

/** Adds the workgroup's index to what is there: a piece that runs twice, or not at all, shows. */
const countWgsl = `
struct Params { origin: vec3u, width: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let workgroup = group + params.origin;
  let index = workgroup.y * params.width + workgroup.x;
  counts[index] += index + 1u;
}`;

/** Keeps one workgroup busy for a while. */
const slowWgsl = `
struct Params { origin: vec3u, rounds: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let workgroup = group + params.origin;
  var state = workgroup.x;
  for (var round = 0u; round < params.rounds; round++) { state = state * 1664525u + 1013904223u; }
  sums[workgroup.x] = state;
}`;

const brokenWgsl = `import package::test::helper::triple;
struct Params { origin: vec3u }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  result[group.x + params.origin.x] = triple(1.0);
}`;

const helperWgsl = `
fn triple(x: f32) -> f32 {
  return x * 3u;
}`;

const count = defineKernel({
  name: 'count',
  summary: 'Adds to every element its index plus one.',
  shaders: ['test/count'],
  cost: (counts: Tensor) => ({ flops: counts.size, bytes: 8 * counts.size }),
  webgpu(gpu, counts) {
    const [height = 1, width = 1] = counts.shape;
    gpu.dispatch({
      shader: 'test/count',
      uniforms: { width: u32(width) },
      reads: [],
      writes: [counts],
      workgroups: [width, height],
    });
  },
  reference(_cpu, counts) {
    counts.data.forEach((value, index) => (counts.data[index] = value + index + 1));
  },
});

const slow = defineKernel({
  name: 'slow',
  summary: 'Runs a linear congruential generator for many rounds.',
  shaders: ['test/slow'],
  cost: (sums: Tensor, rounds: number) => ({ flops: 2 * rounds * sums.size, bytes: 4 * sums.size }),
  webgpu(gpu, sums, rounds) {
    gpu.dispatch({
      shader: 'test/slow',
      uniforms: { rounds: u32(rounds) },
      reads: [],
      writes: [sums],
      workgroups: [sums.size],
    });
  },
  reference() {
    throw new Error('not used');
  },
});

let root: WebGpuDevice;

beforeAll(async () => {
  overrideShaderSources({
    'test/count.wgsl': countWgsl,
    'test/slow.wgsl': slowWgsl,
    'test/broken.wgsl': brokenWgsl,
    'test/helper.wgsl': helperWgsl,
  });
  root = await openWebGpuDevice({ limits: 'default', features: 'adapter' });
});

afterAll(() => {
  root.destroy();
});

describe('WebGpuDevice', () => {
  it('keeps to the default limits when asked to', () => {
    expect(root.info.limits.maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
    expect(root.info.limits.maxComputeInvocationsPerWorkgroup).toBe(256);
    expect(root.info.label.length).toBeGreaterThan(3);
  });

  it('gives back what was uploaded, for every element type', async () => {
    const device = root.session();
    const floats = device.tensor([1.5, -2, 0], [3]);
    const unsigned = device.tensor([1, 4_000_000_000], [2], 'u32');
    const signed = device.tensor([-7, 7], [1, 2], 'i32');
    expect(await floats.read()).toEqual(new Float32Array([1.5, -2, 0]));
    expect(await unsigned.read()).toEqual(new Uint32Array([1, 4_000_000_000]));
    expect(await signed.read()).toEqual(new Int32Array([-7, 7]));
    device.close();
  });

  it('runs every workgroup of a dispatch past 65,535 exactly once, in one axis and in two', async () => {
    const device = root.session();
    for (const shape of [
      [1, 70_001],
      [70_001, 1],
      [301, 257],
    ]) {
      const counts = device.full(shape, 0, 'u32');
      count(counts);
      count(counts);
      const values = await counts.read();
      expect(values.every((value, index) => value === 2 * (index + 1))).toBe(true);
    }
    device.close();
  });

  it('reads what was recorded before, in order, across uploads into reused buffers', async () => {
    const device = root.session();
    const results: Promise<ArrayLike<number>>[] = [];
    for (let round = 0; round < 20; round++) {
      using _scope = device.scope();
      const counts = device.tensor(new Float64Array(64).fill(round), [1, 64], 'u32');
      count(counts);
      results.push(counts.read());
    }
    (await Promise.all(results)).forEach((values, round) => {
      expect(Array.from(values)).toEqual(Array.from({ length: 64 }, (_, index) => round + index + 1));
    });
    device.close();
  });

  it('frees what a scope owns, keeps what it was told to keep, and refuses later use', async () => {
    const device = root.session();
    const before = device.memory().liveBuffers;
    let kept: Tensor;
    let lost: Tensor;
    {
      using scope = device.scope();
      kept = scope.keep(device.full([4], 2));
      lost = device.full([4], 3);
      await device.flush();
    }
    await device.flush();
    expect(device.memory().liveBuffers).toBe(before + 1);
    expect(await kept.read()).toEqual(new Float32Array([2, 2, 2, 2]));
    await expect(device.read(lost)).rejects.toThrow(InvalidInputError);
    device.close();
    await root.finish();
    expect(root.memory().liveBuffers).toBe(before);
  });

  it('leaves no live buffer after 1,000 short sessions and does not grow the pool', async () => {
    const before = root.memory();
    for (let run = 0; run < 1000; run++) {
      const device = root.session();
      const counts = device.full([1, 100 + (run % 7)], 0, 'u32');
      count(counts);
      if (run % 100 === 0) await counts.read();
      else await device.flush();
      device.close();
    }
    await root.finish();
    const after = root.memory();
    expect(after.liveBuffers).toBe(before.liveBuffers);
    expect(after.pooledBytes).toBeLessThan(before.pooledBytes + 1e6);
  });

  it('refuses a shape with a zero, data of the wrong length, and memory past the limits', () => {
    const device = root.session();
    expect(() => device.empty([3, 0])).toThrow(InvalidInputError);
    expect(() => device.tensor([1, 2], [3])).toThrow(/holds 3 numbers, but 2 were given/);
    expect(() => device.empty([200, 2 ** 20])).toThrow(OutOfMemoryError);
    expect(() => {
      device.require(2 ** 40, 'The plan');
    }).toThrow(/The plan needs .* MiB/);
    device.close();
  });

  it('names file and line of a shader that does not compile, even in an imported file', async () => {
    const device = root.session();
    const out = device.empty([1]);
    device.dispatch({ shader: 'test/broken', reads: [], writes: [out], workgroups: [1] });
    const error: unknown = await device.flush().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ShaderError);
    expect((error as ShaderError).details).toMatchObject({ file: 'test/helper.wgsl', line: 3 });
    expect((error as ShaderError).message).toMatch(/test\/helper\.wgsl:3:\d+ does not compile/);
    device.close();
  });

  it('names a shader that does not exist', async () => {
    const device = root.session();
    device.dispatch({ shader: 'test/missing', reads: [], writes: [device.empty([1])], workgroups: [1] });
    await expect(device.flush()).rejects.toThrow(/no shader test\/missing\.wgsl/);
    device.close();
  });

  it('cuts long work into submits and stops within 150 ms of a cancel', async () => {
    const controller = new AbortController();
    const device = root.session(controller.signal);
    const sums = device.full([4000], 0, 'u32');
    slow(sums, 300_000);
    const finished = device.finish();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const cancelled = performance.now();
    controller.abort();
    await expect(finished).rejects.toThrow(CancelledError);
    await root.finish();
    expect(performance.now() - cancelled).toBeLessThan(150);
    device.close();
  });

  it('measures with repeats that fill the minimum and says where the time comes from', async () => {
    const device = root.session();
    const counts = device.full([64, 64], 0, 'u32');
    const result = await measure(
      device,
      () => {
        count(counts);
      },
      { minimumMs: 5, samples: 5 },
    );
    expect(['timestamp', 'wall']).toContain(result.source);
    expect(result.medianMs).toBeGreaterThan(0);
    expect(result.medianMs * result.repeats).toBeGreaterThan(1);
    expect(result.samples.length + result.dropped).toBe(5);
    device.close();
  });

  it('rejects everything under way with DeviceLostError when the device goes, and everything after', async () => {
    const doomed = await openWebGpuDevice({ limits: 'default' });
    const device = doomed.session();
    const sums = device.full([4000], 0, 'u32');
    slow(sums, 100_000);
    const reading = sums.read();
    setTimeout(() => {
      doomed.destroy();
    }, 100);
    await expect(reading).rejects.toThrow(DeviceLostError);
    expect(() => device.empty([1])).toThrow(DeviceLostError);
    await expect(device.flush()).rejects.toThrow(DeviceLostError);
    expect((await doomed.lost).details.reason).toBe('destroyed');
    device.close();
  });
});
