/** Denoising: photographs as float pictures, noise, what figures need of them, and one variant of attention with its numbers. */
import { denoise, gaussianBlur, peakSignalToNoise, type DenoiseStep, type NonLocalMeans, type Picture } from '../algorithms/non-local-means';
import { resize } from '../data/images';
import { openReferenceDevice } from '../device';
import type { Device } from '../device/device';
import { attention } from '../kernels/attention';
import { randomNormal } from '../kernels/random';
import type { ImageFrame } from './frames';
import type { Photograph } from './parameters';

/** Pixels of a photograph, the longer side `size` long: the whole of it scaled down, or a window at its middle. */
export function pictureOf(photograph: Photograph, size: number, isWindow: boolean): Picture {
  const { width: fullWidth, height: fullHeight } = photograph;
  const ratio = size / Math.max(fullWidth, fullHeight);
  const width = Math.max(1, isWindow ? Math.min(size, fullWidth) : Math.round(ratio * fullWidth));
  const height = Math.max(1, isWindow ? Math.min(Math.round(0.75 * size), fullHeight) : Math.round(ratio * fullHeight));
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

/** A picture plus normal noise of standard deviation `sigma`, the same on every device. */
export async function withNoise(device: Device, clean: Picture, sigma: number, seed: number): Promise<Picture> {
  using scope = device.scope();
  void scope;
  const noise = await device.read(randomNormal(device, [clean.values.length], { seed }));
  return { ...clean, values: clean.values.map((value, index) => value + sigma * (noise[index] ?? 0)) };
}

/** A picture for a slot of the image figure, with its PSNR against the clean one. */
export function imageOf(slot: string, picture: Picture, clean?: Picture, done?: number): ImageFrame {
  const { width, height, values } = picture;
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < values.length; i++) pixels[4 * Math.floor(i / 3) + (i % 3)] = 255 * (values[i] ?? 0);
  const note = clean && `${peakSignalToNoise(picture, clean, 0, done).toFixed(2)} dB`;
  return { slot, width, height, pixels, ...(note === undefined ? {} : { note }) };
}

/** The pixels that a pixel looks at, in amber over a darkened picture; the strongest of the others is opaque. */
export function overlayOf(slot: string, picture: Picture, weights: Float32Array, pixel: number): ImageFrame {
  const strongest = weights.reduce((most, weight, key) => (key === pixel ? most : Math.max(most, weight)), 1e-30);
  const accent = [1, 0.7, 0.1];
  const values = picture.values.map((value, index) => {
    const key = Math.floor(index / 3);
    const opacity = key === pixel ? 1 : Math.min(1, Math.sqrt((weights[key] ?? 0) / strongest));
    return (1 - opacity) * 0.5 * value + opacity * (accent[index % 3] ?? 0);
  });
  const x = pixel % picture.width;
  return { ...imageOf(slot, { ...picture, values }), note: `pixel ${String(x)}, ${String((pixel - x) / picture.width)}` };
}

/** The PSNR of the best Gaussian blur among a few widths, and its width in pixels. */
export async function bestBlur(device: Device, noisy: Picture, clean: Picture): Promise<{ psnr: number; sigma: number }> {
  let best = { psnr: -Infinity, sigma: 0 };
  for (const sigma of [0.4, 0.55, 0.7, 0.9, 1.2]) {
    const psnr = peakSignalToNoise(await gaussianBlur(device, noisy, sigma), clean);
    if (psnr > best.psnr) best = { psnr, sigma };
  }
  return best;
}

/** What one variant took and how well it did. */
export interface VariantNumbers {
  readonly milliseconds: number;
  readonly compileMs: number;
  readonly liveBytes: number;
  readonly psnr: number;
  readonly picture: Picture;
  /** Largest error of eight rows of the result against float64. */
  readonly error: number;
}

/** Sums up a finished run of `denoise`. */
export function summarize(last: DenoiseStep, clean: Picture, exact: Map<number, readonly number[]>): VariantNumbers {
  let error = 0;
  for (const [pixel, color] of exact) {
    color.forEach((value, channel) => {
      error = Math.max(error, Math.abs(value - (last.picture.values[3 * pixel + channel] ?? 0)));
    });
  }
  return { ...last, psnr: peakSignalToNoise(last.picture, clean), error };
}

/** What eight pixels should be, in float64, from the patches and values that are on the device. */
export async function exactPixels(device: Device, model: NonLocalMeans, options: Parameters<typeof attention>[3]): Promise<Map<number, readonly number[]>> {
  const [patches, values] = await Promise.all([device.read(model.patches), device.read(model.values)]);
  const reference = openReferenceDevice();
  const keys = reference.tensor(patches, model.patches.shape);
  const pixels = reference.tensor(values, model.values.shape);
  const out = reference.full(model.values.shape, 0);
  const count = model.width * model.height;
  const [heads = 1, , columns = 1] = model.values.shape;
  const exact = new Map<number, readonly number[]>();
  for (let sample = 0; sample < 8; sample++) {
    const pixel = Math.floor(((sample + 0.5) * count) / 8);
    attention(keys, keys, pixels, { ...options, out, rows: [pixel, pixel + 1] });
    exact.set(pixel, [0, 1, 2].map((channel) => Number(heads === 3 ? out.data[channel * count + pixel] : out.data[pixel * columns + channel])));
  }
  reference.close();
  return exact;
}
