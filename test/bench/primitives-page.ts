/** In the browser: scans, sorts and Fourier transforms timed on one device, beside what the adapter copies. */
import { openWebGpuDevice, type Cost, type WebGpuDevice } from '../../src/device';
import { measure } from '../../src/device/timing';
import { convolve } from '../../src/kernels/convolution';
import { fft } from '../../src/kernels/fourier';
import { gatherRows, scatterAddRows } from '../../src/kernels/gather';
import { histogram } from '../../src/kernels/histogram';
import { Philox } from '../../src/kernels/random';
import { measureRoofline } from '../../src/kernels/roofline';
import { linearRecurrence, prefixSum } from '../../src/kernels/scan';
import { segmentedReduce } from '../../src/kernels/segments';
import { countingSort, radixSort } from '../../src/kernels/sort';
import { topK } from '../../src/kernels/top-k';

/** What one primitive took. */
export interface PrimitiveTime {
  readonly medianMs: number;
  readonly spreadMs: number;
  readonly compileMs: number;
  readonly elements: number;
  /** By the cost that the kernel states. */
  readonly bytesPerSecond: number;
  readonly source: string;
}

interface Case {
  readonly what: string;
  readonly elements: number;
  readonly cost: Cost;
  record(): void;
}

let opened: WebGpuDevice | undefined;

async function open(): Promise<WebGpuDevice> {
  opened ??= await openWebGpuDevice({ limits: 'adapter', features: 'adapter' });
  return opened;
}

function casesOn(device: WebGpuDevice): readonly Case[] {
  const random = new Philox(1);
  const many = 2 ** 22;
  const numbers = Float32Array.from({ length: many }, () => random.uniform());
  const words = Uint32Array.from(numbers, (value) => value * 2 ** 32);
  const tokens = 2 ** 16;
  const x = device.tensor(numbers, [many]);
  const keys = device.tensor(words, [many], 'u32');
  const complex = device.tensor(numbers.subarray(0, 2 ** 21), [2 ** 20, 2]);
  const rows = device.tensor(numbers, [tokens, 64]);
  const experts = device.tensor(
    words.subarray(0, tokens).map((word) => word % 64),
    [tokens],
    'u32',
  );
  const channels = device.tensor(numbers.subarray(0, 2 ** 20), [64, 2 ** 14]);
  const places = device.tensor(
    words.subarray(0, tokens).map((word) => word % tokens),
    [tokens],
    'u32',
  );
  // 16 rows each.
  const offsets = device.tensor(
    Uint32Array.from({ length: tokens / 16 + 1 }, (_, segment) => 16 * segment),
    [tokens / 16 + 1],
    'u32',
  );
  return [
    {
      what: 'prefix sum of 2^22',
      elements: many,
      cost: prefixSum.definition.cost(x),
      record: () => void prefixSum(x),
    },
    {
      what: 'radix sort of 2^22 u32 with payload',
      elements: many,
      cost: radixSort.definition.cost(keys),
      record: () => void radixSort(keys),
    },
    {
      what: 'complex FFT of 2^20',
      elements: 2 ** 20,
      cost: fft.definition.cost(complex),
      record: () => void fft(complex),
    },
    {
      what: 'counting sort of 2^16 tokens to 64 experts',
      elements: tokens,
      cost: countingSort.definition.cost(experts, 64),
      record: () => void countingSort(experts, 64),
    },
    {
      what: 'top 2 of 64 in 2^16 rows',
      elements: many,
      cost: topK.definition.cost(rows, 2),
      record: () => void topK(rows, 2),
    },
    {
      what: 'gather of 2^16 rows of 64',
      elements: many,
      cost: gatherRows.definition.cost(rows, places),
      record: () => void gatherRows(rows, places),
    },
    {
      what: 'segmented sum of 2^16 rows of 64 in 4,096 segments',
      elements: many,
      cost: segmentedReduce.definition.cost(rows, offsets, 'sum'),
      record: () => void segmentedReduce(rows, offsets, 'sum'),
    },
    {
      what: 'scatter-add of 2^16 rows of 64 into 64',
      elements: many,
      cost: scatterAddRows.definition.cost(rows, experts, 64),
      record: () => void scatterAddRows(rows, experts, 64),
    },
    {
      what: 'histogram of 2^22 in 256 bins',
      elements: many,
      cost: histogram.definition.cost(x, 256),
      record: () => void histogram(x, 256),
    },
    {
      what: 'linear recurrence of 64 channels, 2^14 steps',
      elements: 2 ** 20,
      cost: linearRecurrence.definition.cost(channels, channels),
      record: () => void linearRecurrence(channels, channels),
    },
    {
      what: 'causal convolution of 64 channels, 2^14 by 2^14',
      elements: 2 ** 20,
      cost: convolve.definition.cost(channels, channels),
      record: () => void convolve(channels, channels),
    },
  ];
}

const primitivesPage = {
  async adapter(): Promise<{
    readonly label: string;
    readonly copyBytesPerSecond: number;
  }> {
    const device = await open();
    const { copyBytesPerSecond } = await measureRoofline(device);
    return { label: device.info.label, copyBytesPerSecond };
  },

  async names(): Promise<readonly string[]> {
    const device = await open();
    using _scope = device.scope();
    return casesOn(device).map(({ what }) => what);
  },

  /** One measurement. */
  async time(index: number): Promise<PrimitiveTime> {
    const device = await open();
    using _scope = device.scope();
    const measured = casesOn(device)[index];
    if (measured === undefined) throw new Error(`There is no case ${String(index)}.`);
    const { elements, cost, record } = measured;
    const { medianMs, spreadMs, compileMs, source } = await measure(device, record, { samples: 5 });
    return { medianMs, spreadMs, compileMs, elements, bytesPerSecond: (1000 * cost.bytes) / medianMs, source };
  },
};

export type PrimitivesPage = typeof primitivesPage;
declare global {
  var primitivesPage: PrimitivesPage;
}
globalThis.primitivesPage = primitivesPage;
