/** The stages of the mixture-of-experts lab, each showing what it finds as it goes. */
import { loadStatistics, type Routing } from '../algorithms/routing';
import type { Tensor } from '../device/device';
import * as show from './expert-figures';
import * as race from './expert-race';
import { routers, type ExpertSetting, type Router } from './expert-setting';
import { fitTable } from './expert-table';
import type { LineFrame, StatusFrame } from './frames';
import type { NumericMatrix } from './parameters';

const difficulties = [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const running = (text: string): StatusFrame => ({ state: 'running', text });

/** What a routing does to the layer in every mode; what comes of it compares padding with scattering. */
export async function* compareModes(
  setting: ExpertSetting,
  x: Tensor,
  routed: Routing,
  router: Router,
  loads: Uint32Array,
) {
  const results: race.ModeResult[] = [];
  for await (const result of race.raceModes(setting, x, routed, router, loads)) {
    results.unshift(result);
    yield {
      time: show.modeBars(results, ({ timing }) => timing.medianMs),
      bytes: show.modeBars(results, ({ cost }) => cost.bytes / 1e6),
      occupancy: show.occupancyBars(results, loads, setting.tokens),
      status: running(`computing the layer, ${result.mode}`),
    };
  }
  const [scattered, padded] = [
    results.find(({ mode }) => mode === 'scattered'),
    results.find(({ mode }) => mode === 'padded'),
  ];
  return {
    faster: (padded?.timing.medianMs ?? NaN) / (scattered?.timing.medianMs ?? NaN),
    bytes: (padded?.cost.bytes ?? NaN) / (scattered?.cost.bytes ?? NaN),
    difference: scattered?.difference ?? NaN,
  };
}

/** Every router's loads and time; what comes of it is pairs of the prototypes over those of top-k. */
export async function* compareRouters(setting: ExpertSetting, x: Tensor, factor: number) {
  const compared: race.RouterResult[] = [];
  for await (const result of race.compareRouters(setting, x)) {
    compared.push(result);
    const rows = compared.map((one) => show.routerRow(one, factor));
    const status = running(`router: ${routers[result.router]}`);
    yield { routers: { rows }, dropped: show.droppedLine(result), status };
  }
  const pairsOf = (wanted: Router) =>
    loadStatistics(compared.find(({ router }) => router === wanted)?.loads ?? []).pairs;
  return pairsOf('prototypes') / pairsOf('topk');
}

/** Experts that top-p takes for harder and harder tokens; what comes of it is their mean number at each difficulty. */
export async function* hardenTokens(setting: ExpertSetting) {
  const counts: number[] = [];
  for (const x of difficulties) {
    const { count, entropy } = await race.expertsPerToken(setting, x);
    counts.push(count);
    const lines = { [`top-p, p = ${setting.parameters.p}`]: count, 'top-2': 2, 'entropy of the router': entropy };
    yield { each: pointsAt(x, lines), status: running(`tokens of difficulty ${x}`) };
  }
  return counts;
}

/** A linear router learns who wins the competition; what comes of it is its share of right winners over the commonest's. */
export async function* foretellWinners(setting: ExpertSetting, x: Tensor) {
  const steps = 60;
  let lift = NaN;
  for await (const { step, share, chance } of race.predictWinners(setting, x, steps)) {
    lift = share / chance;
    const status = { ...running('learning who wins the competition'), step, steps };
    yield { winners: pointsAt(step, { 'linear router': share, commonest: chance }), status };
  }
  return lift;
}

/** Linear experts fitted to a table, if there is one to fit. */
export async function* fitRows(table: NumericMatrix | undefined, experts: number, seed: number) {
  for (const { round, single, chosen, mixed } of fitTable(table, experts, seed)) {
    const errors = { 'one regression': single, 'chosen expert': chosen, 'all, gated': mixed };
    yield await Promise.resolve({ regression: pointsAt(round, errors) });
  }
}

const pointsAt = (x: number, lines: Readonly<Record<string, number>>): LineFrame[] =>
  Object.entries(lines).map(([series, y]) => ({ series, x, y }));
