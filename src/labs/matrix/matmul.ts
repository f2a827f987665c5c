/** The matrix product: how fast each way to compute it is on this adapter, how close to the roofline, and how exact. */
import { fastestOf, raceProduct, type VariantResult } from '../../algorithms/product-race';
import { matmulVariants, type MatmulVariant } from '../../kernels/matmul';
import { measureRoofline } from '../../kernels/roofline';
import { defineLab } from '../define';
import { bars, heatmap, line, table } from '../frames';
import { choice, data, integer, seed } from '../parameters';
import * as show from '../product-figures';

const ratio = '|C − C′| / u(|A||B|)';
const size = { min: 1, max: 4096, scale: 'log' } as const;
const square = (side: number) => ({
  label: `${side.toLocaleString('en')} × ${side.toLocaleString('en')}`,
  params: { m: side, n: side, k: side },
});

export default defineLab({
  id: 'matmul',
  title: 'Matrix product',
  family: 'matrix',
  summary:
    'C = A B in five ways, from one output per invocation to a tile of C held in registers. Each is timed on this adapter, set against its measured roofline, and checked in float64.',
  papers: ['goto-2008', 'dongarra-1990', 'roofline-2009'],
  params: {
    m: integer({ label: 'rows of A, m', ...size, default: 512 }),
    n: integer({ label: 'columns of B, n', ...size, default: 512 }),
    k: integer({ label: 'terms per entry, k', ...size, default: 512 }),
    variant: choice({ label: 'variant', options: { all: 'all in turn', ...show.variantLabels }, default: 'all' }),
    a: data('matrix', { label: 'A', help: 'Random unless you bring one; sets m and k.', default: null }),
    b: data('matrix', { label: 'B', help: 'Random unless you bring one; sets n and k.', default: null }),
    samples: integer({ label: 'samples', help: 'at least 20 ms each', min: 3, max: 50, default: 7 }),
    side: integer({ label: 'checked rows, columns', help: 'in float64', min: 1, max: 128, scale: 'log', default: 32 }),
    seed: seed(7),
  },
  presets: { quick: square(256), standard: square(512), large: square(1024), huge: square(2048) },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'rates' },
  figures: {
    rates: bars({ title: 'Rate', value: 'GFLOP/s', unit: 'GFLOP/s' }),
    growth: line({ title: 'Rate against size', x: 'm', y: 'GFLOP/s', xScale: 'log', yScale: 'log', span: 'half' }),
    times: table({ title: 'Times and errors', columns: show.timeColumns }),
    phases: table({ title: 'Where the time goes', columns: show.phaseColumns, span: 'half' }),
    error: heatmap({
      title: 'Error, fastest variant',
      rows: 'row of C',
      columns: 'column of C',
      value: ratio,
      span: 'half',
    }),
  },
  kernels: ['matmul', 'transpose', 'copy', 'multiplyAddChains'],
  memory: {
    bytes: ({ m, n, k, a, b }) => {
      const [rows, terms, others] = [a?.rows ?? m, a?.columns ?? b?.rows ?? k, b?.columns ?? n];
      return 8 * (rows * terms + terms * others + rows * others) + 2 ** 27;
    },
    lower: 'm',
  },

  async *run({ device, params, frame }) {
    yield frame({ status: { state: 'running', text: 'measuring how fast this adapter copies and adds' } });
    const roofline = await measureRoofline(device);
    const isRaced = (name: MatmulVariant): boolean => params.variant === 'all' || params.variant === name;
    const variants = device.kind === 'reference' ? (['naive'] as const) : matmulVariants.filter(isRaced);
    const race = raceProduct(device, { ...params, variants });
    let results: readonly VariantResult[] = [];
    let ceiling = NaN;
    let next = await race.next();
    for (; next.done !== true; next = await race.next()) {
      const { operands, variant, result, step, steps } = next.value;
      const { m, n, k } = operands.sizes;
      const name = show.labelOf(device, variant);
      const text = `${name}: ${String(m)} × ${String(k)} × ${String(n)}`;
      yield frame({ status: { state: 'running', text, step, steps } });
      ({ results } = next.value);
      ceiling = show.ceilingOf(roofline, operands);
      if (result === undefined) continue;
      yield frame({
        rates: show.barsOf(device, results, ceiling),
        growth: { series: name, x: m, y: result.flopsPerSecond / 1e9 },
        times: show.timesOf(device, results, ceiling),
        phases: show.phasesOf(device, results, operands.uploadMs),
        error: show.errorOf(fastestOf(results) ?? result),
      });
    }
    const best = Math.max(...results.map(({ flopsPerSecond }) => flopsPerSecond));
    const text = `${(best / 1e9).toPrecision(3)} GFLOP/s, ${((100 * best) / ceiling).toFixed(0)} % of the roofline`;
    yield frame({ status: { state: 'done', text } });
    return { all: next.value, results, ceiling, best };
  },

  claims: [
    {
      id: 'accuracy',
      paper: 'dongarra-1990',
      says: 'Every variant passes the test of the Level 3 BLAS: an error below 16 u(|A||B|) in each checked entry.',
      preset: 'large',
      quick: 'quick',
      expected: '< 16',
      measure: ({ all }) => Math.max(...all.map(({ error }) => error.largest)),
      holds: (ratio) => ratio < 16,
    },
    {
      id: 'register-blocking',
      paper: 'goto-2008',
      says: 'A block of C kept in registers, fed by wide loads, beats one entry at a time at least twofold.',
      preset: 'large',
      quick: 'quick',
      expected: '>= 2',
      unit: 'times',
      measure: ({ results }) => {
        const rate = (name: string): number => results.find(({ variant }) => variant === name)?.flopsPerSecond ?? NaN;
        return rate('vec4') / rate('naive');
      },
      holds: (factor) => factor >= 2,
    },
    {
      id: 'reuse',
      paper: 'dongarra-1990',
      says: 'Work grows faster than data, so the rate grows with the size: eight times the side against one.',
      preset: 'large',
      quick: 'quick',
      expected: '> 1',
      unit: 'times',
      measure: ({ all, best }) =>
        best /
        Math.max(...all.filter(({ sizes }) => sizes.m === all[0]?.sizes.m).map(({ flopsPerSecond }) => flopsPerSecond)),
      holds: (factor) => factor > 1,
    },
    {
      id: 'roofline',
      paper: 'roofline-2009',
      says: 'No product is faster than the arithmetic alone: the share of the measured roofline.',
      preset: 'large',
      quick: 'quick',
      expected: '<= 100',
      unit: '%',
      measure: ({ best, ceiling }) => (100 * best) / ceiling,
      holds: (share) => share > 0 && share <= 100,
    },
  ],
});
