/** Mixture of experts: who chooses, how uneven the load gets, and what padding costs against scattered products. */
import { expertLoads } from '../../algorithms/routing';
import { tableSamples } from '../../data/tables';
import { above, atMost, below, near } from '../bounds';
import { atStandard, defineLab, follow } from '../define';
import * as show from '../expert-figures';
import { selfSelectionShare } from '../expert-race';
import * as report from '../expert-report';
import { makeSetting, route, routers, settingBytes, tokensAt } from '../expert-setting';
import { bars, heatmap, line, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';

const more = { ...atStandard, ...above(1, 'times') };
const samples = tableSamples('cars', 'penguins', 'movies');
const fitError = 'error on rows held back, deviations';
const otherwise = 'for tables: choose one for the tokens, or bring a CSV';
const ownHelp = 'Each row a token, columns standardised; without one, tokens are drawn around the experts’ centres.';

export default defineLab({
  id: 'experts',
  title: 'Mixture of experts',
  family: 'attention',
  summary:
    'Every token goes to a few of many experts. Some experts are more popular than others, so buffers of one size are mostly padding. Products that gather and scatter rows need none: watch rows, bytes and time.',
  papers: ['scatter-moe-2024', 'harder-tasks-2024', 'autonomous-experts-2025', 'compete-2024', 'prototypes-2021'],
  params: {
    table: data('matrix', { label: 'tokens from', help: ownHelp, default: null, samples }),
    tokens: integer({ label: 'tokens', min: 2, max: 16_384, scale: 'log', default: 1024 }),
    experts: integer({ label: 'experts', min: 1, max: 64, default: 16 }),
    k: integer({ label: 'k', help: 'experts of a token', min: 1, max: 8, default: 2 }),
    router: choice({ label: 'router', options: routers, default: 'topk' }),
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
    dropped: line({ title: 'Dropped tokens', x: 'capacity factor', y: 'share of pairs', span: 'half' }),
    each: line({ title: 'Experts per token', x: 'difficulty', y: 'mean; entropy in nats', span: 'half' }),
    winners: line({ title: 'Winners foretold', x: 'step', y: 'share of held-back tokens', span: 'half' }),
    regression: line({ title: 'First column from the others', x: 'round', y: fitError, span: 'half', otherwise }),
    routers: table({ title: 'Routers', columns: show.routerColumns }),
  },
  kernels: ['groupedMatmul', 'expertTiles', 'chooseExperts', 'combineSlots', 'countingSort', 'topK', 'gatherRows'],
  memory: {
    bytes: settingBytes,
    lower: 'tokens',
  },

  async *run({ device, params, frame }) {
    const { router, difficulty, factor, table, experts, seed } = params;
    const setting = makeSetting(device, params);
    const x = tokensAt(setting, difficulty);
    const routed = route(setting, x, router);
    const loads = await expertLoads(routed);
    const [gates, load] = [await show.gateMap(routed), show.loadBars(loads)];
    yield frame({ gates, load, status: { state: 'running', text: routers[router] } });
    const modes = yield* follow(report.compareModes(setting, x, routed, router, loads), frame);
    const prototypes = yield* follow(report.compareRouters(setting, x, factor), frame);
    const perToken = yield* follow(report.hardenTokens(setting), frame);
    const lift = yield* follow(report.foretellWinners(setting, x), frame);
    yield* follow(report.fitRows(table, experts, seed), frame);
    const text = `scattered ${modes.faster.toPrecision(3)} times as fast as padded, ${show.apart(modes.difference)} the dense loop`;
    yield frame({ status: { state: 'done', text } });
    return { ...modes, prototypes, perToken, lift, self: selfSelectionShare(setting) };
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
      ...atStandard,
      ...atMost(1e-5),
      measure: ({ difference }) => difference,
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
      ...atStandard,
      ...below(90, '%'),
      measure: ({ perToken }) => (50 * perToken.reduce((sum, count) => sum + count, 0)) / perToken.length,
    },
    {
      id: 'constant-cost',
      paper: 'prototypes-2021',
      says: 'k prototypes with one expert each cost what top-k costs: pairs of the one over pairs of the other.',
      ...atStandard,
      ...near(1),
      measure: ({ prototypes }) => prototypes,
    },
    {
      id: 'comparable-cost',
      paper: 'autonomous-experts-2025',
      says: 'Low rank keeps self-selection cheap: its operations, first steps of all included, over top-k’s at full rank.',
      ...atStandard,
      ...atMost(1.1),
      measure: ({ self }) => self,
    },
    {
      id: 'router-foretells',
      paper: 'compete-2024',
      says: 'A simple router learns who wins the competition: its share of right winners over the commonest winner’s.',
      ...more,
      measure: ({ lift }) => lift,
    },
  ],
});
