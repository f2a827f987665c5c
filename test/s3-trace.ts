import { sinkhorn } from '../src/algorithms/sinkhorn';
import { openReferenceDevice } from '../src/device';
import { Philox } from '../src/kernels/random';
export async function main() {
const cpu = openReferenceDevice();
for (const [size, epsilon] of [[40, 0.01],[40,0.03],[30,0.02],[60,0.005]] as const) {
  const random = new Philox(3);
  const problem = { matrix: Float32Array.from({ length: size * size }, () => random.uniform()), rows: size, columns: size };
  for (const o of [{}, { acceleration: 'over-relaxation' }, {acceleration:'over-relaxation', relaxation:1.5},{acceleration:'over-relaxation', relaxation:1.8},{ acceleration: 'anderson' }, {acceleration:'anderson', checkEvery:5}] as const) {
    using _s = cpu.scope();
    const it = sinkhorn(cpu, problem, { epsilon, tolerance: 1e-6, maximumIterations: 6000, ...o });
    let n = await it.next(); const errs: string[] = [];
    while (!n.done) { errs.push(n.value.marginalError.toExponential(1)); n = await it.next(); }
    console.log(size, epsilon, JSON.stringify(o), n.value.status, n.value.iterations, JSON.stringify(n.value.acceleration), process.env.V ? errs.slice(0,60).join(' ') : '');
  }
}
return 0;
}
