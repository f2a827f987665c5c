import { readFileSync } from 'node:fs';
import { solveSinkhorn } from '../src/algorithms/sinkhorn';
import { sinkhornDivergence, divergenceGradient, divergenceFlow } from '../src/algorithms/sinkhorn-divergence';
import { certifyTransport } from '../src/algorithms/certificate';
import { openReferenceDevice } from '../src/device';
import { Philox } from '../src/kernels/random';
const costs: any = { sqeuclidean: 'squared-euclidean', L1: 'manhattan', euclidean: 'euclidean' };
export async function main() {
  const cpu = openReferenceDevice();
  const d = JSON.parse(readFileSync('/work/shared/golden/ot.json', 'utf8'));
  for (const p of d.problems) {
    using _s = cpu.scope();
    if (p.kind === 'balanced') {
      const w = { rowWeights: p.a, columnWeights: p.b };
      const problem = p.x && costs[p.cost.split(' ')[0]] ? { x: p.x, y: p.y, dimension: p.dim, cost: costs[p.cost.split(' ')[0]], ...w } : { matrix: p.C, rows: p.n, columns: p.m, ...w };
      const r = await solveSinkhorn(cpu, problem as any, { epsilon: p.eps, tolerance: 1e-11, maximumIterations: 30000, checkEvery: 5, acceleration: 'anderson' });
      const c = await certifyTransport(r.problem, r.potentials, r.epsilon);
      console.log(p.id, r.status, r.iterations, (r.transportCost / p.expected.transport_cost - 1).toExponential(1), (r.entropicObjective - p.expected.entropic_objective).toExponential(1), (r.productObjective - (p.expected.objective_kl_ab ?? NaN)).toExponential(1), c.lower <= p.expected.emd_cost && c.upper >= p.expected.emd_cost, JSON.stringify(r.acceleration));
    } else if (p.kind === 'sinkhorn_divergence') {
      const r = await sinkhornDivergence(cpu, { x: p.x, y: p.y, dimension: p.dim, cost: costs[p.cost.split(' ')[0]], rowWeights: p.a, columnWeights: p.b }, { epsilon: p.eps, tolerance: 1e-11, maximumIterations: 20000 });
      console.log(p.id, r.status, r.iterations, r.divergence - p.expected.divergence, r.transportDivergence - p.expected.divergence_transport_only, r.source.transportCost - p.expected.transport_aa, r.source.iterations, r.target.iterations);
    }
  }
  const random = new Philox(3);
  const x = Float64Array.from({ length: 40 }, () => random.uniform()), y = Float64Array.from({ length: 60 }, () => random.uniform());
  const problem = { x, y, dimension: 2 };
  const o = { epsilon: 0.1, tolerance: 1e-12, maximumIterations: 5000 };
  const r = await sinkhornDivergence(cpu, problem, { ...o, maps: true });
  const gr = divergenceGradient(r, problem);
  for (const at of [0, 7]) {
    const h = 1e-5; const v = async (s: number) => (await sinkhornDivergence(cpu, { ...problem, x: x.map((q, i) => (i === at ? q + s : q)) }, o)).divergence;
    console.log('grad', gr[at], ((await v(h)) - (await v(-h))) / (2 * h));
  }
  let k = 0;
  for (const isDebiased of [true, false]) {
    k = 0;
    for await (const s of divergenceFlow(cpu, problem, () => ({ epsilon: 0.02, stepSize: 0.4 }), { isDebiased, tolerance: 1e-4, scaling: 0.5 })) {
      if (k % 5 === 0) console.log(isDebiased, s.step, s.divergence, s.speed, s.status, s.iterations);
      if (++k > 20) break;
    }
  }
  return 0;
}
