/** The Wasserstein dictionary against plain factorizations of the same histograms: one objective, one start, one score. */
import { gridDivergences, matchTargets, placeHistograms } from '../algorithms/grid-transport';
import {
  atomsOf,
  mixturesOf,
  productFactorization,
  type FactorizationLoss,
  type ProductDictionary,
} from '../algorithms/product-dictionary';
import type { DictionarySweep } from '../algorithms/wasserstein-dictionary';
import type { Device } from '../device/device';
import type { HeatmapFrame, ImageFrame, LineFrame, StatusFrame, TableFrame } from './frames';
import { sheet, some, type JointData } from './joint-histograms';

/** The rivals: what they make small, and what they are called. */
export const rivals: readonly (readonly [FactorizationLoss, string])[] = [
  ['kullback-leibler', 'Kullback-Leibler'],
  ['frobenius', 'Frobenius'],
];

/** Where pictures of atoms go. */
export const atomSlots = {
  wasserstein: 'Wasserstein',
  'kullback-leibler': 'Kullback-Leibler',
  frobenius: 'Frobenius',
  planted: 'planted',
} as const;

/** A factorization, and its transport cost to the data on the way. */
export interface Rival {
  readonly dictionary: ProductDictionary;
  /** After which share of the iterations, and how much. */
  readonly objectives: readonly (readonly [share: number, objective: number])[];
}

/** Runs a plain factorization and measures its entropic transport cost to the data now and then. */
export async function runRival(
  device: Device,
  { histograms, side }: JointData,
  start: ProductDictionary,
  loss: FactorizationLoss,
  epsilon: number,
  iterations: number,
): Promise<Rival> {
  using _scope = device.scope();
  const problem = { histograms, height: side, width: side };
  const sources = placeHistograms(device, histograms, { height: side, width: side, epsilon });
  const potential = device.full(sources.masses.shape, 0);
  const objectives: [number, number][] = [];
  const steps = productFactorization(device, problem, start, {
    loss,
    iterations,
    showEvery: Math.ceil(iterations / 4),
  });
  let next = await steps.next();
  for (; next.done !== true; next = await steps.next()) {
    using _inner = device.scope();
    const { iteration, dictionary } = next.value;
    const targets = device.tensor(
      mixturesOf(dictionary).flatMap((mixture) => Array.from(mixture)),
      sources.masses.shape,
    );
    const { costs } = await matchTargets(sources, targets, potential, { tolerance: 1e-3, maximumIterations: 40 });
    objectives.push([iteration / iterations, costs.reduce((sum, cost) => sum + cost, 0)]);
  }
  return { dictionary: next.value, objectives };
}

/** What a rival shows: its atoms, and its iterations spread over the sweeps. */
export function rivalFrames(
  { dictionary, objectives }: Rival,
  loss: FactorizationLoss,
  series: string,
  side: number,
  sweeps: number,
): { readonly atoms: ImageFrame; readonly objective: readonly LineFrame[] } {
  return {
    atoms: sheet(loss, atomsOf(dictionary), side),
    objective: objectives.map(([share, y]) => ({ series, x: share * sweeps, y })),
  };
}

/** How near a dictionary comes to the truth, as mean Sinkhorn divergences. */
export interface Score {
  /** Of its mixtures to the clean histograms. */
  readonly mixtures: number;
  /** Of its atoms to the planted ones, each to its own; NaN where there are none. */
  readonly atoms: number;
}

/** Scores dictionaries; all of them in one batch. */
export async function score(
  device: Device,
  { clean, planted, side }: JointData,
  dictionaries: readonly ProductDictionary[],
): Promise<Score[]> {
  const grid = { height: side, width: side, epsilon: 0.01 };
  const options = { tolerance: 1e-3, maximumIterations: 60 };
  const mixtures = dictionaries.flatMap(mixturesOf);
  const distances = await gridDivergences(
    device,
    mixtures,
    dictionaries.flatMap(() => clean),
    grid,
    options,
  );
  const learned = dictionaries.map(atomsOf);
  const pairs = learned.flatMap((atoms) => atoms.flatMap((atom) => planted.map((truth) => [atom, truth] as const)));
  const [from, to] = [pairs.map(([atom]) => atom), pairs.map(([, truth]) => truth)];
  const between = planted.length > 0 ? await gridDivergences(device, from, to, grid, options) : [];
  return dictionaries.map(({ atoms }, d) => {
    const own = distances.slice(d * clean.length, (d + 1) * clean.length);
    const block = between.slice(d * atoms * planted.length, (d + 1) * atoms * planted.length);
    return {
      mixtures: own.reduce((sum, distance) => sum + distance, 0) / clean.length,
      atoms: planted.length === 0 ? NaN : assigned(block, atoms, planted.length) / Math.min(atoms, planted.length),
    };
  });
}

