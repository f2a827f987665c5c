import { expect, test } from 'vitest';
import { attention } from '../../src/kernels/attention';
import { openTestDevice } from '../support/device';
const gpu = await openTestDevice();
test('t', async () => {
  for (const n of [1024, 4096]) {
    const d = 64;
    const mk = () => gpu.tensor(Float32Array.from({ length: n * d }, () => Math.random() * 2 - 1), [n, d]);
    const q = mk(), k = mk(), v = mk();
    for (const variant of ['flash', 'naive'] as const) {
      const ts: number[] = [];
      for (let i = 0; i < 4; i++) { using scope = gpu.scope(); const t = performance.now(); await gpu.read(attention(q, k, v, { variant })); ts.push(performance.now() - t); }
      console.log('TIMING', n, variant, ts.map((x) => x.toFixed(0)).join(' '));
    }
  }
  expect(1).toBe(1);
}, 200000);
