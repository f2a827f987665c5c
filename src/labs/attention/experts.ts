/** Mixture of experts: who chooses, how uneven the load gets, and what padding costs against scattered products. */
import type { ExpertMode } from '../../algorithms/mixture-of-experts';
import { expertLoads, loadStatistics } from '../../algorithms/routing';
import { tableSamples } from '../../data/tables';
import { defineLab } from '../define';
import * as show from '../expert-figures';
import * as race from '../expert-race';
import { fitTable } from '../expert-table';
import { bars, heatmap, line, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';

const difficulties = [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const where = { preset: 'standard', quick: 'quick' } as const;
const more = { ...where, expected: '> 1', unit: 'times', holds: (ratio: number) => ratio > 1 } as const;
const ownHelp = 'Each row a token, columns standardised; without one, tokens are drawn around the experts’ centres.';

export default defineLab({
  id: 'experts',
  title: 'Mixture of experts',
  family: 'attention',
  summary:
    'Every token goes to a few of many experts. Some experts are more popular than others, so buffers of one size are mostly padding. Products that gather and scatter rows need none: watch rows, bytes and time.',
  papers: ['scatter-moe-2024', 'harder-tasks-2024', 'autonomous-experts-2025', 'compete-2024', 'prototypes-2021'],
  params: {
    table: data('matrix', {
      label: 'tokens from',
      help: ownHelp,
      default: null,
      samples: tableSamples('cars', 'penguins', 'movies'),
    }),
    tokens: integer({ label: 'tokens', min: 2, max: 16_384, scale: 'log', default: 1024 }),
    experts: integer({ label: 'experts', min: 1, max: 64, default: 16 }),
    k: integer({ label: 'k', help: 'experts of a token', min: 1, max: 8, default: 2 }),
    router: choice({ label: 'router', options: race.routers, default: 'topk' }),
    p: real({ label: 'p', help: 'of top-p', min: 0.05, max: 1, default: 0.4 }),
    skew: real({ label: 'skew', help: 'how unequal the centres of drawn tokens are', min: 0, max: 3, default: 1.5 }),
    difficulty: real({ label: 'difficulty', help: '0: on a centre; 1: noise', min: 0, max: 1, default: 0.3 }),
    factor: real({ label: 'capacity factor', help: 'times an even share', min: 0.5, max: 4, default: 1.25 }),
    width: integer({ label: 'width', help: 'of drawn tokens', min: 1, max: 1024, scale: 'log', default: 64 }),
    hidden: integer({ label: 'hidden', help: 'width inside an expert', min: 1, max: 4096, scale: 'log', default: 128 }),
    rank: integer({ label: 'rank', help: 'of self-selection', min: 1, max: 256, scale: 'log', default: 8 }),
    seed: seed(7),
  },
  presets: {
    quick: { label: '512 tokens', params: { tokens: 512, experts: 8, width: 32, hidden: 64, rank: 4 } },
    standard: { label: '4,096 tokens', params: { tokens: 4096 } },
    even: { label: 'Even load', params: { skew: 0, difficulty: 0.6 } },
    cars: { label: 'Cars as tokens', params: { table: 'cars', experts: 8, hidden: 64, rank: 2, difficulty: 0 } },
    large: { label: '8,192 tokens of 256', params: { tokens: 8192, experts: 32, width: 256, hidden: 512, rank: 32 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'gates' },
  figures: {
    gates: heatmap({ title: 'Who goes where', rows: 'token', columns: 'expert', value: 'gate', note: '64 tokens' }),
    load: bars({ title: 'Load', value: 'tokens', span: 'third' }),
    occupancy: bars({ title: 'Rows of tiles in use', value: '%', unit: '%', span: 'third' }),
    time: bars({ title: 'Time of the layer', value: 'ms', unit: 'ms' }),
    bytes: bars({ title: 'Bytes moved', value: 'MB', unit: 'MB', note: 'counted from the sizes' }),
    dropped: line({ title: 'Dropped tokens', x: 'capacity factor', y: 'share of pairs' }),
    each: line({ title: 'Experts per token', x: 'difficulty', y: 'mean experts', note: 'entropy in nats' }),
    winners: line({ title: 'Winners foretold', x: 'step', y: 'share of held-back tokens' }),
    regression: line({
      title: 'Linear experts on rows held back',
      x: 'round',
      y: 'error, deviations',
      note: 'tables: first column from the others',
    }),
    routers: table({ title: 'Routers', columns: show.routerColumns }),
  },
  kernels: ['groupedMatmul', 'expertTiles', 'chooseExperts', 'combineSlots', 'countingSort', 'topK', 'gatherRows'],
  memory: {
    bytes: ({ table, tokens, experts, k, router, ...sizes }) => {
      const [rows, width, hidden] = [table?.rows ?? tokens, table?.columns ?? sizes.width, sizes.hidden];
      const most = router === 'topp' || router === 'competition' ? experts : Math.min(experts, 8 * k);
      const places = Math.max(rows * most, Math.min(rows, 1024) * experts);
      return 4 * (places * (hidden + 3 * width) + 5 * experts * width * hidden + 4 * rows * (width + experts));
    },
    lower: 'tokens',
  },

  async *run({ device, params, frame }) {
    const { p, router, difficulty, factor } = params;
    const setting = race.makeSetting(device, params);
    const { tokens } = setting;
    const x = race.tokensAt(setting, difficulty);
    const routed = race.route(setting, x, router);
    const loads = await expertLoads(routed);
    yield frame({
      gates: await show.gateMap(routed),
      load: show.loadBars(loads),
      status: { state: 'running', text: `${race.routers[router]}: ${loadStatistics(loads).pairs} pairs` },
    });

    const results: race.ModeResult[] = [];
    for await (const result of race.raceModes(setting, x, routed, router, loads)) {
      results.unshift(result);
      const time = show.modeBars(results, ({ timing }) => timing.medianMs);
      const bytes = show.modeBars(results, ({ cost }) => cost.bytes / 1e6);
      const status = { state: 'running', text: `computing the layer, ${result.mode}` } as const;
      yield frame({ time, bytes, occupancy: show.occupancyBars(results, loads, tokens), status });
    }

    const compared: race.RouterResult[] = [];
    for await (const result of race.compareRouters(setting, x)) {
      compared.push(result);
      const rows = compared.map((one) => show.routerRow(one, factor));
      const status = { state: 'running', text: `router: ${race.routers[result.router]}` } as const;
      yield frame({ routers: { rows }, dropped: show.droppedLine(result), status });
    }

    const perToken: { readonly count: number; readonly entropy: number }[] = [];
    for (const x of difficulties) {
      const found = await race.expertsPerToken(setting, x);
      perToken.push(found);
      const entropy = { series: 'entropy of the router', x, y: found.entropy };
      yield frame({ each: [{ series: `top-p, p = ${p}`, x, y: found.count }, { series: 'top-2', x, y: 2 }, entropy] });
    }

    let foretold = { share: NaN, chance: NaN };
    for await (const found of race.predictWinners(setting, x, 60)) {
      foretold = found;
      const { step, share, chance } = found;
      yield frame({
        winners: [
          { series: 'linear router', x: step, y: share },
          { series: 'commonest', x: step, y: chance },
        ],
      });
    }

    for (const { round: x, single, chosen, mixed } of fitTable(params.table, params.experts, params.seed)) {
      const errors = { 'one regression': single, 'chosen expert': chosen, 'all, gated': mixed };
      yield frame({ regression: Object.entries(errors).map(([series, y]) => ({ series, x, y })) });
    }

    const of = (mode: ExpertMode) => results.find((result) => result.mode === mode);
    const pairsOf = (one: race.Router) =>
      loadStatistics(compared.find(({ router }) => router === one)?.loads ?? []).pairs;
    const [scattered, padded] = [of('scattered'), of('padded')];
    const faster = (padded?.timing.medianMs ?? NaN) / (scattered?.timing.medianMs ?? NaN);
    const difference = scattered?.difference ?? NaN;
    const text = `scattered ${faster.toPrecision(3)} times as fast as padded, ${difference.toExponential(1)} from the dense loop`;
    yield frame({ status: { state: 'done', text } });
    return {
      faster,
      difference,
      bytes: (padded?.cost.bytes ?? NaN) / (scattered?.cost.bytes ?? NaN),
      perToken: perToken.map(({ count }) => count),
      prototypes: pairsOf('prototypes') / pairsOf('topk'),
      self: race.selfSelectionShare(setting),
      foretold,
    };
  },

  claims: [
    {
      id: 'fewer-bytes',
      paper: 'scatter-moe-2024',
      says: 'No padding and fewer copies: bytes of the padded layer over those of the scattered one, load skewed.',
      ...more,
      measure: ({ bytes }) => bytes,
    },
    {
      id: 'faster',
      paper: 'scatter-moe-2024',
      says: 'Higher throughput: time of the padded layer over that of the scattered one, load skewed, nothing dropped.',
      ...more,
      measure: ({ faster }) => faster,
    },
    {
      id: 'same-result',
      paper: 'scatter-moe-2024',
      says: 'The layer is the same: largest difference from a loop over all experts, over the largest output.',
      ...where,
      expected: '<= 1e-5',
      measure: ({ difference }) => difference,
      holds: (difference) => difference <= 1e-5,
    },
    {
      id: 'harder-takes-more',
      paper: 'harder-tasks-2024',
      says: 'Harder tokens activate more experts by top-p: mean experts for noise over those on clear tokens.',
      ...more,
      measure: ({ perToken }) => (perToken.at(-1) ?? NaN) / (perToken[0] ?? NaN),
    },
    {
      id: 'fewer-than-top-two',
      paper: 'harder-tasks-2024',
      says: 'Less than 90 % of the experts that top-2 activates: the share at p = 0.4, over all difficulties tried.',
      ...where,
      expected: '< 90',
      unit: '%',
      measure: ({ perToken }) => (50 * perToken.reduce((sum, count) => sum + count, 0)) / perToken.length,
      holds: (share) => share < 90,
    },
    {
      id: 'constant-cost',
      paper: 'prototypes-2021',
      says: 'k prototypes with one expert each cost what top-k costs: pairs of the one over pairs of the other.',
      ...where,
      expected: '1',
      measure: ({ prototypes }) => prototypes,
      holds: (ratio) => ratio === 1,
    },
    {
      id: 'comparable-cost',
      paper: 'autonomous-experts-2025',
      says: 'Low rank keeps self-selection cheap: its operations, first steps of all included, over top-k’s at full rank.',
      ...where,
      expected: '<= 1.1',
      measure: ({ self }) => self,
      holds: (ratio) => ratio <= 1.1,
    },
    {
      id: 'router-foretells',
      paper: 'compete-2024',
      says: 'A simple router learns who wins the competition: its share of right winners over the commonest winner’s.',
      ...more,
      measure: ({ foretold }) => foretold.share / foretold.chance,
    },
  ],
});
