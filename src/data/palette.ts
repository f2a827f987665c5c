/** The distinct colours of a photograph: what is done to every pixel only has to be done to each of them. */
import type { Photograph } from '../labs/parameters';

/** Distinct colours, and which of them each pixel has. */
export interface Palette {
  readonly count: number;
  /** RGBA, `4 * count` bytes, opaque. */
  readonly colors: Uint8ClampedArray<ArrayBuffer>;
  /** One index into the colours per pixel. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** Bits per channel that were told apart. */
  readonly bits: number;
}

/** Collects the colours of a photograph, told apart by the upper `bits` (1 to 8) of each channel; a colour is the middle of its cell. */
export function paletteOf({ pixels, width, height }: Photograph, bits = 8): Palette {
  const shift = 8 - bits;
  const middle = shift === 0 ? 0 : 2 ** (shift - 1);
  const places = new Map<number, number>();
  const keys: number[] = [];
  const indices = new Uint32Array(width * height);
  let lastKey = -1;
  let last = 0;
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const key =
      (((pixels[4 * pixel] ?? 0) >> shift) << 16) |
      (((pixels[4 * pixel + 1] ?? 0) >> shift) << 8) |
      ((pixels[4 * pixel + 2] ?? 0) >> shift);
    if (key !== lastKey) {
      lastKey = key;
      last = places.get(key) ?? -1;
      if (last < 0) {
        last = keys.length;
        places.set(key, last);
        keys.push(key);
      }
    }
    indices[pixel] = last;
  }
  const colors = new Uint8ClampedArray(4 * keys.length);
  keys.forEach((key, at) => {
    for (let channel = 0; channel < 3; channel++)
      colors[4 * at + channel] = (((key >> (16 - 8 * channel)) & 255) << shift) + middle;
    colors[4 * at + 3] = 255;
  });
  return { count: keys.length, colors, indices, bits };
}

/** A photograph's pixels with its palette's colours replaced by others (RGBA, same count); its own alpha stays. */
export function repaint(
  photograph: Photograph,
  palette: Palette,
  colors: Uint8ClampedArray,
): Uint8ClampedArray<ArrayBuffer> {
  const words = new Uint32Array(colors.slice().buffer);
  const pixels = new Uint8ClampedArray(4 * palette.indices.length);
  new Uint32Array(pixels.buffer).set(Uint32Array.from(palette.indices, (index) => words[index] ?? 0));
  for (let at = 3; at < pixels.length; at += 4) pixels[at] = photograph.pixels[at] ?? 255;
  return pixels;
}
