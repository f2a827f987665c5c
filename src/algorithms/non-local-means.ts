/**
 * Non-local means (Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005) as what it is: softmax attention
 * with patches as queries and keys, logits -|p_i - p_j|^2 / (h^2 features), and pixels as values.
 */
import type { Device } from '../device/device';
import type { Tensor } from '../device/tensor';
import { attention, attentionWeights, type AttentionOptions } from '../kernels/attention';
import { patches } from '../kernels/patches';

/** An RGB picture in floats, three a pixel, row by row; 0 to 1 is what a screen shows. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array<ArrayBuffer>;
}

/** How patches are compared. */
export interface NonLocalMeansOptions {
  /** Pixels along a side of a patch; odd. */
  readonly patchSize: number;
  /** 1: one attention for all channels. 3: each colour channel has its own, on its own patches. */
  readonly heads: 1 | 3;
  /** A pixel sees only itself and those before it, row by row. */
  readonly causal?: boolean;
  /** A pixel sees only so many before and behind it, row by row. */
  readonly window?: number;
}

/** A noisy picture on a device, ready to be denoised. */
export interface NonLocalMeans {
  readonly width: number;
  readonly height: number;
  readonly options: NonLocalMeansOptions;
  /** [heads, pixels, features]: queries and keys. */
  readonly patches: Tensor;
  /** [heads, pixels, 4 or 1]: what is averaged. */
  readonly values: Tensor;
}

/** Uploads a noisy picture and cuts its patches. The tensors belong to the caller's scope. */
export function nonLocalMeans(device: Device, noisy: Picture, options: NonLocalMeansOptions): NonLocalMeans {
  const { width, height, values } = noisy;
  const { heads, patchSize } = options;
  const image = device.tensor(values, [height, width, 3]);
  return {
    width,
    height,
    options,
    patches: patches(image, { patchSize, heads }),
    values: device.tensor(toHeads(values, heads), [heads, width * height, heads === 1 ? 4 : 1]),
  };
}

/** Non-local means in attention's words: logits are minus the mean squared difference of two patches over the squared bandwidth. */
export function comparison({ options }: NonLocalMeans, bandwidth: number): AttentionOptions {
  const { patchSize, heads, causal = false, window } = options;
  const features = (patchSize ** 2 * 3) / heads;
  const scale = 1 / (bandwidth ** 2 * features);
  return { metric: 'squared-distance', scale, causal, ...(window === undefined ? {} : { window }) };
}

/** What a step of `denoise` has done. */
export interface DenoiseStep {
  /** Pixels that are done, in the order of the picture's rows. */
  readonly done: number;
  readonly picture: Picture;
  /** Time that attention took so far, read-back and compilation apart. */
  readonly milliseconds: number;
  readonly compileMs: number;
  /** Patches, values, result, and the most that attention itself held besides. */
  readonly heldBytes: number;
  readonly bandwidth: number;
}

/** How `denoise` runs. */
export interface DenoiseOptions {
  readonly variant: 'flash' | 'naive';
  /** Asked before each step; where it changes, the picture is begun again. */
  readonly bandwidth: () => number;
  /** Only these pixels. Default: all. */
  readonly rows?: readonly [start: number, end: number];
}

