/** Masses on a line or a grid for the transport labs: made-up shapes, photographs read as ink, and pictures of what became of them. */
import { resize } from '../data/images';
import type { ImageFrame } from './frames';
import { boxOf, isOnSheet, planarPointsOf } from './own-points';
import type { NumericMatrix, PaintSheet, Photograph } from './parameters';

/** Masses on a grid, row by row; a line has height 1. */
export interface MassGrid {
  readonly width: number;
  readonly height: number;
  readonly masses: Float64Array;
}

/** Shapes that need no file, as functions that are positive inside, of coordinates from -1 to 1. */
const shapes = {
  disk: (x: number, y: number) => 0.5 - Math.hypot(x, y),
  ring: (x: number, y: number) => 0.13 - Math.abs(Math.hypot(x, y) - 0.6),
  cross: (x: number, y: number) =>
    0.7 * 0.2 - Math.min(Math.abs(x), Math.abs(y)) - Math.max(0, Math.hypot(x, y) - 0.75),
  heart: (x: number, y: number) => {
    const [u, v] = [1.5 * x, -1.5 * y + 0.1];
    return -((u * u + v * v - 0.7) ** 3 - u * u * v ** 3);
  },
  star: (x: number, y: number) => 0.45 + 0.3 * Math.cos(5 * (Math.atan2(y, x) + Math.PI / 2)) - Math.hypot(x, y),
  disks: (x: number, y: number) => 0.28 - Math.min(Math.hypot(x - 0.5, y - 0.45), Math.hypot(x + 0.5, y + 0.45)),
} as const;

/** The name of a shape. */
export type ShapeName = keyof typeof shapes;

/** Labels by name, as a choice takes them. */
export const shapeLabels = {
  disk: 'disk',
  ring: 'ring',
  cross: 'cross',
  heart: 'heart',
  star: 'star',
  disks: 'two disks',
} as const satisfies Readonly<Record<ShapeName, string>>;

/** A shape of even mass, summing to one. */
export function shapeMass(name: ShapeName, size: number): MassGrid {
  const samples = [0.25, 0.75];
  const place = (index: number, part: number): number => (2 * (index + part)) / size - 1;
  const masses = Float64Array.from({ length: size * size }, (_, at) => {
    const inside = (sx: number, sy: number): boolean =>
      shapes[name](place(at % size, sx), place(Math.floor(at / size), sy)) > 0;
    return samples.flatMap((sx) => samples.filter((sy) => inside(sx, sy))).length;
  });
  return normalized({ width: size, height: size, masses });
}

/** A photograph as ink: the darker a pixel, the more mass; what is lighter than most of it has none. Sums to one. */
export function inkOf(photograph: Photograph, size: number): MassGrid {
  const ratio = size / Math.max(photograph.width, photograph.height);
  const [width, height] = [
    Math.max(1, Math.round(ratio * photograph.width)),
    Math.max(1, Math.round(ratio * photograph.height)),
  ];
  const { pixels } = resize(photograph, width, height);
  const light = Float64Array.from({ length: width * height }, (_, at) => {
    const [red = 0, green = 0, blue = 0] = pixels.subarray(4 * at, 4 * at + 3);
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  });
  const paper = light.slice().sort()[Math.floor(0.6 * light.length)] ?? 1;
  const ink = light.map((value) => Math.max(0, paper - value));
  // A photograph of one colour is ink all over.
  return normalized({ width, height, masses: ink.some((mass) => mass > 0) ? ink : ink.fill(1) });
}

/** A Gaussian on a line, summing to one; mean and deviation as shares of the line. */
export function gaussianMass(size: number, mean: number, deviation: number): MassGrid {
  const masses = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-((i / (size - 1) - mean) ** 2) / (2 * deviation ** 2)),
  );
  return normalized({ width: size, height: 1, masses });
}

/** What points are painted on for a picture of them. */
export const massSheet: PaintSheet = { x: [0, 1], y: [0, 1] };

/**
 * Points as mass on a grid, one picture for each set, all of one size and each summing to one: what falls into a place counts
 * there. Sets that lie on the sheet, as painted ones do, keep their place on a square; the others share the box around them.
 */
