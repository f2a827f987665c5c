/** The exponential and the logarithm that all log-domain kernels share, against float64. */
import { expect, it } from 'vitest';
import { overrideShaderSources } from '../../src/device/shaders';
import { Philox } from '../../src/kernels/random';
import { openTestDevice } from '../support/device';

const gpu = await openTestDevice();

overrideShaderSources({
  'probe/functions.wgsl': `
    import package::common::exp::{exponential, exponential4};
    import package::common::log::logarithm;
    import package::common::log_sum::{LogSum, LOWEST, log_of, merge};
    struct Params { origin: vec3u }
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage, read> x: array<f32>;
    @group(0) @binding(2) var<storage, read_write> result: array<vec4f>;
    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
      let i = (group.x + params.origin.x) * 64u + local.x;
      if (i >= arrayLength(&x)) { return; }
      let empty = LogSum(LOWEST, 0f);
      let joined = merge(merge(empty, LogSum(x[i], 2f)), LogSum(x[i] - 1f, 1f));
      result[i] = vec4f(exponential(x[i]), exponential4(vec4f(x[i])).z, logarithm(abs(x[i])), log_of(joined));
    }`,
});

async function evaluate(values: readonly number[]): Promise<number[][]> {
  const x = Float32Array.from({ length: Math.ceil(values.length / 64) * 64 }, (_, i) => values[i] ?? 1);
  using _scope = gpu.scope();
  const result = gpu.empty([x.length, 4]);
  gpu.dispatch({
    shader: 'probe/functions',
    reads: [gpu.tensor(x, [x.length])],
    writes: [result],
    workgroups: [x.length / 64],
  });
  const read = await result.read();
  return values.map((_, i) => Array.from(read.subarray(4 * i, 4 * i + 4)));
}

const random = new Philox(4);
const within = (low: number, high: number): number[] =>
  Array.from({ length: 4000 }, () => Math.fround(low + (high - low) * random.uniform()));

it.each([
  [-1, 1],
  [-20, 20],
  [-87, 88],
])('gives exp(x) to 2.4e-7 for x from %f to %f', async (low, high) => {
  const values = within(low, high);
  const results = await evaluate(values);
  const worst = values.map((value, i) => {
    const [one = NaN, four = NaN] = results[i] ?? [];
    expect(four).toBe(one);
    return Math.abs(one / Math.exp(value) - 1);
  });
  expect(Math.max(...worst)).toBeLessThanOrEqual(2.4e-7);
});

it('gives exactly 1 at 0, exactly 0 far below, and stays finite far above', async () => {
  const [zero, below, lowest, above] = await evaluate([0, -87.5, -3e38, 1e4]);
  expect(zero?.[0]).toBe(1);
  expect([below?.[0], lowest?.[0]]).toEqual([0, 0]);
  expect(above?.[0]).toBeGreaterThan(1e38);
  expect(Number.isFinite(above?.[0])).toBe(true);
});

it('gives log(x) to 2 ULP, and to 2e-7 around 1', async () => {
  const near = within(0.5, 2);
  const far = within(-80, 80).map((value) => Math.fround(Math.exp(value)));
  for (const values of [near, far]) {
    const results = await evaluate(values);
    const worst = values.map(
      (value, i) => Math.abs((results[i]?.[2] ?? NaN) - Math.log(value)) / Math.max(0.7, Math.abs(Math.log(value))),
    );
    expect(Math.max(...worst)).toBeLessThanOrEqual(2 * 2 ** -23);
  }
});

it('joins sums in the log domain, an empty one included', async () => {
  const values = [...within(-1, 1), -1e6, 1e6, 0];
  const results = await evaluate(values);
  values.forEach((value, i) => {
    const expected = value + Math.log(2 + Math.exp(-1));
    expect(Math.abs((results[i]?.[3] ?? NaN) - expected)).toBeLessThanOrEqual(2 ** -23 * (4 + 2 * Math.abs(expected)));
  });
});
