/** The multimarginal lab's parts: seeded classes, pictures of regions, a brute-force adversary, and its numbers. */
import type { Place, RobustClassification } from '../algorithms/adversarial-classification';
import { Philox } from '../kernels/random';
import type { ImageFrame, ScatterFrame, TableFrame } from './frames';

/** How the classes lie. */
export const layouts = { blobs: 'three clouds', rings: 'a cloud and two rings', arms: 'three spiral arms' } as const;
const classNames = ['orange', 'blue', 'green'] as const;

const colors: readonly (readonly number[])[] = [
  [226, 112, 32],
  [36, 120, 200],
  [40, 150, 90],
];

/** One of red, green and blue of a class. */
const channelOf = (label: number, channel: number): number => colors[label]?.[channel] ?? 0;

/** Three clouds of `count` points in the square from -1 to 1. */
export function classesOf(layout: keyof typeof layouts, count: number, seed: number): Float64Array[] {
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
export const cloudsOf = (classes: readonly Float64Array[]): ScatterFrame[] =>
  classes.map((cloud, label) => ({
    series: classNames[label] ?? '',
    points: Float32Array.from(cloud),
    colors: Uint8Array.from({ length: (3 * cloud.length) / 2 }, (_, at) => channelOf(label, at % 3)),
  }));

/** Where the adversary takes the points, in the colour of their true class. */
export function movedOf({ moves }: RobustClassification): ScatterFrame[] {
  return classNames.flatMap((series, label) => {
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
const reach = 1.25;
const toPixel = (value: number): number => ((value + reach) / (2 * reach)) * side;

/** Decision regions: the classes' colours mixed by their probabilities, paler where the classifier may say anything. */
export function regionsPicture(result: RobustClassification, classes: readonly Float64Array[]): ImageFrame {
  const pixels = new Uint8ClampedArray(4 * side * side).fill(255);
  const paint = (at: number, color: readonly number[]): void => pixels.set(color, 4 * at);
  for (let at = 0; at < side * side; at++) {
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
export function attackedAccuracy(
  result: RobustClassification,
  classes: readonly Float64Array[],
  budget: number,
): number {
  let [right, total] = [0, 0];
  classes.forEach((cloud, label) => {
    for (let i = 0; i < cloud.length; i += 2) {
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
  });
  return right / total;
}

/** The table of numbers. */
export function numbersOf(result: RobustClassification, attacked: number, source: string): TableFrame {
  const rows = {
    'robust accuracy, at least (the dual’s classifier)': result.lower,
    'robust accuracy, at most (the adversary’s plan)': result.upper,
    'accuracy of that classifier under attack, tried at 80 places around each point': attacked,
    'adversarial risk, at least': 1 - result.upper,
    '⟨P, C⟩': result.transport.transportCost,
    'marginal error, L1': result.transport.marginalError,
    iterations: result.transport.iteration,
  };
  return { rows: Object.entries(rows).map(([quantity, value]) => ({ quantity, value })), source };
}
