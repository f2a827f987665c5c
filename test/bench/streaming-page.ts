/** In the browser: Sinkhorn's iteration between more points than a stored cost could have, under WebGPU's default limits. */
import { placePotential, potentialGrid, readPotential } from '../../src/algorithms/sinkhorn';
import { logDomainRound } from '../../src/algorithms/sinkhorn-rounds';
import { placeProblem, type PointProblem } from '../../src/algorithms/transport-problem';
import { openWebGpuDevice } from '../../src/device';
import { Philox } from '../../src/kernels/random';
import { logSumExpOverPairs, marginalError } from '../../src/kernels/transport';

const EPSILON = 0.05;
/** Rows whose potential is computed again in float64. */
const CHECKED = 32;

/** What one run came to. */
export interface StreamingRun {
  readonly label: string;
  /** Placing the points, which passes over all pairs twice to find the largest cost. */
  readonly placeMs: number;
  /** Both half-iterations, all iterations together. */
  readonly iterateMs: number;
  /** Bytes of GPU buffers, live or kept for reuse: none is given back during the run, so this is also the most there ever were. */
  readonly peakBytes: number;
  readonly largestTensorBytes: number;
  /** L1 error of the row marginal after the last iteration; columns are right up to rounding. */
  readonly rowError: number;
  /** The largest difference of a row's potential, over epsilon, from float64 (after one iteration; else NaN). */
  readonly difference: number;
}

const streamingPage = {
  /** So many iterations between two clouds of `n` points of three coordinates in the unit cube. */
  async run(n: number, iterations: number): Promise<StreamingRun> {
    const random = new Philox(1);
    const cloud = (): Float64Array => Float64Array.from({ length: 3 * n }, () => Math.fround(random.uniform()));
    const problem: PointProblem = { x: cloud(), y: cloud(), dimension: 3 };
    const device = await openWebGpuDevice({ limits: 'default', features: 'none' });
    let start = performance.now();
    const placed = await placeProblem(device, problem);
    const placeMs = performance.now() - start;
    const { rows, columns } = placed;
    // From g = 0 of the problem as it is stated: centring moved the potentials.
    const from = columns.offsets.map((offset) => -offset);
    const potentials = { rows: device.full([n, 2], 0), columns: placePotential(placed, from) };
    const swapped = { rows: potentials.columns, columns: potentials.rows };
    const errors = device.full([iterations + 1], 0);
    const state = { problem: placed, potentials, swapped, errors, grid: potentialGrid(placed) };
    start = performance.now();
    await logDomainRound(state, new Array<number>(iterations).fill(EPSILON));
    await readPotential(potentials.columns);
    const iterateMs = performance.now() - start;
    const f = await readPotential(potentials.rows);
    {
      using _scope = device.scope();
      marginalError(logSumExpOverPairs(placed.pairs, potentials, EPSILON), rows.weightTensor, errors, iterations);
    }
    const rowError = (await errors.read())[iterations] ?? NaN;
    const { liveBytes, pooledBytes, largestTensorBytes } = device.memory();
    device.close();
    const difference =
      iterations === 1 ? largestDifference(problem, (i) => ((f[i] ?? NaN) + (rows.offsets[i] ?? NaN)) / EPSILON) : NaN;
    return {
      label: device.info.label,
      placeMs,
      iterateMs,
      peakBytes: liveBytes + pooledBytes,
      largestTensorBytes,
      rowError,
      difference,
    };
  },
};

export type StreamingPage = typeof streamingPage;
declare global {
  var streamingPage: StreamingPage;
}
globalThis.streamingPage = streamingPage;

/** Against f_i / epsilon = log a_i - log sum_j exp(-C_ij / epsilon) in float64, for some of the rows. */
function largestDifference({ x, y }: PointProblem, actual: (i: number) => number): number {
  const n = x.length / 3;
  const stride = Math.max(1, Math.floor(n / CHECKED));
  let largest = 0;
  for (let i = 0; i < n; i += stride) {
    let sum = 0;
    for (let j = 0; j < n; j++) {
      let cost = 0;
      for (let k = 0; k < 3; k++) cost += ((x[3 * i + k] ?? NaN) - (y[3 * j + k] ?? NaN)) ** 2;
      sum += Math.exp(-cost / EPSILON);
    }
    const difference = Math.abs(actual(i) + Math.log(n) + Math.log(sum));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