/** The least sum of entries, no two in one row or column; every column is used as long as there are rows. */
function assigned(costs: readonly number[], rows: number, columns: number): number {
  const best = (column: number, used: number): number => {
    if (column === columns) return 0;
    let least = Infinity;
    for (let row = 0; row < rows; row++) {
      if ((used & (1 << row)) === 0)
        least = Math.min(least, (costs[row * columns + column] ?? 0) + best(column + 1, used | (1 << row)));
    }
    return Number.isFinite(least) ? least : 0;
  };
  return best(0, 0);
}

/** What the sweeps say of the theory. */
export interface Descent {
  /** The largest rise of the objective in one sweep, as a share of its whole fall. */
  readonly largestRise: number;
  /** The largest ratio over n of the smallest stationarity of n sweeps to `2 proximal (fall of the objective) / n`. */
  readonly rate: number;
  /** The first objective and the last. */
  readonly objectives: readonly [number, number];
  /** Dual steps in all. */
  readonly steps: number;
}

export function descentOf(sweeps: readonly DictionarySweep[], proximal: number): Descent {
  const [first, last] = [sweeps[0]?.objective ?? NaN, sweeps.at(-1)?.objective ?? NaN];
  let [largestRise, rate, smallest] = [-Infinity, 0, Infinity];
  sweeps.forEach(({ objective, stationarity }, n) => {
    if (n === 0) return;
    largestRise = Math.max(largestRise, (objective - (sweeps[n - 1]?.objective ?? NaN)) / (first - last));
    smallest = Math.min(smallest, stationarity);
    rate = Math.max(rate, (n * smallest) / (2 * proximal * (first - objective)));
  });
  const steps = sweeps.reduce((sum, { blocks }) => sum + blocks.reduce((part, block) => part + block.steps, 0), 0);
  return { largestRise, rate, objectives: [first, last], steps };
}

/** What a sweep shows. */
export function sweepFrames(
  seen: readonly DictionarySweep[],
  { side, quantities }: JointData,
  { proximal, sweeps }: { readonly proximal: number; readonly sweeps: number },
): {
  readonly objective: LineFrame;
  readonly stationarity?: readonly LineFrame[];
  readonly atoms: ImageFrame;
  readonly histograms: ImageFrame;
  readonly codes: HeatmapFrame;
  readonly status: StatusFrame;
} {
  const last = seen.at(-1);
  if (last === undefined) throw new RangeError('There is no sweep to show.');
  const { sweep, objective, blocks, dictionary } = last;
  const smallest = seen.reduce((least, { stationarity }) => Math.min(least, stationarity), Infinity);
  const bound = (2 * proximal * ((seen[0]?.objective ?? NaN) - objective)) / sweep;
  const solved = blocks.map(({ block, steps, residual }) => `${block} ${steps} steps to ${residual.toExponential(0)}`);
  return {
    objective: { series: 'Wasserstein', x: sweep, y: objective },
    ...(sweep > 0 && {
      stationarity: [
        { series: 'measured', x: sweep, y: Math.max(smallest, 1e-12) },
        { series: '2 λ (fall of the objective) / sweeps', x: sweep, y: Math.max(bound, 1e-12) },
      ],
    }),
    atoms: sheet('wasserstein', atomsOf(dictionary), side, `${quantities[0]} ↓, ${quantities[1]} →`),
    histograms: sheet('wasserstein', some(mixturesOf(dictionary), 6), side),
    codes: {
      rows: dictionary.codes.length / dictionary.atoms,
      columns: dictionary.atoms,
      values: Float32Array.from(dictionary.codes),
    },
    status: {
      state: 'running',
      text: sweep === 0 ? 'the start' : `sweep ${sweep}: ${solved.join(', ')}`,
      step: sweep,
      steps: sweeps,
    },
  };
}

/** The end in numbers; `scores` in the order Wasserstein, Kullback-Leibler, Frobenius. */
export function summaryFrames(
  scores: readonly Score[],
  { largestRise, rate, objectives, steps }: Descent,
  { sweep, seconds, stationarity }: DictionarySweep,
  source: string,
): { readonly numbers: TableFrame; readonly status: StatusFrame } {
  const row = (quantity: string, ...values: readonly (number | string | undefined)[]): TableFrame['rows'][number] => {
    const [wasserstein = '', kl = '', frobenius = ''] = values;
    return { quantity, wasserstein, kl, frobenius };
  };
  const hasAtoms = scores.every(({ atoms }) => Number.isFinite(atoms));
  return {
    numbers: {
      rows: [
        row('divergence of the mixtures from all of the data', ...scores.map(({ mixtures }) => mixtures)),
        ...(hasAtoms ? [row('divergence of the atoms from the planted', ...scores.map(({ atoms }) => atoms))] : []),
        row('objective at the start', objectives[0]),
        row('objective at the end', objectives[1]),
        row('largest rise in a sweep, of the whole fall', largestRise),
        row('squared proximal gradient over its bound, at most', rate),
        row('squared proximal gradient of the last sweep', stationarity),
        row('dual steps', steps),
        row('seconds', seconds),
      ],
      source,
    },
    status: { state: 'done', text: `${sweep} sweeps, ${steps} dual steps, ${seconds.toFixed(1)} s` },
  };
}
