/** The multimarginal lab's parts: seeded classes, pictures of regions, a brute-force adversary, and its numbers. */
import type { RobustClassification } from '../algorithms/adversarial-classification';
import type { Place } from '../algorithms/merged-points';
import { solveMultimarginal } from '../algorithms/multimarginal';
import { solveSinkhorn } from '../algorithms/sinkhorn';
import type { Device } from '../device/device';
import { Philox } from '../kernels/random';
import type { ImageFrame, LineFrame, ScatterFrame, TableFrame } from './frames';
import { classColors, labelledClouds, type LabelledClouds } from './own-classes';
import type { NumericMatrix } from './parameters';

/** How the classes lie. */
export const layouts = { blobs: 'three clouds', rings: 'a cloud and two rings', arms: 'three spiral arms' } as const;
const classNames = Object.keys(classColors);
const colors: readonly (readonly number[])[] = Object.values(classColors);

/** One of red, green and blue of a class. */
const channelOf = (label: number, channel: number): number => colors[label]?.[channel] ?? 0;

/** What says which classes there are. */
interface ClassChoice {
  readonly layout: keyof typeof layouts;
  /** In place of the layout. */
  readonly table: NumericMatrix | undefined;
  readonly xColumn: number;
  readonly yColumn: number;
  readonly seed: number;
}

/** The classes, with at most `count` points each; made ones lie around the square from -1 to 1. */
export function classesOf({ layout, table, xColumn, yColumn, seed }: ClassChoice, count: number): LabelledClouds {
  if (table !== undefined) return labelledClouds(table, [xColumn, yColumn], count);
  return { classes: madeClasses(layout, count, seed), names: classNames, axes: ['x', 'y'] };
}

function madeClasses(layout: keyof typeof layouts, count: number, seed: number): Float64Array[] {
  return [0, 1, 2].map((label) => {
    const random = new Philox(seed, label);
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
    const places = Array.from({ length: count }, (): Place => {
      const turn = (2 * Math.PI * label) / 3;
      const [noiseX, noiseY] = [normal(), normal()];
      switch (layout) {
        case 'blobs':
          return [0.45 * Math.sin(turn) + 0.22 * noiseX, 0.45 * Math.cos(turn) + 0.22 * noiseY];
        case 'rings': {
          const angle = 2 * Math.PI * random.uniform();
          return [0.4 * label * Math.cos(angle) + 0.07 * noiseX, 0.4 * label * Math.sin(angle) + 0.07 * noiseY];
        }
        case 'arms': {
          const along = random.uniform();
          const angle = turn + 3 * along;
          const radius = 0.1 + 0.8 * along;
          return [radius * Math.cos(angle) + 0.05 * noiseX, radius * Math.sin(angle) + 0.05 * noiseY];
        }
        default:
          return layout satisfies never;
      }
    });
    return Float64Array.from(places.flat());
  });
}

/** The clouds as scatter series. */
export const cloudsOf = ({ classes, names }: LabelledClouds): ScatterFrame[] =>
  classes.map((cloud, label) => ({
    series: names[label] ?? '',
    points: Float32Array.from(cloud),
    colors: Uint8Array.from({ length: (3 * cloud.length) / 2 }, (_, at) => channelOf(label, at % 3)),
  }));

/** Where the adversary takes the points, in the colour of their true class. */
export function movedOf({ moves }: RobustClassification, { names }: LabelledClouds): ScatterFrame[] {
  return names.flatMap((series, label) => {
    const own = moves.filter((move) => move.label === label);
    if (own.length === 0) return [];
    const points = Float32Array.from(own.flatMap(({ to }) => [...to]));
    return [
      {
        series,
        points,
        colors: Uint8Array.from({ length: 3 * own.length }, (_, at) => channelOf(label, at % 3)),
      },
    ];
  });
}

const side = 144;

