/** Honest timing: GPU timestamps where the adapter has them, else wall clock; repeats that fill at least 20 ms; median and spread. */
import type { Device } from './device';
import { InvalidInputError } from './errors';
import { WebGpuDevice } from './webgpu-device';

/** How to measure. */
export interface MeasureOptions {
  /** One sample repeats the work until it takes this long; Chrome's timestamps come in steps of 0.1 ms. */
  readonly minimumMs?: number;
  readonly samples?: number;
  /** Stop taking samples after this long, once there are three. */
  readonly maximumMs?: number;
}

/** What was measured. */
export interface Measurement {
  /** Median over the samples of the time for one repeat. */
  readonly medianMs: number;
  /** Median absolute deviation of the samples from the median. */
  readonly spreadMs: number;
  readonly samples: readonly number[];
  /** How often the work ran in one sample. */
  readonly repeats: number;
  readonly source: 'timestamp' | 'wall';
  /** What linking and compiling took before the first run; zero where all of it was compiled already. */
  readonly compileMs: number;
  /** Samples whose timestamps were zero or negative. */
  readonly dropped: number;
}

/**
 * Measures recorded work. `record` is called once per repeat and must record the same work each time; what it allocates
 * is freed again. Warm-up, compilation and read-back are not in the result.
 */
export async function measure(device: Device, record: () => void, options: MeasureOptions = {}): Promise<Measurement> {
  const { minimumMs = 20, samples: wanted = 10, maximumMs = 3000 } = options;
  if (!(minimumMs >= 0) || !(wanted >= 1))
    throw new InvalidInputError('measure() needs minimumMs >= 0 and at least one sample.');
  const compileBefore = compileMs(device);
  await sample(device, record, 1, 'wall');
  const compiled = compileMs(device) - compileBefore;

  const start = performance.now();
  const once = (await sample(device, record, 1, 'wall')) ?? 0;
  const repeats = Math.max(1, Math.ceil(minimumMs / Math.max(once, 0.01)));
  let source: Measurement['source'] =
    device instanceof WebGpuDevice && device.hasFeature('timestamp-query') ? 'timestamp' : 'wall';
  let dropped = 0;
  const samples: number[] = [];
  for (let taken = 0; taken < wanted && (samples.length < 3 || performance.now() - start < maximumMs); taken++) {
    const milliseconds = await sample(device, record, repeats, source);
    if (milliseconds !== undefined && milliseconds > 0) samples.push(milliseconds / repeats);
    else dropped += 1;
    if (samples.length === 0 && dropped >= 3 && source === 'timestamp') source = 'wall';
  }
  const medianMs = median(samples);
  return {
    medianMs,
    spreadMs: median(samples.map((value) => Math.abs(value - medianMs))),
    samples,
    repeats,
    source,
    compileMs: compiled,
    dropped,
  };
}

/** One sample in milliseconds over all repeats; undefined where the timestamps are of no use. */
async function sample(
  device: Device,
  record: () => void,
  repeats: number,
  source: Measurement['source'],
): Promise<number | undefined> {
  using _scope = device.scope();
  if (source === 'wall') await device.finish();
  const start = performance.now();
  for (let repeat = 0; repeat < repeats; repeat++) record();
  if (source === 'timestamp' && device instanceof WebGpuDevice) {
    const timed = await device.flushTimed();
    return timed === undefined || timed.dropped > 0 ? undefined : timed.milliseconds;
  }
  await device.finish();
  return performance.now() - start;
}

function compileMs(device: Device): number {
  return device instanceof WebGpuDevice ? device.context.pipelines.totalCompileMs : 0;
}

/** The median of some numbers; NaN of none. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