/** Denoises pixel rows block by block (`flash`) or all at once (`naive`, which holds the scores of all pairs). */
export async function* denoise(
  device: Device,
  model: NonLocalMeans,
  options: DenoiseOptions,
): AsyncGenerator<DenoiseStep> {
  const { width, height, patches: keys, values } = model;
  const { variant } = options;
  const pixelCount = width * height;
  const [start, end] = options.rows ?? [0, pixelCount];
  // About four million pairs a block, but a few blocks in any case, and whole workgroups.
  const wanted = Math.min(4e6 / pixelCount, (end - start) / 6);
  const block = variant === 'naive' ? end - start : 64 * Math.max(1, Math.round(wanted / 64));
  using scope = device.scope();
  const out = device.full(values.shape, 0);
  let bandwidth = options.bandwidth();
  const run = async (rows: readonly [number, number]): Promise<{ ms: number; bytes: number }> => {
    const { liveBytes } = device.memory();
    const before = performance.now();
    attention(keys, keys, values, { ...comparison(model, bandwidth), variant, out, rows });
    const bytes = device.memory().liveBytes - liveBytes;
    await device.finish();
    return { ms: performance.now() - before, bytes };
  };
  const { ms: compileMs } = await run([start, start + 1]);
  let milliseconds = 0;
  const operandBytes = 4 * (keys.size + values.size + out.size);
  let heldBytes = operandBytes;
  for (let done = start; done < end;) {
    if (options.bandwidth() !== bandwidth) {
      bandwidth = options.bandwidth();
      milliseconds = 0;
      done = start;
    }
    const next = Math.min(end, done + block);
    const step = await run([done, next]);
    milliseconds += step.ms;
    heldBytes = Math.max(heldBytes, operandBytes + step.bytes);
    done = next;
    const picture = { width, height, values: fromHeads(await device.read(out), model.options.heads) };
    yield { done, picture, milliseconds, compileMs, heldBytes, bandwidth };
  }
}

/** The attention row of one pixel: its weights over all pixels, averaged over heads. */
export async function attentionRow(
  device: Device,
  model: NonLocalMeans,
  bandwidth: number,
  pixel: number,
): Promise<Float32Array<ArrayBuffer>> {
  using scope = device.scope();
  const options = { ...comparison(model, bandwidth), rows: [pixel, pixel + 1] as const };
  const weights = await device.read(attentionWeights(model.patches, model.patches, options));
  const { heads } = model.options;
  const count = weights.length / heads;
  return Float32Array.from({ length: count }, (_, key) => {
    let sum = 0;
    for (let head = 0; head < heads; head++) sum += weights[head * count + key] ?? 0;
    return sum / heads;
  });
}

/** A Gaussian blur is attention too: by place instead of by patch. `sigma` in pixels. */
export async function gaussianBlur(
  device: Device,
  { width, height, values }: Picture,
  sigma: number,
): Promise<Picture> {
  using scope = device.scope();
  const places = Float32Array.from({ length: 4 * width * height }, (_, index) => {
    const pixel = Math.floor(index / 4);
    return [pixel % width, Math.floor(pixel / width), 0, 0][index % 4] ?? 0;
  });
  const keys = device.tensor(places, [width * height, 4]);
  const pixels = device.tensor(toHeads(values, 1), [width * height, 4]);
  const window = Math.ceil(4 * sigma) * (width + 1);
  const result = attention(keys, keys, pixels, { metric: 'squared-distance', scale: 1 / (2 * sigma ** 2), window });
  return { width, height, values: fromHeads(await device.read(result), 1) };
}

/** Peak signal-to-noise ratio in decibels, for a peak of 1 and at most 150 (pictures that are the same), over the pixels from `start` up to but without `end`. */
export function peakSignalToNoise(
  picture: Picture,
  clean: Picture,
  start = 0,
  end = clean.width * clean.height,
): number {
  let sum = 0;
  for (let i = 3 * start; i < 3 * end; i++) sum += ((picture.values[i] ?? 0) - (clean.values[i] ?? 0)) ** 2;
  return -10 * Math.log10(Math.max(1e-15, sum / (3 * (end - start))));
}

/** RGB to what the heads average: RGB and a fourth column of ones, or a plane per channel. */
function toHeads(values: Float32Array, heads: 1 | 3): Float32Array {
  const count = values.length / 3;
  if (heads === 3)
    return Float32Array.from(values, (_, index) => values[3 * (index % count) + Math.floor(index / count)] ?? 0);
  return Float32Array.from({ length: 4 * count }, (_, index) =>
    index % 4 === 3 ? 1 : (values[3 * Math.floor(index / 4) + (index % 4)] ?? 0),
  );
}

function fromHeads(values: ArrayLike<number>, heads: 1 | 3): Float32Array<ArrayBuffer> {
  const count = heads === 3 ? values.length / 3 : values.length / 4;
  return Float32Array.from({ length: 3 * count }, (_, index) => {
    const pixel = Math.floor(index / 3);
    return (heads === 3 ? values[(index % 3) * count + pixel] : values[4 * pixel + (index % 3)]) ?? 0;
  });
}
