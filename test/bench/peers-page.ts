/** In the browser: every case on every library, on the same adapter, checked against float64 and timed in turns. */
import { Philox } from '../../src/kernels/random';
import { openContenders, type Contender, type HostMatrix, type Prepared } from './contenders';

/** What is compared: a square product, or attention of n tokens with one head of 64. */
export type BenchCase =
  { readonly kind: 'matmul'; readonly n: number } | { readonly kind: 'attention'; readonly n: number };

/** What one library did in one case. */
export interface ContenderResult {
  readonly name: string;
  readonly medianMs: number;
  readonly fastestMs: number;
  /** Compiling and the first run. */
  readonly firstMs: number;
  readonly rounds: number;
  /** Largest error of the checked entries, in the case's own measure, and what it may be. */
  readonly error: number;
  readonly tolerance: number;
  readonly heldBytes: number | null;
}

const HEAD_DIMENSION = 64;
const CHECKED_ROWS = 8;

// Which device really worked, whatever a library says: every submit in this page is counted on its device's adapter.
const adapterOfQueue = new Map<GPUQueue, string>();
const submits = new Map<string, number>();
let submitted = 0;
watchDevices();

function watchDevices(): void {
  const { requestDevice } = GPUAdapter.prototype;
  const { submit } = GPUQueue.prototype;

  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    const { vendor, architecture, description } = this.info;
    adapterOfQueue.set(device.queue, [vendor, architecture, description].filter((part) => part !== '').join(' '));
    return device;
  };
  GPUQueue.prototype.submit = function (commands) {
    const adapter = adapterOfQueue.get(this) ?? 'unknown';
    submits.set(adapter, (submits.get(adapter) ?? 0) + 1);
    submitted += 1;
    submit.call(this, commands);
    return undefined;
  };
}

let contenders: Promise<readonly Contender[]> | undefined;

const benchPage = {
  /** The adapter that a page of this browser gets, or null. */
  async adapter(): Promise<{ readonly isFallback: boolean } | null> {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter === null
      ? null
      : { isFallback: adapter.info.isFallbackAdapter || adapter.info.architecture === 'swiftshader' };
  },

  /** Runs one case: one checked run of each library, then three rounds of all, then of those that are close for `budgetMs`. */
  async compare(benchCase: BenchCase, budgetMs: number): Promise<readonly ContenderResult[]> {
    contenders ??= openContenders();
    const operands = makeOperands(benchCase);
    const entries: Entry[] = [];
    for (const contender of await contenders) {
      const prepared =
        benchCase.kind === 'matmul'
          ? contender.matmul(operands[0], operands[1])
          : contender.attention(operands[0], operands[1], operands[2]);
      entries.push({
        name: contender.name,
        prepared,
        first: await firstRun(contender.name, prepared, benchCase, operands),
        times: [],
      });
    }
    await takeTurns(entries, { rounds: 3, budgetMs: Infinity });
    // Whoever is three times slower than the fastest would use up the time that tells the others apart.
    const quickest = Math.min(...entries.map(({ times }) => median(times)));
    await takeTurns(
      entries.filter(({ times }) => median(times) < 3 * quickest),
      { rounds: 22, budgetMs },
    );
    return entries.map(({ name, prepared, first, times }) => {
      prepared.dispose();
      return {
        name,
        medianMs: median(times),
        fastestMs: Math.min(...times),
        rounds: times.length,
        heldBytes: prepared.heldBytes ?? null,
        ...first,
      };
    });
  },

  /** The one adapter that everything ran on. Throws if there were several. */
  usedAdapter(): string {
    const [only, ...others] = submits.keys();
    if (only === undefined || others.length > 0) {
      throw new Error(`The libraries ran on different adapters: ${[...submits.keys()].join(', ')}.`);
    }
    return only;
  },
};

export type BenchPage = typeof benchPage;
declare global {
  var benchPage: BenchPage;
}
globalThis.benchPage = benchPage;

type Operands = readonly [HostMatrix, HostMatrix, HostMatrix];
type FirstRun = Pick<ContenderResult, 'firstMs' | 'error' | 'tolerance'>;