export function pointMasses(
  sets: readonly NumericMatrix[],
  size: number,
  field: string,
  isAlwaysSquare = false,
): MassGrid[] {
  const points = sets.map((matrix) => planarPointsOf(matrix, field));
  const isPainted = points.map((set) => isOnSheet(set, massSheet));
  const others = points.filter((_, index) => isPainted[index] !== true);
  const box = boxOf({ values: Float64Array.from(others.flatMap(({ values }) => [...values])), dimension: 2 });
  const spans = box.map(([low, high]) => high - low || 1) as [number, number];
  const isSquare = isAlwaysSquare || others.length < points.length;
  const longest = Math.max(...spans);
  const [width, height] = isSquare
    ? [size, size]
    : (spans.map((span) => Math.max(2, Math.round((size * span) / longest))) as [number, number]);
  return points.map(({ values }, index) => {
    const masses = new Float64Array(width * height);
    for (let i = 0; i < values.length; i += 2) {
      const share = [0, 1].map((axis) => {
        const value = values[i + axis] ?? 0;
        if (isPainted[index] === true) return value;
        const [low, high] = box[axis] ?? [0, 1];
        return isSquare ? 0.5 + (value - (low + high) / 2) / longest : (value - low) / (high - low || 1);
      });
      const column = Math.min(width - 1, Math.floor((share[0] ?? 0) * width));
      const row = Math.min(height - 1, Math.floor((1 - (share[1] ?? 0)) * height));
      masses[row * width + column] = (masses[row * width + column] ?? 0) + 1;
    }
    return normalized({ width, height, masses });
  });
}

/** The same shape with another sum of its masses. */
export function withTotal({ width, height, masses }: MassGrid, total: number): MassGrid {
  return { width, height, masses: normalized({ width, height, masses }).masses.map((mass) => mass * total) };
}

/** Coordinates of the places, two numbers each, the longer side from 0 to 1. */
export function placesOf({ width, height }: MassGrid): Float64Array {
  const scale = Math.max(width, height, 2) - 1;
  return Float64Array.from({ length: 2 * width * height }, (_, at) => {
    const place = at >> 1;
    return (at % 2 === 0 ? place % width : Math.floor(place / width)) / scale;
  });
}

const paperColor = [250, 249, 246];
const inkColor = [34, 38, 48];
const lostColor = [226, 112, 32];
const gainedColor = [36, 120, 200];

/**
 * A picture of masses for a slot: ink where there is mass. Given `kept`, what is left of them, it shows in orange what was
 * destroyed and in blue what was created. A line is drawn as a profile.
 */
export function massPicture(slot: string, grid: MassGrid, kept?: ArrayLike<number>, note?: string): ImageFrame {
  const isLine = grid.height === 1;
  const { masses } = grid;
  const left = (at: number): number => kept?.[at] ?? masses[at] ?? 0;
  const most = masses.reduce((largest, mass, at) => Math.max(largest, mass, left(at)), 1e-300);
  const zoom = Math.max(1, Math.round(256 / grid.width));
  const [width, height] = [zoom * grid.width, isLine ? 192 : zoom * grid.height];
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = isLine ? Math.floor(x / zoom) : Math.floor(y / zoom) * grid.width + Math.floor(x / zoom);
      const [had, has] = [(masses[at] ?? 0) / most, left(at) / most];
      const common = Math.min(had, has);
      const change = Math.max(had, has);
      const level = 1 - (y + 0.5) / height;
      // A profile is full below its level; ink has a share of the colour, brightened so that faint mass can be seen.
      const share = (value: number): number => (isLine ? Number(level < value) : Math.sqrt(value));
      const accent = had > has ? lostColor : gainedColor;
      for (let channel = 0; channel < 3; channel++) {
        const under = mix(paperColor[channel], accent[channel], share(change));
        const color = isLine
          ? mix(under, inkColor[channel], share(common))
          : mix(under, inkColor[channel], change > 0 ? share(change) * (common / change) : 0);
        pixels[4 * (y * width + x) + channel] = color;
      }
    }
  }
  return { slot, width, height, pixels, ...(note === undefined ? {} : { note }) };
}

const mix = (from = 0, to = 0, share: number): number => from + (to - from) * share;

function normalized({ width, height, masses }: MassGrid): MassGrid {
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return { width, height, masses: masses.map((mass) => mass / total) };
}
