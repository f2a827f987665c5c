/** Denoising: photographs as float pictures, noise, what figures need of them, and one variant of attention with its numbers. */
import {
  attentionRow,
  comparison,
  denoise,
  gaussianBlur,
  peakSignalToNoise,
  type DenoiseOptions,
  type DenoiseStep,
  type NonLocalMeans,
  type NonLocalMeansOptions,
  type Picture,
} from '../algorithms/non-local-means';
import { resize } from '../data/images';
import { openReferenceDevice } from '../device';
import type { Device } from '../device/device';
import { OutOfMemoryError } from '../device/errors';
import { attention } from '../kernels/attention';
import { randomNormal } from '../kernels/random';
import type { HeatmapFrame, ImageFrame, LineFrame, StatusFrame } from './frames';
import type { Photograph } from './parameters';

/** Pixels of a photograph: the whole of it scaled down, the longer side `size` long, or a square window at its middle. */
export function pictureOf(photograph: Photograph, size: number, isWindow: boolean): Picture {
  const { width: fullWidth, height: fullHeight } = photograph;
  const ratio = size / Math.max(fullWidth, fullHeight);
  const width = Math.max(1, isWindow ? Math.min(size, fullWidth) : Math.round(ratio * fullWidth));
  const height = Math.max(1, isWindow ? Math.min(size, fullHeight) : Math.round(ratio * fullHeight));
  const { pixels, width: stride } = isWindow ? photograph : resize(photograph, width, height);
  const left = isWindow ? Math.floor((fullWidth - width) / 2) : 0;
  const top = isWindow ? Math.floor((fullHeight - height) / 2) : 0;
  const values = Float32Array.from({ length: 3 * width * height }, (_, index) => {
    const pixel = Math.floor(index / 3);
    const at = (top + Math.floor(pixel / width)) * stride + left + (pixel % width);
    return (pixels[4 * at + (index % 3)] ?? 0) / 255;
  });
  return { width, height, values };
}

/** Which pixels a pixel may look at, in reading order. */
export type MaskName = 'none' | 'causal' | 'window' | 'both';

/** The mask in attention's words. */
export function maskOf(mask: MaskName, window: number): Pick<NonLocalMeansOptions, 'causal' | 'window'> {
  const causal = mask === 'causal' || mask === 'both';
  return mask === 'window' || mask === 'both' ? { causal, window } : { causal };
}

/** A picture plus normal noise of standard deviation `sigma`, the same on every device. */
export async function withNoise(device: Device, clean: Picture, sigma: number, seed: number): Promise<Picture> {
  using scope = device.scope();
  const noise = await device.read(randomNormal(device, [clean.values.length], { seed }));
  return { ...clean, values: clean.values.map((value, index) => value + sigma * (noise[index] ?? 0)) };
}

/** A picture for a slot of the image figure, with its PSNR against the clean one over the pixels that are done. */
export function imageOf(slot: string, picture: Picture, clean?: Picture, done?: number): ImageFrame {
  const { width, height, values } = picture;
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < values.length; i++) pixels[4 * Math.floor(i / 3) + (i % 3)] = 255 * (values[i] ?? 0);
  const note = clean && `${peakSignalToNoise(picture, clean, 0, done).toFixed(2)} dB`;
  return { slot, width, height, pixels, ...(note === undefined ? {} : { note }) };
}

/** The PSNR of the best Gaussian blur among a few widths, and its width in pixels. */
export async function bestBlur(
  device: Device,
  noisy: Picture,
  clean: Picture,
): Promise<{ readonly psnr: number; readonly sigma: number }> {
  let best = { psnr: -Infinity, sigma: 0 };
  for (const sigma of [0.5, 0.7, 0.9, 1.2, 1.6]) {
    const psnr = peakSignalToNoise(await gaussianBlur(device, noisy, sigma), clean);
    if (psnr > best.psnr) best = { psnr, sigma };
  }
  return best;
}

/** What one variant took and how well it did. */
export interface VariantNumbers extends DenoiseStep {
  readonly psnr: number;
  /** Largest error of eight pixels against float64. */
  readonly error: number;
}

/** A step of one variant, and at its end what it took, or why it could not run. */
export interface VariantStep {
  readonly frame?: { readonly pictures: ImageFrame; readonly status: StatusFrame };
  readonly result?: VariantNumbers;
  readonly refusal?: string;
}

/** Denoises by one variant of attention. What does not fit into memory is refused in words instead of thrown. */
export async function* runVariant(
  device: Device,
  model: NonLocalMeans,
  clean: Picture,
  options: DenoiseOptions,
): AsyncGenerator<VariantStep> {
  const steps = clean.width * clean.height;
  try {
    for await (const step of denoise(device, model, options)) {
      const { done, picture } = step;
      const psnr = peakSignalToNoise(picture, clean, 0, done);
      const isDone = done === steps;
      const text = `${options.variant}: ${String(done)} of ${String(steps)} pixels, PSNR ${psnr.toFixed(2)} dB`;
      const status = { state: isDone ? 'done' : 'running', text, step: done, steps } as const;
      const frame = { pictures: imageOf('denoised', picture, clean, done), status };
      if (!isDone) yield { frame };
      else yield { frame, result: { ...step, psnr, error: await errorOf(device, model, step.bandwidth, picture) } };
    }
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    yield { refusal: error.message };
  }
}

