/**
 * Which points of two or three classes can be moved to one place by at most a budget: the cost tensor of adversarial
 * classification. Axes are the classes, each with its points and then one dummy; two classes have a third axis of one dummy.
 */
import type { takingTurns } from './taking-turns';

/** A place in the plane. */
export type Place = readonly [x: number, y: number];

/** Indices along the three axes. */
export type Entry = readonly [i: number, j: number, k: number];

/** The tensor: for every entry the fewest places that its points can be moved to, and what decides about it. */
export interface MergeTable {
  readonly clouds: readonly [Float64Array, Float64Array, Float64Array];
  /** Points and a dummy along each axis. */
  readonly shape: readonly [number, number, number];
  /** Row-major. */
  readonly cost: Uint8Array;
  /** Labels that go to one place, for each place; none for an entry of dummies. */
  groupsOf(this: void, entry: Entry): readonly (readonly number[])[];
}

/** Makes the table; awaits `turn` between rows of it. Clouds hold two numbers per point. */
export async function mergeTable(
  classes: readonly Float64Array[],
  budget: number,
  turn: ReturnType<typeof takingTurns>,
): Promise<MergeTable> {
  const [a = new Float64Array(), b = new Float64Array(), c = new Float64Array()] = classes;
  const clouds = [a, b, c] as const;
  const [n, m, p] = [a.length / 2, b.length / 2, c.length / 2];
  const shape = [n + 1, m + 1, p + 1] as const;
  const [ab, ac, bc] = [pairsWithin(a, b, budget), pairsWithin(a, c, budget), pairsWithin(b, c, budget)];
  const isMergeable = (x: number, y: number, [i, j, k]: Entry): boolean =>
    (x === 0 && y === 1 ? ab[i * m + j] : x === 0 ? ac[i * p + k] : bc[j * p + k]) === 1;
  const isOnePlace = ([i, j, k]: Entry): boolean =>
    smallestCircle([placeOf(a, i), placeOf(b, j), placeOf(c, k)]).radius <= budget;

  const cost = new Uint8Array((n + 1) * (m + 1) * (p + 1));
  for (let i = 0, at = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      await turn();
      const together = i < n && j < m ? (ab[i * m + j] ?? 0) : 0;
      const withoutThird = Number(i < n) + Number(j < m) - together;
      for (let k = 0; k < p; k++) {
        const first = i < n ? (ac[i * p + k] ?? 0) : 0;
        const second = j < m ? (bc[j * p + k] ?? 0) : 0;
        // Three points need three pairs that can meet, and that is nearly enough.
        cost[at++] =
          together + first + second === 3
            ? isOnePlace([i, j, k])
              ? 1
              : 2
            : withoutThird + 1 - (together === 1 ? 0 : Math.max(first, second));
      }
      cost[at++] = withoutThird;
    }
  }
  return {
    clouds,
    shape,
    cost,
    groupsOf(entry) {
      const present = [0, 1, 2].filter((label) => (entry[label] ?? 0) < (shape[label] ?? 0) - 1);
      const places = cost[(entry[0] * (m + 1) + entry[1]) * (p + 1) + entry[2]] ?? 0;
      if (places === present.length) return present.map((label) => [label]);
      if (places === 1) return [present];
      // Three points at two places: one pair together that can be, the third alone.
      const apart = present.find((label) => {
        const [x = 0, y = 0] = present.filter((other) => other !== label);
        return isMergeable(x, y, entry);
      });
      return [present.filter((other) => other !== apart), apart === undefined ? [] : [apart]];
    },
  };
}

/** A point of a cloud. */
export const placeOf = (cloud: Float64Array, index: number): Place => [
  cloud[2 * index] ?? NaN,
  cloud[2 * index + 1] ?? NaN,
];

/** For every pair of two clouds, 1 if a budget takes both points to one place. */
function pairsWithin(one: Float64Array, other: Float64Array, budget: number): Uint8Array {
  const columns = other.length / 2;
  return Uint8Array.from({ length: (one.length / 2) * columns }, (_, at) => {
    const [p, q] = [placeOf(one, Math.floor(at / columns)), placeOf(other, at % columns)];
    return Number(distance(p, q) / 2 <= budget);
  });
}

const distance = (p: Place, q: Place): number => Math.hypot(p[0] - q[0], p[1] - q[1]);

/** The smallest circle around one, two or three points. */
export function smallestCircle(points: readonly Place[]): { readonly center: Place; readonly radius: number } {
  const pairs = points.flatMap((p, i) => points.slice(i + 1).map((q) => [p, q] as const));
  const circles = pairs.map(([p, q]) => ({
    center: [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2] as const,
    radius: distance(p, q) / 2,
  }));
  const widest = circles.reduce<{ readonly center: Place; readonly radius: number }>(
    (most, circle) => (circle.radius > most.radius ? circle : most),
    { center: points[0] ?? [0, 0], radius: 0 },
  );
  const [a, b, c] = points;
  if (!a || !b || !c || points.every((point) => distance(point, widest.center) <= widest.radius * (1 + 1e-12)))
    return widest;
  const [bx, by, cx, cy] = [b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]];
  const twice = 2 * (bx * cy - by * cx);
  const x = (cy * (bx * bx + by * by) - by * (cx * cx + cy * cy)) / twice;
  const y = (bx * (cx * cx + cy * cy) - cx * (bx * bx + by * by)) / twice;
  return { center: [a[0] + x, a[1] + y], radius: Math.hypot(x, y) };
}