/** Decision regions: the classes' colours mixed by their probabilities, paler where the classifier may say anything. */
export async function regionsPicture(
  result: RobustClassification,
  { classes }: LabelledClouds,
  turn: () => Promise<void>,
): Promise<ImageFrame> {
  const reach = classes.reduce(
    (most, cloud) => cloud.reduce((a, value) => Math.max(a, 1.05 * Math.abs(value)), most),
    1.25,
  );
  const toPixel = (value: number): number => ((value + reach) / (2 * reach)) * side;
  const pixels = new Uint8ClampedArray(4 * side * side).fill(255);
  const paint = (at: number, color: readonly number[]): void => pixels.set(color, 4 * at);
  for (let at = 0; at < side * side; at++) {
    if (at % side === 0) await turn();
    const x = (2 * reach * ((at % side) + 0.5)) / side - reach;
    const y = reach - (2 * reach * (Math.floor(at / side) + 0.5)) / side;
    const shares = result.classify([x, y]);
    const rest = 1 - shares.reduce((sum, share) => sum + share, 0);
    paint(
      at,
      [0, 1, 2].map(
        (channel) =>
          0.75 * shares.reduce((sum, share, label) => sum + share * channelOf(label, channel), rest * 250) + 0.25 * 250,
      ),
    );
  }
  classes.forEach((cloud, label) => {
    for (let i = 0; i < cloud.length; i += 2) {
      const [column, row] = [Math.round(toPixel(cloud[i] ?? 0)), Math.round(toPixel(-(cloud[i + 1] ?? 0)))];
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const) {
        const [px, py] = [column + dx, row + dy];
        if (px >= 0 && px < side && py >= 0 && py < side)
          paint(
            py * side + px,
            [0, 1, 2].map((channel) => 0.6 * channelOf(label, channel)),
          );
      }
    }
  });
  return { slot: 'regions', width: side, height: side, pixels };
}

/** The classifier's expected accuracy against an adversary that tries many places within the budget of every point. */
export async function attackedAccuracy(
  result: RobustClassification,
  { classes }: LabelledClouds,
  budget: number,
  turn: () => Promise<void>,
): Promise<number> {
  let [right, total] = [0, 0];
  for (const [label, cloud] of classes.entries()) {
    for (let i = 0; i < cloud.length; i += 2) {
      await turn();
      let least = 1;
      for (let ring = 0; ring <= 4; ring++) {
        for (let turn = 0; turn < 16; turn++) {
          const [radius, angle] = [(0.999 * budget * ring) / 4, (turn * Math.PI) / 8];
          const place: Place = [
            (cloud[i] ?? 0) + radius * Math.cos(angle),
            (cloud[i + 1] ?? 0) + radius * Math.sin(angle),
          ];
          least = Math.min(least, result.classify(place)[label] ?? 0);
        }
      }
      right += least;
      total += 1;
    }
  }
  return right / total;
}

/** What is certified at a budget, for the sweep. */
export const sweepOf = (budget: number, { lower, upper }: RobustClassification): LineFrame[] => [
  { series: 'at most', x: budget, y: upper },
  { series: 'at least', x: budget, y: lower },
];

/** Two marginals by the tensor's scaling and by ordinary Sinkhorn, on a random cost: relative difference of the transport costs. */
export async function differenceToSinkhorn(device: Device, seed: number): Promise<number> {
  const random = new Philox(seed, 9);
  const [rows, columns] = [31, 17];
  const matrix = Float32Array.from({ length: rows * columns }, () => random.uniform());
  const marginals = [rows, columns].map((length) => new Array<number>(length).fill(1 / length));
  const ordinary = await solveSinkhorn(device, { matrix, rows, columns }, { epsilon: 0.05 });
  const two = await solveMultimarginal(device, { cost: matrix, marginals }, { epsilon: 0.05 });
  return Math.abs(two.transportCost / ordinary.transportCost - 1);
}

/** The share of all points that the largest class has. */
export const largestShare = (classes: readonly Float64Array[]): number =>
  classes.reduce((most, { length }) => Math.max(most, length), 0) /
  classes.reduce((sum, { length }) => sum + length, 0);

/** The table of numbers. */
export function numbersOf(
  result: RobustClassification,
  { classes, axes }: LabelledClouds,
  attacked: number,
  source: string,
): TableFrame {
  const rows = {
    'points of each class': classes.map(({ length }) => length / 2).join(', '),
    'robust accuracy, at least (the dual’s classifier)': result.lower,
    'robust accuracy, at most (the adversary’s plan)': result.upper,
    'accuracy of that classifier under attack, tried at 80 places around each point': attacked,
    'adversarial risk, at least': 1 - result.upper,
    '⟨P, C⟩': result.transport.transportCost,
    'marginal error, L1': result.transport.marginalError,
    iterations: result.transport.iteration,
  };
  return {
    rows: Object.entries(rows).map(([quantity, value]) => ({ quantity, value })),
    source: `${source}; x: ${axes[0]}, y: ${axes[1]}`,
  };
}
