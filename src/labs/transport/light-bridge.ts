/** The light Schroedinger bridge: one mixture of Gaussians is the noisy way from one cloud of points to another. */
import { samplePlan, trainBridge } from '../../algorithms/schroedinger-bridge';
import { tableSamples } from '../../data/tables';
import { largestDimension } from '../../kernels/mixture-model';
import { bridgeBytes, cloudFrame, cloudLabels, cloudSheet, makeClouds } from '../bridge-clouds';
import { followParticles, judgeBridge, numbersOf } from '../bridge-results';
import { defineLab } from '../define';
import { line, scatter, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';

/** Two Gaussians, and all samples in every step. */
const gaussians = { target: 'ellipse', samples: 512, batch: 512, learningRate: 0.1 } as const;

const ownHelp = 'In place of the cloud chosen above. Beyond ±3 they are centred and get variance 1.';
const own = { default: null, samples: tableSamples('airports', 'capitals'), paint: cloudSheet } as const;

export default defineLab({
  id: 'light-bridge',
  title: 'Light Schrödinger bridge',
  family: 'transport',
  summary:
    'The most likely way from one cloud to another under noise of variance epsilon. Its potential is one mixture of Gaussians, so training simulates nothing and the drift is a formula.',
  papers: ['light-bridge-2024', 'cuturi-2013'],
  params: {
    source: choice({ label: 'from', options: cloudLabels, default: 'gaussian' }),
    target: choice({ label: 'to', options: cloudLabels, default: 'swiss-roll' }),
    sourcePoints: data('matrix', { label: 'from: points of your own', help: ownHelp, ...own }),
    targetPoints: data('matrix', { label: 'to: points of your own', help: ownHelp, ...own }),
    epsilon: real({ label: 'epsilon', help: 'variance of the noise', min: 1e-3, max: 10, scale: 'log', default: 0.1 }),
    components: integer({ label: 'components', min: 1, max: 512, default: 64 }),
    covariance: choice({ label: 'matrices', options: { diagonal: 'diagonal', full: 'full' }, default: 'diagonal' }),
    learningRate: real({ label: 'learning rate', min: 1e-4, max: 0.3, scale: 'log', default: 0.02, live: true }),
    steps: integer({ label: 'training steps', min: 50, max: 20_000, scale: 'linear', step: 50, default: 2000 }),
    batch: integer({ label: 'batch', min: 16, max: 4096, scale: 'log', default: 128 }),
    samples: integer({ label: 'samples', help: 'of each cloud', min: 64, max: 16_384, scale: 'log', default: 4096 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: 'quick', params: { samples: 512, components: 16, steps: 300, learningRate: 0.05 } },
    standard: { label: 'Swiss roll', params: {} },
    moons: { label: '8 Gaussians, 2 moons', params: { source: 'eight-gaussians', target: 'moons', epsilon: 0.03 } },
    airports: { label: 'airports', params: { targetPoints: 'airports', epsilon: 0.03, components: 128 } },
    paper: { label: 'paper', params: { components: 500, steps: 20_000, learningRate: 1e-3, samples: 16_384 } },
    gaussians: { label: 'closed form', params: { ...gaussians, components: 1, covariance: 'full', steps: 1000 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'clouds' },
  figures: {
    clouds: scatter({ title: 'Particles', axes: ['x', 'y'], span: 'half' }),
    paths: scatter({ title: 'Paths of 24 particles', axes: ['x', 'y'], span: 'half' }),
    loss: line({ title: 'Training', x: 'step', y: 'loss', span: 'half' }),
    speed: line({ title: 'Drift along the way', x: 'time', y: 'root mean square', span: 'half' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['mixtureForms', 'mixtureWeights', 'mixtureMoments', 'mixtureLossGradient', 'adamStep', 'mixtureGradient'],
  memory: { bytes: bridgeBytes, lower: 'samples' },

  async *run({ device, params, frame }) {
    const clouds = makeClouds(params);
    const { source, target, dimension } = clouds;
    const place = (points: Float32Array) => device.tensor(points, [points.length / dimension, dimension]);
    const [x0, x1] = [place(source), place(target)];
    yield frame({ clouds: [cloudFrame('particles', source, dimension), cloudFrame('target', target, dimension)] });

    const { steps, seed } = params;
    const covariance = dimension > largestDimension.full ? 'diagonal' : params.covariance;
    const learningRate = (step: number): number => params.learningRate * 0.02 ** (step / steps);
    const reportEvery = Math.max(10, Math.round(steps / 100));
    const startMs = performance.now();
    const training = trainBridge(x0, x1, { ...params, covariance, learningRate, reportEvery });
    let next = await training.next();
    for (let shownMs = 0; next.done !== true; next = await training.next()) {
      const { step, loss } = next.value;
      const text = `training step ${step}, loss ${loss.toPrecision(5)}`;
      yield frame({ loss: { series: 'loss', x: step, y: loss }, status: { state: 'running', text, step, steps } });
      if (performance.now() - shownMs < 400) continue;
      using _scope = device.scope();
      yield frame({ clouds: cloudFrame('particles', await samplePlan(next.value, x0, seed).read(), dimension) });
      shownMs = performance.now();
    }
    const [bridge, particles] = [next.value, place(source)];
    const seconds = (performance.now() - startMs) / 1000;

    for await (const shown of followParticles(bridge, particles, clouds, seed)) yield frame(shown);
    const judged = await judgeBridge(bridge, particles, clouds);
    const rows = [
      ...numbersOf(judged),
      { quantity: 'matrices', value: covariance },
      { quantity: 'training steps a second', value: steps / seconds },
    ];
    const text = `${steps} steps in ${seconds.toFixed(1)} s, loss ${bridge.loss.toPrecision(5)}`;
    yield frame({ numbers: { rows, source: device.info.label }, status: { state: 'done', text } });
    return { loss: bridge.loss, ...judged, seconds };
  },

  claims: [
    {
      id: 'closed-form',
      paper: 'light-bridge-2024',
      says: 'Between Gaussians one component is enough: training finds the S and r of the closed form.',
      preset: 'gaussians',
      expected: '<= 0.01',
      measure: ({ closedForm = NaN }) => closedForm,
      holds: (error) => error <= 0.01,
    },
    {
      id: 'sinkhorn',
      paper: 'light-bridge-2024',
      says: 'The plan is that of entropic transport: E[y | x] as discrete Sinkhorn has it, here at epsilon 0.5.',
      preset: 'quick',
      expected: '<= 0.1',
      measure: async (_, run) => (await run({ epsilon: 0.5 })).sinkhorn,
      holds: (difference) => difference <= 0.1,
    },
    {
      id: 'reaches-target',
      paper: 'light-bridge-2024',
      says: 'Particles that follow the drift end up spread like the target: difference of mean and covariance, relative.',
      preset: 'standard',
      quick: 'quick',
      expected: '<= 0.15',
      measure: ({ moments }) => moments,
      holds: (difference) => difference <= 0.15,
    },
    {
      id: 'real-points',
      paper: 'light-bridge-2024',
      says: 'It goes to real points as well, here airports: difference of mean and covariance, relative.',
      preset: 'airports',
      quick: 'quick',
      expected: '<= 0.15',
      measure: async (_, run) => (await run({ targetPoints: 'airports' })).moments,
      holds: (difference) => difference <= 0.15,
    },
    {
      id: 'minutes',
      paper: 'light-bridge-2024',
      says: 'Training takes minutes at most, not hours.',
      preset: 'paper',
      quick: 'quick',
      expected: '<= 300',
      unit: 's',
      measure: ({ seconds }) => seconds,
      holds: (seconds) => seconds <= 300,
    },
  ],
});
