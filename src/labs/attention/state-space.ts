/** State-space kernels: HiPPO-LegS, its diagonal forms, and what the frequencies that they get wrong do to a signal. */
import { tableSamples } from '../../data/tables';
import { atLeast, atMost, near } from '../bounds';
import { atStandard, defineLab, follow } from '../define';
import { bars, heatmap, line, logarithmic, quantities, scatter } from '../frames';
import { data, integer, real, seed } from '../parameters';
import * as show from '../state-space-report';
import * as measure from '../state-space-systems';

const sizeHelp = 'Of the state: how many Legendre coefficients keep the past.';
const orderHelp = 'Which coefficient the kernels and the transfer functions read off.';
const samples = tableSamples('sp500', 'weather');
const half = { ...logarithmic, span: 'half' } as const;
const seriesHelp = 'A CSV file or .npy: a column is a series, a row a time.';

export default defineLab({
  id: 'state-space',
  title: 'State-space kernels',
  family: 'attention',
  summary:
    'A HiPPO state compresses the past into a few numbers. Diagonal forms of it are a Vandermonde product away from fast, but the usual one is badly wrong at a few frequencies. A tiny random push before diagonalising is not.',
  papers: ['diagonal-state-space-2022', 'perturb-then-diagonalize-2023'],
  params: {
    states: integer({ label: 'N', help: sizeHelp, min: 8, max: 128, scale: 'log', default: 64 }),
    step: real({ label: 'step', min: 1e-3, max: 0.25, scale: 'log', default: 1 / 16 }),
    perturbation: real({ label: 'size of the push', min: 1e-4, max: 0.4, scale: 'log', default: 0.1 }),
    order: integer({ label: 'coefficient', help: orderHelp, min: 0, max: 7, default: 0 }),
    length: integer({ label: 'longest signal', min: 1024, max: 2 ** 16, scale: 'log', default: 2 ** 14 }),
    series: data('matrix', { label: 'series', help: seriesHelp, samples, default: 'sp500' }),
    column: integer({ label: 'column', help: 'counted from 0', min: 0, max: 31, default: 0 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: 'S&P 500', params: { length: 4096 } },
    standard: { label: 'Long signals', params: { length: 2 ** 16 } },
    weather: { label: 'Weather in Seattle', params: { series: 'weather', column: 2 } },
    third: { label: 'Third coefficient', params: { order: 3, step: 1 / 64, length: 4096 } },
    large: { label: 'N = 128', params: { states: 128, length: 2 ** 16 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'transfer' },
  figures: {
    kernels: line({ title: 'Kernels', x: 'time, units', y: 'K', span: 'half', note: 'means over a step' }),
    transfer: line({ title: 'Transfer functions', x: 'frequency, radians a unit', y: '|G(iω)|', ...half }),
    series: line({ title: 'A past recalled from N numbers', x: 'row', y: 'standard deviations', span: 'half' }),
    recall: line({ title: 'Error of what is recalled', x: 'N', y: 'relative error', ...half }),
    convergence: line({ title: 'Errors as N grows', x: 'N', y: 'error', ...half }),
    delays: line({ title: 'Delays a read-out can reach', x: 'delay, units', y: 'relative residual', span: 'half' }),
    pseudospectrum: heatmap({ title: 'Pseudospectrum of HiPPO', rows: 'Im z', columns: 'Re z', value: 'log10 σ' }),
    poles: scatter({ title: 'Poles', axes: ['Re', 'Im'] }),
    noise: bars({ title: 'Output error, a wave at the worst frequency', value: 'root mean square', span: 'third' }),
    time: line({ title: 'Time', x: 'length', y: 'ms', note: 'one channel', ...half }),
    numbers: quantities({ title: 'Numbers', span: 'half' }),
  },
  kernels: ['vandermondeKernel', 'driveModes', 'readModes', 'resolventNorms', 'linearRecurrence', 'convolve'],
  memory: { bytes: ({ states, length }) => 40 * states * length + 32 * states * 4096 + 1e7, lower: 'length' },

  async *run({ device, params, frame }) {
    const { states, step, perturbation, order, seed } = params;
    const { warning, ...series } = show.seriesOf(params.series, params.column);
    const systems = await measure.makeSystems(states, perturbation, seed);
    const { diagonal, perturbed } = systems;

    const kernels = await measure.kernelsOf(device, systems, order, step, 64);
    yield frame({ kernels: kernels.lines, status: { state: 'running', text: 'transfer functions' } });
    const transfer = measure.transferErrors(systems, order);
    const noise = await measure.noiseErrors(device, systems, order, transfer.worst.diagonal.frequency);
    yield frame({ transfer: transfer.lines, noise: show.noiseBars(noise), poles: show.poleClouds(systems) });

    yield frame({ series: show.seriesLine(series.name, series.values) });
    const growth = yield* follow(show.growStates(device, params, series.values), frame);
    const { recalled } = await show.rememberSeries(device, perturbed, series.values);
    yield frame({ series: show.seriesLine(`recalled, N = ${states}`, recalled) });

    const delays = show.delayResiduals(systems, seed);
    yield frame({ delays: delays.lines, status: { state: 'running', text: 'pseudospectrum' } });
    yield frame({ pseudospectrum: await show.pseudospectrum(device, Math.min(32, states)) });
    const agreement = await measure.agreement(device, diagonal, order, step, 4096);
    for await (const time of measure.timePaths(device, diagonal, step, params.length)) {
      yield frame({ time, status: { state: 'running', text: `signals of ${time.x}` } });
    }
    const result = { diagonal, perturbed, worst: transfer.worst, growth, noise, delays, agreement };
    const text = `worst errors: ${transfer.worst.diagonal.error.toPrecision(3)} diagonal, ${transfer.worst.perturbed.error.toPrecision(3)} perturbed`;
    const numbers = { rows: show.numberRows({ ...result, kernels: kernels.errors }), source: device.info.label };
    yield frame({ numbers, status: { state: 'done', text, ...(warning !== undefined && { warning }) } });
    return result;
  },

  claims: [
    {
      id: 'two-lines',
      paper: 'diagonal-state-space-2022',
      says: 'The layer is a Vandermonde product and a convolution: relative error to its recurrence, step by step in float64.',
      ...atStandard,
      ...atMost(1e-5),
      measure: ({ agreement: { convolution, scan } }) => Math.max(convolution, scan),
    },
    {
      id: 'kernel-converges',
      paper: 'diagonal-state-space-2022',
      says: 'The diagonal kernel becomes HiPPO’s as N grows: error of its steps at N = 16 over that at N = 64.',
      ...atStandard,
      ...atLeast(3, 'times'),
      measure: ({ growth }) => (show.at(growth, 16)?.kernel ?? NaN) / (show.at(growth, 64)?.kernel ?? NaN),
    },
    {
      id: 'initialization-matters',
      paper: 'diagonal-state-space-2022',
      says: 'Poles matter: what the best read-out misses of delayed inputs with random poles, over S4D-LegS’s, on average.',
      ...atStandard,
      ...atLeast(3, 'times'),
      measure: ({ delays }) => delays.ratio,
    },
    {
      id: 'diagonal-does-not-converge',
      paper: 'perturb-then-diagonalize-2023',
      says: 'Its transfer function does not converge at all frequencies: worst error at N = 64 over that at N = 16.',
      ...atStandard,
      ...near(1, 0.05),
      measure: ({ growth }) => (show.at(growth, 64)?.diagonal ?? NaN) / (show.at(growth, 16)?.diagonal ?? NaN),
    },
    {
      id: 'perturbed-converges',
      paper: 'perturb-then-diagonalize-2023',
      says: 'Perturbed by 0.1 before diagonalising, it is close at every frequency: how many times smaller the worst error is.',
      ...atStandard,
      ...atLeast(20, 'times'),
      measure: ({ worst }) => worst.diagonal.error / worst.perturbed.error,
    },
    {
      id: 'error-follows-push',
      paper: 'perturb-then-diagonalize-2023',
      says: 'The error goes to zero with the perturbation: worst error at 0.1 over that at 0.01.',
      ...atStandard,
      ...near(10, 1, 'times'),
      measure: async ({ worst }, run) =>
        worst.perturbed.error / (await run({ perturbation: 0.01 })).worst.perturbed.error,
    },
    {
      id: 'resists-noise',
      paper: 'perturb-then-diagonalize-2023',
      says: 'A wave at the worst frequency on the input disturbs the perturbed system less: ratio of the output errors.',
      ...atStandard,
      ...atLeast(10, 'times'),
      measure: ({ noise }) => noise.diagonal / noise.perturbed,
    },
  ],
});
