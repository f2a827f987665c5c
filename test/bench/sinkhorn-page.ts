/** In the browser: Sinkhorn's iteration in the log domain on every library, checked against float64 and timed in turns. */
import * as jax from '@jax-js/jax';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { logDomainRound } from '../../src/algorithms/sinkhorn-rounds';
import { placePotential, potentialGrid, readPotential } from '../../src/algorithms/sinkhorn';
import { matrixOf, placeProblem, type PointProblem } from '../../src/algorithms/transport-problem';
import { openWebGpuDevice } from '../../src/device';
import { Philox } from '../../src/kernels/random';

const EPSILON = 0.05;

/** One library with a problem on its device. */
interface Runner {
  readonly name: string;
  /** So many iterations from zero potentials; resolves to the column potential over epsilon, up to a constant. */
  run(iterations: number): Promise<ArrayLike<number>>;
}

/** What one library took. */
export interface SinkhornTime {
  readonly name: string;
  /** An iteration, in each round: one round only for a library that is far behind. */
  readonly iterationMs: readonly number[];
  /** The largest difference of the potential over epsilon, after the checked iterations, from float64. */
  readonly error: number;
}

/** A library this many times as slow as the fastest in its check is not timed again. */
const FAR_BEHIND = 8;

const sinkhornPage = {
  async adapter(): Promise<{ readonly isFallback: boolean; readonly label: string } | null> {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter === null) return null;
    const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
    const label = [vendor, architecture, description].filter((part) => part !== '').join(' ');
    return { isFallback: isFallbackAdapter || architecture === 'swiftshader', label };
  },

  /** Rounds in turns of `iterations` on `n` points of three coordinates to as many, after `checked` against float64. */
  async compare(n: number, iterations: number, rounds: number, checked: number): Promise<readonly SinkhornTime[]> {
    const random = new Philox(1);
    const numbers = (): Float32Array => Float32Array.from({ length: 3 * n }, () => random.uniform());
    const problem: PointProblem = { x: numbers(), y: numbers(), dimension: 3 };
    const { matrix } = matrixOf(problem);
    const scaled = Float32Array.from(matrix, (cost) => cost / EPSILON);
    const runners = [await openTessella(problem), await openJax(n, scaled), await openTensorFlow(n, scaled)];
    const expected = inFloat64(n, scaled, checked);
    const errors: number[] = [];
    const firstMs: number[] = [];
    for (const { run, name } of runners) {
      const start = performance.now();
      const error = difference(await run(checked), expected);
      firstMs.push((performance.now() - start) / checked);
      if (!(error < 1e-3)) throw new Error(`${name} is wrong at ${String(n)} points: off by ${String(error)}.`);
      errors.push(error);
    }
    const isTimed = firstMs.map((time, at) => at === 0 || time < FAR_BEHIND * Math.min(...firstMs));
    const times = firstMs.map((time, at): number[] => (isTimed[at] === true ? [] : [time]));
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < runners.length; turn++) {
        const at = (turn + round) % runners.length;
        if (isTimed[at] !== true) continue;
        const start = performance.now();
        await runners[at]?.run(iterations);
        times[at]?.push((performance.now() - start) / iterations);
      }
    }
    return runners.map(({ name }, at) => ({ name, iterationMs: times[at] ?? [], error: errors[at] ?? NaN }));
  },
};

export type SinkhornPage = typeof sinkhornPage;
declare global {
  var sinkhornPage: SinkhornPage;
}
globalThis.sinkhornPage = sinkhornPage;

async function openTessella(problem: PointProblem): Promise<Runner> {
  const device = await openWebGpuDevice({ limits: 'adapter', features: 'adapter' });
  const placed = await placeProblem(device, problem);
  return {
    name: 'Tessella',
    async run(iterations) {
      using _scope = device.scope();
      const { rows, columns } = placed;
      // The peers start at zero without centring.
      const start = columns.offsets.map((offset) => -offset);
      const potentials = { rows: device.full([rows.count, 2], 0), columns: placePotential(placed, start) };
      const state = {
        problem: placed,
        potentials,
        swapped: { rows: potentials.columns, columns: potentials.rows },
        errors: device.full([iterations + 1], 0),
        grid: potentialGrid(placed),
      };
      await logDomainRound(state, new Array<number>(iterations).fill(EPSILON));
      const values = await readPotential(potentials.columns);
      return values.map((value, j) => (value + (columns.offsets[j] ?? 0)) / EPSILON);
    },
  };
}

async function openJax(n: number, scaled: Float32Array<ArrayBuffer>): Promise<Runner> {
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  const costs = jax.numpy.array(scaled, { shape: [n, n] });
  const logWeight = -Math.log(n);
  const rowStep = jax.jit((v, c) =>
    jax.nn
      .logsumexp(v.reshape([1, n]).sub(c), 1)
      .mul(-1)
      .add(logWeight),
  );
  const columnStep = jax.jit((u, c) =>
    jax.nn
      .logsumexp(u.reshape([n, 1]).sub(c), 0)
      .mul(-1)
      .add(logWeight),
  );
  return {
    name: 'jax-js',
    async run(iterations) {
      let v = jax.numpy.array(new Float32Array(n), { shape: [n] });
      for (let k = 0; k < iterations; k++) v = columnStep(rowStep(v, costs.ref), costs.ref);
      if (v.device !== 'webgpu') throw new Error(`jax-js computed on ${v.device}.`);
      return await v.data();
    },
  };
}

async function openTensorFlow(n: number, scaled: Float32Array<ArrayBuffer>): Promise<Runner> {
  if (!(await tf.setBackend('webgpu')) || tf.getBackend() !== 'webgpu') {
    throw new Error(`TensorFlow.js runs on ${tf.getBackend()} instead of WebGPU.`);
  }
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const costs = tf.tensor2d(scaled, [n, n]);
  const logWeight = -Math.log(n);
  return {
    name: 'TensorFlow.js',
    async run(iterations) {
      let v = tf.tensor2d(new Float32Array(n), [1, n]);
      for (let k = 0; k < iterations; k++) {
        const previous = v;
        v = tf.tidy(() => {
          const u = tf.sub(logWeight, tf.logSumExp(tf.sub(v, costs), 1, true));
          return tf.sub(logWeight, tf.logSumExp(tf.sub(u, costs), 0, true));
        });
        previous.dispose();
      }
      const values = await v.data();
      v.dispose();
      return values;
    },
  };
}

function inFloat64(n: number, scaled: Float32Array, iterations: number): Float64Array {
  const logWeight = -Math.log(n);
  let u = new Float64Array(n);
  let v = new Float64Array(n);
  const soft = (other: Float64Array, cost: (j: number) => number): number => {
    let highest = -Infinity;
    for (let j = 0; j < n; j++) highest = Math.max(highest, (other[j] ?? 0) - cost(j));
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.exp((other[j] ?? 0) - cost(j) - highest);
    return logWeight - highest - Math.log(sum);
  };
  for (let k = 0; k < iterations; k++) {
    u = u.map((_, i) => soft(v, (j) => scaled[i * n + j] ?? 0));
    v = v.map((_, j) => soft(u, (i) => scaled[i * n + j] ?? 0));
  }
  return v;
}

/** The largest difference, the constant by which potentials may differ taken off. */
function difference(actual: ArrayLike<number>, expected: Float64Array): number {
  const apart = expected.map((value, j) => (actual[j] ?? NaN) - value);
  const mean = apart.reduce((sum, value) => sum + value, 0) / apart.length;
  return apart.reduce((largest, value) => {
    const size = Math.abs(value - mean);
    return size <= largest ? largest : size;
  }, 0);
}
