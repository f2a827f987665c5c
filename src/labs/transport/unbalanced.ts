/** Unbalanced transport: what is moved, what is given up and what is made, as the price of mass changes. */
import type { UnbalancedOptions } from '../../algorithms/unbalanced';
import { sampleLabels } from '../../data/samples';
import { tableSamples } from '../../data/tables';
import { defineLab } from '../define';
import { heatmap, image, line, table } from '../frames';
import { massPicture, massSheet } from '../mass-pictures';
import { kinds, massDifference, massesOf, penalties, references, solveMasses } from '../mass-transport';
import { choice, data, integer, real, toggle } from '../parameters';

const priceHelp = 'of mass not moved; 1 is what moving it across the whole width costs';

const ownPoints = { samples: tableSamples('capitals', 'airports'), paint: massSheet } as const;

export default defineLab({
  id: 'unbalanced',
  title: 'Unbalanced transport',
  family: 'transport',
  summary:
    'Mass may be destroyed and created instead of moved, at a price rho. Drag rho: what is orange is not transported, what is blue is made.',
  papers: ['chizat-2018'],
  params: {
    rho: real({ label: 'rho', help: priceHelp, min: 1e-3, max: 1e3, scale: 'log', default: 0.1, live: true }),
    penalty: choice({ label: 'penalty', options: penalties, default: 'kullback-leibler' }),
    kind: choice({ label: 'masses', options: kinds, default: 'gaussians' }),
    source: data('image', { label: 'source photograph', default: 'allium-oreophilum', samples: sampleLabels }),
    target: data('image', { label: 'target photograph', default: 'airplane-from-above', samples: sampleLabels }),
    sourcePoints: data('matrix', { label: 'source points', default: 'capitals', ...ownPoints }),
    targetPoints: data('matrix', { label: 'target points', default: 'airports', ...ownPoints }),
    size: integer({ label: 'places', help: 'on a line, or on a side', min: 8, max: 256, scale: 'log', default: 128 }),
    ratio: real({ label: 'target mass', help: 'of the source', min: 0.1, max: 10, scale: 'log', default: 1.5 }),
    epsilon: real({ label: 'epsilon', min: 1e-4, max: 1, scale: 'log', default: 0.002 }),
    reference: choice({ label: 'entropy relative to', options: references, default: 'product' }),
    check: toggle({ label: 'float64 too', default: false }),
  },
  presets: {
    line: { label: 'two Gaussians on 128 places', params: {} },
    shapes: { label: 'shapes of 16 × 16', params: { kind: 'shapes', size: 16, epsilon: 0.005 } },
    map: { label: 'capitals to airports', params: { kind: 'points', size: 48, rho: 0.01, ratio: 1 } },
    photographs: { label: 'photographs of 64 pixels', params: { kind: 'photographs', size: 64 } },
  },
  quick: 'line',
  thumbnail: { preset: 'line', figure: 'masses' },
  figures: {
    masses: image({
      title: 'Masses',
      slots: { source: 'source', target: 'target' },
      note: 'orange: not transported; blue: made',
    }),
    sweep: line({ title: 'Transported mass', x: 'rho', y: 'mass', xScale: 'log', span: 'half' }),
    plan: heatmap({ title: 'Plan', rows: 'source', columns: 'target', value: 'mass', span: 'half' }),
    numbers: table({ title: 'Numbers', columns: { quantity: 'quantity', value: 'value' } }),
  },
  kernels: ['unbalancedStep', 'logSumExpOverPairs', 'planCosts', 'reduceAll'],
  memory: { bytes: ({ kind, size }) => 2048 * (kind === 'gaussians' ? size : size ** 2) + 2 ** 20, lower: 'size' },

  async *run({ device, params, frame, nextChange }) {
    const { kind, size, ratio, epsilon, reference, penalty } = params;
    const points = [params.sourcePoints, params.targetPoints] as const;
    const grids = massesOf(kind, size, ratio, [params.source, params.target], points);
    yield frame({ masses: [massPicture('source', grids[0]), massPicture('target', grids[1])] });

    const fixed = { epsilon, reference, penalty, tolerance: 1e-5 };
    const options = (rho: number): UnbalancedOptions & { rho: number } => ({ ...fixed, rho });
    const { result, stationarity, frames } = await solveMasses(device, grids, options(params.rho));
    yield frame({ ...frames, status: { state: 'running', text: frames.status.text, step: 1, steps: 6 } });
    const series = `${penalties[penalty]}, ${references[reference]}`;
    for (const [index, rho] of [1e-3, 1e-2, 0.1, 1, 10].entries()) {
      const { mass } = (await solveMasses(device, grids, options(rho))).result;
      const status = { state: 'running', text: `rho ${String(rho)}`, step: index + 2, steps: 6 } as const;
      yield frame({ sweep: { series, x: rho, y: mass }, status });
    }
    const difference = params.check ? await massDifference(device, grids, options(params.rho), result.mass) : NaN;
    yield frame({ status: frames.status });
    while (await nextChange()) yield frame((await solveMasses(device, grids, options(params.rho))).frames);
    return { ...result, stationarity, difference };
  },

  claims: [
    {
      id: 'real-points',
      paper: 'chizat-2018',
      says: 'The cheaper mass is to give up, the less is moved, on real maps too: capitals to airports, rho 0.001 over 1.',
      preset: 'map',
      expected: '< 1',
      measure: async (_, run) => (await run({ rho: 0.001 })).mass / (await run({ rho: 1 })).mass,
      holds: (ratio) => ratio < 1,
    },
    {
      id: 'fixed-point',
      paper: 'chizat-2018',
      says: 'The iteration ends where the plan’s marginal is a exp(-f / rho): what is left of that, in L1.',
      preset: 'photographs',
      quick: 'line',
      expected: '<= 1e-4',
      measure: ({ stationarity }) => stationarity,
      holds: (error) => error <= 1e-4,
    },
    {
      id: 'balanced-limit',
      paper: 'chizat-2018',
      says: 'As rho grows, transport becomes balanced: mass that is missing at rho = 1,000, where both sides have 1.',
      preset: 'photographs',
      quick: 'line',
      expected: '<= 1e-3',
      measure: async (_, run) => Math.abs((await run({ rho: 1000, ratio: 1 })).mass - 1),
      holds: (missing) => missing <= 1e-3,
    },
    {
      id: 'partial-transport',
      paper: 'chizat-2018',
      says: 'With total variation, mass stays where moving it costs more than 2 rho: mean cost of what moves, over 2 rho.',
      preset: 'photographs',
      quick: 'line',
      expected: '<= 1',
      measure: async (_, run) => {
        const { transportCost, mass } = await run({ rho: 0.05, penalty: 'total-variation' });
        return transportCost / mass / 0.1;
      },
      holds: (ratio) => ratio > 0 && ratio <= 1,
    },
    {
      id: 'float64',
      paper: 'chizat-2018',
      says: 'In the log domain float32 is enough: relative difference of the transported mass to float64.',
      preset: 'line',
      expected: '<= 1e-5',
      measure: async (_, run) => (await run({ check: true })).difference,
      holds: (difference) => difference <= 1e-5,
    },
  ],
});