/** One library in one case. */
interface Entry {
  readonly name: string;
  readonly prepared: Prepared;
  readonly first: FirstRun;
  readonly times: number[];
}

/** Rounds in which each entry runs once, beginning with another one each time, until they or the time are used up. */
async function takeTurns(entries: readonly Entry[], limits: { rounds: number; budgetMs: number }): Promise<void> {
  const end = performance.now() + limits.budgetMs;
  for (let round = 0; round < limits.rounds && performance.now() < end; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      const entry = entries[(turn + round) % entries.length];
      const start = performance.now();
      await entry?.prepared.run();
      entry?.times.push(performance.now() - start);
    }
  }
}

function makeOperands({ kind, n }: BenchCase): Operands {
  const columns = kind === 'matmul' ? n : HEAD_DIMENSION;
  const make = (stream: number): HostMatrix => {
    const random = new Philox(1, stream);
    return { rows: n, columns, values: Float32Array.from({ length: n * columns }, () => random.normal()) };
  };
  return [make(0), make(1), make(2)];
}

async function firstRun(name: string, prepared: Prepared, benchCase: BenchCase, operands: Operands): Promise<FirstRun> {
  const before = submitted;
  const start = performance.now();
  const result = await prepared.run();
  const firstMs = performance.now() - start;
  if (submitted === before) throw new Error(`${name} submitted nothing to the GPU.`);
  const checked = benchCase.kind === 'matmul' ? checkProduct(result, operands) : checkAttention(result, operands);
  if (!(checked.error <= checked.tolerance)) {
    throw new Error(
      `${name} is wrong at ${benchCase.kind} ${benchCase.n}: error ${checked.error}, allowed ${checked.tolerance}.`,
    );
  }
  return { firstMs, ...checked };
}

function rowsToCheck(rows: number): number[] {
  return Array.from({ length: CHECKED_ROWS }, (_, i) => Math.floor(((rows - 1) * i) / (CHECKED_ROWS - 1)));
}

function at({ values, columns }: HostMatrix, row: number, column: number): number {
  return values[row * columns + column] ?? NaN;
}

/** The BLAS-3 ratio |C - C'| / (u |A| |B|), below 16. */
function checkProduct(result: ArrayLike<number>, [a, b]: Operands): { error: number; tolerance: number } {
  let error = result.length === a.rows * b.columns ? 0 : NaN;
  for (const row of rowsToCheck(a.rows)) {
    for (let column = 0; column < b.columns; column++) {
      let sum = 0;
      let magnitude = 0;
      for (let l = 0; l < a.columns; l++) {
        const term = at(a, row, l) * at(b, l, column);
        sum += term;
        magnitude += Math.abs(term);
      }
      error = largest(error, Math.abs((result[row * b.columns + column] ?? NaN) - sum) / (2 ** -24 * magnitude));
    }
  }
  return { error, tolerance: 16 };
}

/** The largest error of an element; 1e-4 is far above what rounding gives and far below what a mistake does. */
function checkAttention(
  result: ArrayLike<number>,
  [queries, keys, values]: Operands,
): { error: number; tolerance: number } {
  let error = result.length === queries.rows * values.columns ? 0 : NaN;
  for (const row of rowsToCheck(queries.rows)) {
    const scores = Float64Array.from({ length: keys.rows }, (_, key) => {
      let dot = 0;
      for (let l = 0; l < keys.columns; l++) dot += at(queries, row, l) * at(keys, key, l);
      return dot / Math.sqrt(keys.columns);
    });
    const highest = scores.reduce((high, score) => Math.max(high, score), -Infinity);
    const weights = scores.map((score) => Math.exp(score - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let column = 0; column < values.columns; column++) {
      let mean = 0;
      for (let key = 0; key < keys.rows; key++) mean += ((weights[key] ?? NaN) / total) * at(values, key, column);
      error = largest(error, Math.abs((result[row * values.columns + column] ?? NaN) - mean));
    }
  }
  return { error, tolerance: 1e-4 };
}

/** The larger one, or NaN as soon as one is. */
function largest(a: number, b: number): number {
  return a >= b || Number.isNaN(a) ? a : b;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
