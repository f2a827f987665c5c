/** In the browser: every case on every library, on the same adapter, checked against float64 and timed in turns. */
import { openWebGpuDevice } from '../../src/device';
import { Philox } from '../../src/kernels/random';
import { measureRoofline } from '../../src/kernels/roofline';
import { openers, type Contender, type HostMatrix, type Prepared } from './contenders';
import { primitives, type PrimitiveName, type PrimitiveWork } from './primitives-cases';

export type ModelKind = 'matmul' | 'attention' | 'softmax';

/**
 * What is compared: a square product, attention of n tokens with one head of 64, the softmax of each of n rows of n, or a
 * primitive over n elements.
 */
export interface BenchCase {
  readonly kind: ModelKind | PrimitiveName;
  readonly n: number;
}

/** How a case is run. */
export interface CompareOptions {
  /** The libraries that take part; all of them unless given. */
  readonly names?: readonly string[];
  /** Rounds of all. */
  readonly rounds: number;
  /** How long libraries that are close are told apart after them. */
  readonly budgetMs: number;
}

/** What one library did in one case. */
export interface Measured {
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

/** A library that did not open, threw, ran out of memory or was wrong, in its own words. */
export interface Refused {
  readonly name: string;
  readonly refused: string;
}

export type ContenderResult = Measured | Refused;

const HEAD_DIMENSION = 64;
const CHECKED_ROWS = 8;
/** Whoever takes longer than this for its first run is timed once. */
const SLOW_MS = 30_000;
/** A primitive that would take longer than this is not run. */
const LONGEST_MS = 60_000;

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

const opened = new Map<string, Promise<readonly Contender[]>>();

/** Each library is opened once, when it is first wanted. */
function open(name: string): Promise<readonly Contender[]> {
  const known = opened.get(name) ?? openers[name]?.() ?? Promise.reject(new Error(`There is no library "${name}".`));
  opened.set(name, known);
  return known;
}

const benchPage = {
  /** The adapter that a page of this browser gets, or null. */
  async adapter(): Promise<{ readonly isFallback: boolean } | null> {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter === null
      ? null
      : { isFallback: adapter.info.isFallbackAdapter || adapter.info.architecture === 'swiftshader' };
  },

  /** The libraries, ours first. */
  names: (): readonly string[] => Object.keys(openers),

  /** Bytes read and written per second of a plain copy. */
  async copyRate(): Promise<number> {
    const device = await openWebGpuDevice({ limits: 'adapter', features: 'adapter' });
    const { copyBytesPerSecond } = await measureRoofline(device);
    device.context.gpu.destroy();
    return copyBytesPerSecond;
  },

  /** Runs one case: one checked run of each library, then `rounds` of all, then of those that are close for `budgetMs`. */
  async compare(
    benchCase: BenchCase,
    { names, rounds, budgetMs }: CompareOptions,
  ): Promise<readonly ContenderResult[]> {
    const work = workOf(benchCase);
    const results: (Entry | Refused)[] = [];
    for (const library of names ?? benchPage.names()) {
      try {
        for (const contender of await open(library)) {
          const entry = await enter(contender, benchCase, work);
          if (entry !== undefined) results.push(entry);
        }
      } catch (error) {
        results.push({ name: library, refused: describe(error) });
      }
    }
    const running = (): Entry[] =>
      results.filter((result) => 'prepared' in result && result.refused === undefined) as Entry[];
    await takeTurns(running(), { rounds: 1, budgetMs: Infinity });
    const patient = running().filter(({ first }) => first.firstMs < SLOW_MS);
    await takeTurns(patient, { rounds: rounds - 1, budgetMs: Infinity });
    // Whoever is three times slower than the fastest would use up the time that tells the others apart.
    const quickest = Math.min(...running().map(({ times }) => median(times)));
    await takeTurns(
      running().filter(({ times }) => median(times) < 3 * quickest),
      { rounds: 22, budgetMs },
    );
    const finished: ContenderResult[] = [];
    for (const result of results) {
      if (!('prepared' in result)) {
        finished.push(result);
        continue;
      }
      const { name, prepared, first, times, refused } = result;
      const heldBytes = prepared.heldBytes ?? null;
      const measured = { medianMs: median(times), fastestMs: Math.min(...times), rounds: times.length, heldBytes };
      finished.push(refused === undefined ? { name, ...measured, ...first } : { name, refused });
      await prepared.dispose();
    }
    return finished;
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
type FirstRun = Pick<Measured, 'firstMs' | 'error' | 'tolerance'>;

/** One library in one case. */
interface Entry {
  readonly name: string;
  readonly prepared: Prepared;
  readonly first: FirstRun;
  readonly times: number[];
  /** One round: a run that is read back, or where results are large one that is only waited for. */
  readonly round: () => Promise<unknown>;
  /** Why it went no further. */
  refused?: string;
}

/** A case with its operands. */
interface Work extends Pick<PrimitiveWork, 'start' | 'check'> {
  /** Whether a round reads the result back; where results are large it is only waited for. */
  readonly isRead: boolean;
}

const isModelKind = (kind: BenchCase['kind']): kind is ModelKind => Object.hasOwn(checks, kind);

function workOf(benchCase: BenchCase): Work {
  const { kind, n } = benchCase;
  if (!isModelKind(kind)) return { ...primitives[kind](n), isRead: false };
  const operands = makeOperands(kind, n);
  const [a, b, c] = operands;
  return {
    start: (contender) =>
      kind === 'matmul'
        ? contender.matmul?.(a, b)
        : kind === 'attention'
          ? contender.attention?.(a, b, c)
          : contender.softmax?.(a),
    check: (result) => checks[kind](result, operands),
    isRead: kind !== 'softmax',
  };
}

/** Uploads the operands of one library and runs it once; undefined where it does not take part. */
async function enter(contender: Contender, benchCase: BenchCase, work: Work): Promise<Entry | undefined> {
  const { name } = contender;
  if (!isModelKind(benchCase.kind)) await expectToEnd(contender, benchCase);
  const prepared = await work.start(contender);
  if (prepared === undefined) return undefined;
  const round = () => (work.isRead ? prepared.run() : prepared.finish());
  return { name, prepared, first: await firstRun(name, prepared, benchCase, work), times: [], round };
}

/** Throws where two smaller sizes tell that a run would take more than a minute: what a GPU has begun cannot be called off. */
async function expectToEnd(contender: Contender, { kind, n }: BenchCase): Promise<void> {
  const timed = async (size: number): Promise<number> => {
    const prepared = await workOf({ kind, n: size }).start(contender);
    if (prepared === undefined) return NaN;
    const times: number[] = [];
    for (let run = 0; run < 3 && !times.some((ms) => ms > 1000); run++) {
      const start = performance.now();
      await prepared.finish();
      times.push(performance.now() - start);
    }
    await prepared.dispose();
    return Math.min(...times);
  };
  const few = await timed(n / 1024);
  if (Number.isNaN(few)) return;
  const more = await timed(n / 256);
  const growth = Math.max(4, more / few);
  const expectedMs = more * growth ** 4;
  if (expectedMs > LONGEST_MS) {
    throw new Error(
      `${contender.name} takes ${more.toPrecision(3)} ms for ${n / 256}, ${growth.toPrecision(2)} times as long as for ${n / 1024}: ${n} would take about ${(expectedMs / 60_000).toPrecision(2)} minutes.`,
    );
  }
}

/** In a line that fits into a table. */
function describe(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.replace(/\s+/g, ' ').replaceAll('|', '/').slice(0, 200);
}

/** Rounds in which each entry runs once, beginning with another one each time, until they or the time are used up. */
async function takeTurns(entries: readonly Entry[], limits: { rounds: number; budgetMs: number }): Promise<void> {
  const end = performance.now() + limits.budgetMs;
  for (let round = 0; round < limits.rounds && performance.now() < end; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      const entry = entries[(turn + round) % entries.length];
      if (entry?.refused !== undefined) continue;
      const start = performance.now();
      try {
        await entry?.round();
        entry?.times.push(performance.now() - start);
      } catch (error) {
        if (entry !== undefined) entry.refused = describe(error);
      }
    }
  }
}

function makeOperands(kind: ModelKind, n: number): Operands {
  const columns = kind === 'attention' ? HEAD_DIMENSION : n;
  const make = (stream: number): HostMatrix => {
    const random = new Philox(1, stream);
    return { rows: n, columns, values: Float32Array.from({ length: n * columns }, () => random.normal()) };
  };
  const first = make(0);
  return kind === 'softmax' ? [first, first, first] : [first, make(1), make(2)];
}

async function firstRun(name: string, prepared: Prepared, benchCase: BenchCase, work: Work): Promise<FirstRun> {
  const before = submitted;
  const start = performance.now();
  const result = await prepared.run();
  const firstMs = performance.now() - start;
  if (submitted === before) throw new Error(`${name} submitted nothing to the GPU.`);
  const checked = work.check(result);
  if (!(checked.error <= checked.tolerance)) {
    await prepared.dispose();
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

/** The largest relative error; 1e-4 as for attention. */
function checkSoftmax(result: ArrayLike<number>, [x]: Operands): { error: number; tolerance: number } {
  let error = result.length === x.values.length ? 0 : NaN;
  for (const row of rowsToCheck(x.rows)) {
    // Normal logits are far from where an exponential overflows in float64.
    const exponentials = Float64Array.from({ length: x.columns }, (_, column) => Math.exp(at(x, row, column)));
    const total = exponentials.reduce((sum, term) => sum + term, 0);
    exponentials.forEach((term, column) => {
      error = largest(error, Math.abs(((result[row * x.columns + column] ?? NaN) * total) / term - 1));
    });
  }
  return { error, tolerance: 1e-4 };
}

const checks = { matmul: checkProduct, attention: checkAttention, softmax: checkSoftmax };

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
