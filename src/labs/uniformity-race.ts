/** Two descents from the same collapsed start, one down each metric of uniformity, in steps of the same length. */
import { uniformityDescent, type UniformityLoss, type UniformityStep } from '../algorithms/uniformity-descent';
import type { Device } from '../device/device';
import { collapse, type Collapse, type Representations } from './collapse';
import type { LineFrame, ScatterFrame } from './frames';

/** What each descent is called in the figures. */
const lossLabels = { wasserstein: 'down the distance', potential: 'down the potential' } as const;

/** What is left of each point beside its collapsed form: a direction that is quite empty has no gradient. */
const remainder = 0.02;
const steps = 24;
const stepLength = 0.08;

/** Both descents, one entry a step. */
export interface UniformityRace {
  readonly dimension: number;
  readonly ranks: Readonly<Record<UniformityLoss, number[]>>;
}

/** Where both descents are. */
export interface RaceStep extends Readonly<Record<UniformityLoss, UniformityStep>> {
  readonly step: number;
  readonly steps: number;
}

/** Descends from points that have nearly collapsed. Without a GPU it takes four points a dimension at most. */
export async function* raceDown(
  device: Device,
  points: Representations,
  kind: Collapse,
  level: number,
): AsyncGenerator<RaceStep, UniformityRace> {
  const isSlow = device.kind === 'reference' || device.info.isFallback;
  const count = Math.min(points.count, isSlow ? Math.max(64, 4 * points.dimension) : points.count);
  const some = { ...points, count, values: points.values.slice(0, count * points.dimension) };
  const whole = collapse(some, kind, 0).values;
  const collapsed = collapse(some, kind, level);
  const start = { ...collapsed, values: collapsed.values.map((value, at) => value + remainder * (whole[at] ?? NaN)) };
  const ranks: UniformityRace['ranks'] = { wasserstein: [], potential: [] };
  const potentials = uniformityDescent(device, start, 'potential', { steps, stepLength });
  for await (const wasserstein of uniformityDescent(device, start, 'wasserstein', { steps, stepLength })) {
    const { value: potential } = await potentials.next();
    if (potential === undefined) break;
    ranks.wasserstein.push(wasserstein.effectiveRank);
    ranks.potential.push(potential.effectiveRank);
    yield { step: wasserstein.step, steps, wasserstein, potential };
  }
  return { dimension: points.dimension, ranks };
}

/** The first, the second and the last coordinate: where dimensions collapse, the last ones go first. */
export function cloudOf(series: string, values: ArrayLike<number>, dimension: number): ScatterFrame {
  const count = values.length / dimension;
  const columns = [0, 1, dimension - 1];
  const points = Float32Array.from({ length: 3 * count }, (_, at) => {
    const column = columns[at % 3] ?? 0;
    return values[Math.floor(at / 3) * dimension + column] ?? NaN;
  });
  return { series, points };
}

/**
 * Once the descent down the distance has half of the lost rank back: what it regained, over what the other one had after as many
 * steps.
 */
export function regainedSooner({ dimension, ranks: { wasserstein, potential } }: UniformityRace): number {
  const start = wasserstein[0] ?? NaN;
  const half = wasserstein.findIndex((rank) => rank >= (start + dimension) / 2);
  return ((wasserstein[half] ?? NaN) - start) / ((potential[half] ?? NaN) - (potential[0] ?? NaN));
}

/** What the figures show of a step. */
export function raceFrames(
  { step, ...reached }: RaceStep,
  dimension: number,
): { readonly rank: LineFrame[]; readonly descent: LineFrame[]; readonly descending: ScatterFrame[] } {
  const both = (['wasserstein', 'potential'] as const).map((loss) => ({ ...reached[loss], down: lossLabels[loss] }));
  return {
    rank: both.map(({ down, effectiveRank }) => ({ series: down, x: step, y: effectiveRank })),
    descent: both.flatMap(({ down, wasserstein, potential }) => [
      { series: `distance, ${down}`, x: step, y: wasserstein / Math.SQRT2 },
      { series: `potential, ${down}`, x: step, y: 1 + potential / 4 },
    ]),
    descending: both.map(({ down, points }) => cloudOf(down, points, dimension)),
  };
}
