import { it } from 'vitest';
import { loadSample } from '../../src/data/samples';
import lab from '../../src/labs/transport/sinkhorn';
import { openTestDevice } from '../support/device';
const gpu = await openTestDevice();
it('claims', async () => {
  const source = await loadSample('dust-bowl-home');
  const target = await loadSample('black-canyon');
  const run = async (patch: object) => {
    const device = gpu.session();
    const params = { epsilon: 0.01, samples: 512, space: 'oklab' as const, tolerance: 1e-6, maximumIterations: 1000, check: false, seed: 7, source, target, ...patch };
    const it = lab.run({ device, params, signal: new AbortController().signal, frame: (f) => f as never, nextChange: async () => false });
    let next = await it.next();
    while (!next.done) next = await it.next();
    device.close();
    return next.value;
  };
  for (const claim of lab.claims) {
    const t = performance.now();
    const m = await claim.measure(await run({}) as never, run as never);
    console.log(claim.id, m, claim.holds(m), Math.round(performance.now() - t));
  }
  for (const epsilon of [0.02, 0.005, 0.002, 0.001, 1e-7]) { const t = performance.now(); const r = await run({ epsilon }); console.log(epsilon, r.status, r.iterations, r.marginalError, r.transportCost, r.lower, r.upper, r.smallestEpsilon && r.smallestEpsilon / r.largestCost, Math.round(performance.now() - t)); }
});
