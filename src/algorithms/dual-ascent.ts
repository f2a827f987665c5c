/**
 * The exact dual of a transport problem, on the host in float64, from any potentials to start with: mass goes from rows to
 * columns along shortest paths of the reduced costs C_ij - f_i - g_j >= 0, and no search lowers the dual (successive shortest
 * paths, searched from one row at a time as in Jonker and Volgenant 1987). Good potentials make the paths short.
 */
import { throwIfAborted } from '../device/errors';
import { dot, type PlacedProblem } from './transport-problem';

/** Where the ascent came to. */
export interface DualAscent {
  /** `<a, f> + <b, g>` of potentials with f_i + g_j <= C_ij, C as it was given. */
  readonly value: number;
  /** What rounding may have added to `value`. */
  readonly margin: number;
  /** Reads of all pairs that the ascent took the time of. */
  readonly passes: number;
  /** The cost of a plan with the right marginals; undefined where the passes ran out before all mass was placed. */
  readonly planCost: number | undefined;
  /** What rounding may have taken off `planCost`. */
  readonly planMargin: number;
}

/** Mass is counted in units, so that sums of it are exact: 2^52 of them, and what that rounds weights by is in the margins. */
const units = 2 ** 52;
/** What one operation in float64 may be off by, relative; twice as much as it is. */
const unit = 2 ** -52;
/** How long the host may compute before a cancel can arrive. */
const turnMs = 30;

/** Raises the dual of a problem from a column potential of the problem as it was given, until it is optimal or `passes` are used up. */
export async function ascendDual(
  problem: PlacedProblem,
  columnPotential: Float64Array,
  passes: number,
): Promise<DualAscent> {
  const { rows, columns, device } = problem;
  const network = new Network(problem, columnPotential);
  let turnStartMs = performance.now();
  let row = 0;
  while (row < rows.count && network.scans < (passes - 4) * rows.count) {
    if (!network.placeMass(row)) row += 1;
    if (performance.now() - turnStartMs <= turnMs) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(device.signal);
    turnStartMs = performance.now();
  }
  // Rounding may have left a pair a hair infeasible: two more transforms make the claim true whatever happened.
  network.transform();
  const { f, g, largest } = network;
  const magnitude = largest + largestOf(f) + largestOf(g);
  const terms = rows.count + columns.count;
  return {
    value: dot(rows.weights, f) + dot(columns.weights, g),
    // A cost from coordinates, two subtractions a pair, and sums of so many terms that weigh 1 together.
    margin: (terms + problem.dimension + 8) * unit * magnitude,
    passes: 4 + network.scans / rows.count,
    planCost: row === rows.count ? network.planCost() : undefined,
    // Each weight was rounded by a unit, the largest by one for each of its side; a unit is charged the largest cost twice.
    planMargin: (5 * terms + problem.dimension + 8) * unit * largest,
  };
}

/** Rows, columns, what is still to be sent and received, and the mass on the way. */
class Network {
  readonly f: Float64Array;
  readonly g: Float64Array;
  /** The largest |C_ij|. */
  readonly largest: number;
  /** Rows read so far, of one number a column each. */
  scans = 0;
  readonly #costs: Float64Array;
  readonly #excess: Float64Array;
  readonly #lack: Float64Array;
  /** For each column the rows that send it mass, and how much. */
  readonly #senders: readonly Map<number, number>[];
  /** The distance of each column from the row that is searched from, and the row before it on the way. */
  readonly #distance: Float64Array;
  readonly #before: Int32Array;
  readonly #isSettled: Uint8Array;