/** A row of the table that compares variants. */
export type TableRow = Readonly<Record<string, string | number>>;

/** The columns of the table that compares variants. */
export const variantColumns = {
  method: 'method',
  time: 'time, ms',
  compile: 'compile, ms',
  memory: 'memory',
  psnr: 'PSNR, dB',
  error: 'error to float64',
  difference: 'difference to flash',
} as const;

/** A row of that table; `other` is what the result is compared with. */
export function rowOf(method: string, { result, refusal = '' }: VariantStep, other?: VariantNumbers): TableRow {
  if (result === undefined) return { method, memory: `refused: ${refusal}` };
  const { milliseconds: time, compileMs: compile, heldBytes, psnr, error, picture } = result;
  const memory = `${(heldBytes / 2 ** 20).toPrecision(3)} MiB`;
  if (other === undefined) return { method, time, compile, memory, psnr, error };
  const differences = picture.values.map((value, index) => Math.abs(value - (other.picture.values[index] ?? 0)));
  return { method, time, compile, memory, psnr, error, difference: differences.reduce((a, b) => Math.max(a, b), 0) };
}

/** What the pixel at (x, y) looks at: over the picture, and as the logarithm of its weights. */
export async function lookAt(
  device: Device,
  model: NonLocalMeans,
  clean: Picture,
  bandwidth: number,
  [x, y]: readonly [number, number],
): Promise<{ readonly pictures: ImageFrame; readonly row: HeatmapFrame }> {
  const { width, height } = clean;
  const pixel = Math.min(height - 1, y) * width + Math.min(width - 1, x);
  const weights = await attentionRow(device, model, bandwidth, pixel);
  const values = weights.map((weight) => Math.log10(Math.max(weight, 1e-8)));
  return { pictures: overlayOf('row', clean, weights, pixel), row: { rows: height, columns: width, values } };
}

/** The quality at other bandwidths, from a tenth of the pixels. */
export async function* sweepBandwidth(
  device: Device,
  model: NonLocalMeans,
  clean: Picture,
  noise: number,
): AsyncGenerator<LineFrame> {
  const count = clean.width * clean.height;
  const rows = [Math.floor(0.45 * count), Math.ceil(0.55 * count)] as const;
  for (const factor of [0.3, 0.5, 0.65, 0.8, 1, 1.3, 2]) {
    const x = Math.min(1, factor * Math.max(0.01, noise));
    for await (const { done, picture } of denoise(device, model, { variant: 'flash', bandwidth: () => x, rows })) {
      if (done === rows[1]) yield { series: 'a tenth of the pixels', x, y: peakSignalToNoise(picture, clean, ...rows) };
    }
  }
}

/** What a pixel looks at, in amber over a darkened picture; the strongest of the others is opaque. */
function overlayOf(slot: string, picture: Picture, weights: Float32Array, pixel: number): ImageFrame {
  const strongest = weights.reduce((most, weight, key) => (key === pixel ? most : Math.max(most, weight)), 1e-30);
  const amber = [1, 0.7, 0.1];
  const values = picture.values.map((value, index) => {
    const key = Math.floor(index / 3);
    const opacity = key === pixel ? 1 : Math.min(1, Math.sqrt((weights[key] ?? 0) / strongest));
    return (1 - opacity) * 0.5 * value + opacity * (amber[index % 3] ?? 0);
  });
  const x = pixel % picture.width;
  const note = `of the pixel at ${String(x)}, ${String((pixel - x) / picture.width)}`;
  return { ...imageOf(slot, { ...picture, values }), note };
}

/** The largest error of eight pixels against float64, from the patches and values that are on the device. */
async function errorOf(device: Device, model: NonLocalMeans, bandwidth: number, picture: Picture): Promise<number> {
  const reference = openReferenceDevice();
  const keys = reference.tensor(await device.read(model.patches), model.patches.shape);
  const pixels = reference.tensor(await device.read(model.values), model.values.shape);
  const out = reference.full(model.values.shape, 0);
  const count = model.width * model.height;
  let largest = 0;
  for (let sample = 0; sample < 8; sample++) {
    const pixel = Math.floor(((sample + 0.5) * count) / 8);
    attention(keys, keys, pixels, { ...comparison(model, bandwidth), out, rows: [pixel, pixel + 1] });
    for (let channel = 0; channel < 3; channel++) {
      const exact = out.data[model.options.heads === 3 ? channel * count + pixel : 4 * pixel + channel] ?? 0;
      largest = Math.max(largest, Math.abs(exact - (picture.values[3 * pixel + channel] ?? 0)));
    }
  }
  reference.close();
  return largest;
}
