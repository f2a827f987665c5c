/** Photographs that people bring: decoded by the browser, in a worker or on a page, at a size that a lab can hold. */
import { imageSize } from 'image-size';
import { InvalidInputError, UnsupportedError } from '../device/errors';
import type { Photograph } from '../labs/parameters';
import { linearOfByte, linearToSrgb } from './colors';

/** The most pixels a decoded photograph has: four floats for each fill one binding of 128 MiB. */
export const MAXIMUM_PIXELS = 2 ** 23;

/** The most pixels that a file may have; decoding needs four bytes for each before it can be scaled down. */
const MAXIMUM_SOURCE_PIXELS = 2 ** 28;

/** A photograph, and what a person should know about how it was read. */
export interface DecodedImage {
  readonly photograph: Photograph;
  /** One sentence where the picture is not what the file holds (it was scaled down), else null. */
  readonly note: string | null;
}

interface SourceSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Decodes an image file. A picture of more than `maximumPixels` is scaled down, and the note says so. Throws `InvalidInputError` for
 * what is not an image or damaged, and `UnsupportedError` for more than 268 million pixels and for kinds that this browser
 * cannot decode.
 */
export async function decodeImage(file: Blob, name: string, maximumPixels = MAXIMUM_PIXELS): Promise<DecodedImage> {
  const { type, ...source } = readSize(new Uint8Array(await file.arrayBuffer()), name);
  const { width, height } = fit(source, maximumPixels);
  const isScaled = width !== source.width || height !== source.height;
  const scaling: ImageBitmapOptions = isScaled
    ? { resizeWidth: width, resizeHeight: height, resizeQuality: 'medium' }
    : {};
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { ...scaling, premultiplyAlpha: 'none', colorSpaceConversion: 'default' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw ['jpg', 'png', 'gif', 'webp', 'bmp'].includes(type)
      ? new InvalidInputError(
          `${name} is damaged: the browser cannot decode it (${reason}). Give another copy of it.`,
          { field: name },
        )
      : new UnsupportedError(`This browser cannot decode ${name} (${type}): save it as JPEG or PNG.`, {
          field: name,
          type,
        });
  }
  try {
    return {
      photograph: { name, width: bitmap.width, height: bitmap.height, pixels: readPixels(bitmap) },
      note: isScaled
        ? `${name} was scaled down from ${source.width} × ${source.height} to ${bitmap.width} × ${bitmap.height} pixels.`
        : null,
    };
  } finally {
    bitmap.close();
  }
}

/** Reads width, height and kind off the file's header, turned as its orientation says, before anything is decoded. */
function readSize(bytes: Uint8Array, name: string): SourceSize & { readonly type: string } {
  if (bytes.byteLength === 0) throw new InvalidInputError(`${name} is empty: give an image file.`, { field: name });
  let header: ReturnType<typeof imageSize>;
  try {
    header = imageSize(bytes);
  } catch {
    throw new InvalidInputError(`${name} is not an image: give a JPEG, PNG, WebP, GIF or AVIF file.`, { field: name });
  }
  const isTurned = (header.orientation ?? 1) >= 5;
  const width = isTurned ? header.height : header.width;
  const height = isTurned ? header.width : header.height;
  if (!(width >= 1 && height >= 1)) {
    throw new InvalidInputError(`${name} has ${width} × ${height} pixels: give an image with at least one.`, {
      field: name,
      width,
      height,
    });
  }
  if (width * height > MAXIMUM_SOURCE_PIXELS) {
    throw new UnsupportedError(
      `${name} has ${width} × ${height} pixels, more than the ${MAXIMUM_SOURCE_PIXELS / 2 ** 20} million that can be decoded: scale it down first.`,
      { field: name, width, height },
    );
  }
  return { width, height, type: header.type ?? 'unknown' };
}

/** The largest size of the same proportions with at most so many pixels. */
function fit({ width, height }: SourceSize, maximumPixels: number): SourceSize {
  const scale = Math.sqrt(maximumPixels / (width * height));
  if (scale >= 1) return { width, height };
  const side = (length: number): number => Math.min(maximumPixels, Math.max(1, Math.floor(length * scale)));
  return { width: side(width), height: side(height) };
}

function readPixels(bitmap: ImageBitmap): Uint8ClampedArray<ArrayBuffer> {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', {
    willReadFrequently: true,
    colorSpace: 'srgb',
  });
  if (context === null) {
    throw new UnsupportedError('This browser has no 2D canvas to decode images with: update it or use another one.');
  }
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

/**
 * Scales a photograph to `width` x `height` pixels by averaging the area that each new pixel covers, in linear light and weighted by
 * alpha. Throws `InvalidInputError` for a size below 1 x 1.
 */
export function resize(photograph: Photograph, width: number, height: number): Photograph {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new InvalidInputError(
      `A photograph cannot be scaled to ${width} × ${height} pixels: give whole numbers of at least 1.`,
      {
        width,
        height,
      },
    );
  }
  if (width === photograph.width && height === photograph.height)
    return { ...photograph, pixels: photograph.pixels.slice() };
  const light = toPremultipliedLight(photograph.pixels);
  const narrow = averageAlong(light, {
    lines: photograph.height,
    from: photograph.width,
    to: width,
    step: 4,
    stride: 4 * photograph.width,
  });
  const small = averageAlong(narrow, { lines: width, from: photograph.height, to: height, step: 4 * width, stride: 4 });
  return { name: photograph.name, width, height, pixels: toBytes(small) };
}

/** Linear RGB times alpha, and alpha, all from 0 to 1. */
function toPremultipliedLight(pixels: Uint8ClampedArray): Float32Array {
  const light = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = (pixels[i + 3] ?? 0) / 255;
    for (let channel = 0; channel < 3; channel++)
      light[i + channel] = alpha * (linearOfByte[pixels[i + channel] ?? 0] ?? 0);
    light[i + 3] = alpha;
  }
  return light;
}

function toBytes(light: Float32Array): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(light.length);
  for (let i = 0; i < light.length; i += 4) {
    const alpha = light[i + 3] ?? 0;
    for (let channel = 0; channel < 3; channel++) {
      pixels[i + channel] = alpha > 0 ? 255 * linearToSrgb((light[i + channel] ?? 0) / alpha) : 0;
    }
    pixels[i + 3] = 255 * alpha;
  }
  return pixels;
}

interface Axis {
  /** How many lines of pixels are averaged, and how far apart they begin in the source. */
  readonly lines: number;
  readonly stride: number;
  /** Pixels of a line before and after, and how far apart they lie. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Box filter along one axis of an RGBA picture; the result keeps the layout of the source. */
function averageAlong(source: Float32Array, { lines, stride, from, to, step }: Axis): Float32Array {
  const isHorizontal = step === 4;
  const result = new Float32Array(4 * lines * to);
  const scale = from / to;
  for (let target = 0; target < to; target++) {
    const start = target * scale;
    const end = Math.min(from, start + scale);
    for (let pixel = Math.floor(start); pixel < Math.min(from, Math.ceil(end)); pixel++) {
      const share = (Math.min(end, pixel + 1) - Math.max(start, pixel)) / scale;
      if (share <= 0) continue;
      for (let line = 0; line < lines; line++) {
        const into = isHorizontal ? 4 * (line * to + target) : 4 * (target * lines + line);
        const out = line * stride + pixel * step;
        for (let channel = 0; channel < 4; channel++) {
          result[into + channel] = (result[into + channel] ?? 0) + share * (source[out + channel] ?? 0);
        }
      }
    }
  }
  return result;
}