  constructor(problem: PlacedProblem, columnPotential: Float64Array) {
    const { rows, columns } = problem;
    this.f = new Float64Array(rows.count);
    this.g = columnPotential.slice();
    this.#costs = new Float64Array(rows.count * columns.count);
    for (let i = 0; i < rows.count; i++) {
      for (let j = 0; j < columns.count; j++) this.#costs[i * columns.count + j] = problem.costOf(i, j);
    }
    this.largest = largestOf(this.#costs);
    this.#excess = inUnits(rows.weights);
    this.#lack = inUnits(columns.weights);
    this.#senders = Array.from({ length: columns.count }, () => new Map<number, number>());
    this.#distance = new Float64Array(columns.count);
    this.#before = new Int32Array(columns.count);
    this.#isSettled = new Uint8Array(columns.count);
    this.transform();
  }

  /** f = min (C - g), then g = min (C - f). */
  transform(): void {
    const { f, g } = this;
    const costs = this.#costs;
    const width = g.length;
    for (let i = 0; i < f.length; i++) {
      let least = Infinity;
      for (let j = 0; j < width; j++) least = Math.min(least, (costs[i * width + j] ?? 0) - (g[j] ?? 0));
      f[i] = least;
    }
    g.fill(Infinity);
    for (let i = 0; i < f.length; i++) {
      const potential = f[i] ?? 0;
      for (let j = 0; j < width; j++) g[j] = Math.min(g[j] ?? 0, (costs[i * width + j] ?? 0) - potential);
    }
  }

  /** Sends mass of a row along the shortest path to a column that lacks some. Returns false where the row has none left. */
  placeMass(source: number): boolean {
    if (!((this.#excess[source] ?? 0) > 0)) return false;
    const { f, g } = this;
    const distance = this.#distance;
    distance.fill(Infinity);
    this.#isSettled.fill(0);
    const reached = new Map([[source, { distance: 0, via: -1 }]]);
    const settled: number[] = [];
    this.#relax(source, 0);
    let length = 0;
    let target = this.#nearest();
    while (!((this.#lack[target] ?? 0) > 0)) {
      length = Math.max(length, distance[target] ?? 0);
      distance[target] = length;
      this.#isSettled[target] = 1;
      settled.push(target);
      // Pairs that carry mass have a reduced cost of zero: the way back over them is free.
      for (const i of this.#senders[target]?.keys() ?? []) {
        if (reached.has(i)) continue;
        reached.set(i, { distance: length, via: target });
        this.#relax(i, length);
      }
      target = this.#nearest();
    }
    length = Math.max(length, distance[target] ?? 0);
    for (const [i, at] of reached) f[i] = (f[i] ?? 0) + (length - at.distance);
    for (const j of settled) g[j] = (g[j] ?? 0) - (length - (distance[j] ?? 0));

    const path: { readonly row: number; readonly to: number; readonly back: number }[] = [];
    for (let to = target; to >= 0;) {
      const row = this.#before[to] ?? 0;
      const back = reached.get(row)?.via ?? -1;
      path.push({ row, to, back });
      to = back;
    }
    let amount = Math.min(this.#excess[source] ?? 0, this.#lack[target] ?? 0);
    for (const { row, back } of path) if (back >= 0) amount = Math.min(amount, this.#senders[back]?.get(row) ?? 0);
    this.#excess[source] = (this.#excess[source] ?? 0) - amount;
    this.#lack[target] = (this.#lack[target] ?? 0) - amount;
    for (const { row, to, back } of path) {
      this.#send(row, to, amount);
      if (back >= 0) this.#send(row, back, -amount);
    }
    return true;
  }

  /** `<P, C>` of the mass that is placed. */
  planCost(): number {
    let cost = 0;
    this.#senders.forEach((senders, j) => {
      for (const [i, amount] of senders) cost += (amount / units) * (this.#costs[i * this.g.length + j] ?? 0);
    });
    return cost;
  }

  #send(row: number, column: number, amount: number): void {
    const senders = this.#senders[column];
    const total = (senders?.get(row) ?? 0) + amount;
    if (total > 0) senders?.set(row, total);
    else senders?.delete(row);
  }

  /** Shortens the ways to all columns by those over a row. */
  #relax(row: number, length: number): void {
    this.scans += 1;
    const { g } = this;
    const [costs, distance, isSettled, before] = [this.#costs, this.#distance, this.#isSettled, this.#before];
    const start = row * g.length;
    const shift = length - (this.f[row] ?? 0);
    for (let j = 0; j < g.length; j++) {
      const way = (costs[start + j] ?? 0) + shift - (g[j] ?? 0);
      if (way < (distance[j] ?? 0) && isSettled[j] === 0) {
        distance[j] = way;
        before[j] = row;
      }
    }
  }

  /** The nearest column that is not settled; of several, one that lacks mass. */
  #nearest(): number {
    const [distance, isSettled, lack] = [this.#distance, this.#isSettled, this.#lack];
    let least = Infinity;
    let nearest = -1;
    for (let j = 0; j < distance.length; j++) {
      const way = distance[j] ?? 0;
      if (isSettled[j] === 0 && (way < least || (way === least && (lack[j] ?? 0) > 0))) {
        least = way;
        nearest = j;
      }
    }
    return nearest;
  }
}

/** Weights as whole numbers that sum to `units`; what is left over goes to the largest. */
function inUnits(weights: Float64Array): Float64Array {
  const counts = weights.map((weight) => Math.floor(weight * units));
  const left = counts.reduce((rest, count) => rest - count, units);
  const largest = weights.indexOf(largestOf(weights));
  counts[largest] = (counts[largest] ?? 0) + left;
  return counts;
}

const largestOf = (values: Float64Array): number =>
  values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
