import { expect, test } from 'vitest';
import lab from '../../src/labs/attention/attention';
import { loadSample } from '../../src/data/samples';
import { openTestDevice } from '../support/device';
const gpu = await openTestDevice();
test('t', async () => {
  const only = ['allium-oreophilum'];
  for (const name of only) for (const patch of [{size:64}] as const) {
    const photograph = await loadSample(name);
    const params: any = {};
    for (const [k, d] of Object.entries(lab.params)) params[k] = (d as any).default;
    Object.assign(params, { photograph }, patch);
    const t0 = performance.now();
    const gen = lab.run({ device: gpu.session(), params, signal: new AbortController().signal, frame: (f: any) => f, nextChange: async () => false } as any);
    const log: string[] = [];
    let n = await gen.next();
    for (; !n.done; n = await gen.next()) {
      const f: any = n.value;
      const line = (performance.now() - t0).toFixed(0) + ' ' + Object.keys(f).join(',') + ' ' + (f.status?.text ?? '') + (f.quality ? JSON.stringify(f.quality) : '') + (f.numbers ? JSON.stringify(f.numbers.rows) : '');
      log.push(line);
    }
    console.log('LAB ' + name + '\n' + log.join('\n'));
    const r: any = n.value;
    for (const c of lab.claims) if (c.id !== 'memory-is-linear') console.log('CLAIM', c.id, await c.measure(r, undefined as any));
  }
  expect(1).toBe(1);
}, 300000);
