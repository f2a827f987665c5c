/**
 * Colour spaces, in float64: sRGB bytes to linear RGB and OKLab and back. OKLab and its matrices: Björn Ottosson, "A perceptual
 * color space for image processing" (2020), https://bottosson.github.io/posts/oklab/. The sRGB curve: IEC 61966-2-1.
 */

/** Where colours are compared: light itself, or a space in which equal distances look equally different. */
export type ColorSpace = 'linear-rgb' | 'oklab';

type Color = readonly [number, number, number];

/** Linear light, 0 to 1, of an sRGB value from 0 to 1. */
export function srgbToLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** The sRGB value, 0 to 1, of linear light; values outside of 0 to 1 are clamped. */
export function linearToSrgb(value: number): number {
  const light = Math.min(1, Math.max(0, value));
  return light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Linear light of each of the 256 sRGB bytes. */
export const linearOfByte: Float64Array<ArrayBuffer> = Float64Array.from({ length: 256 }, (_, byte) =>
  srgbToLinear(byte / 255),
);

/** OKLab (L, a, b) of linear sRGB. */
export function linearToOklab([red, green, blue]: Color): Color {
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** Linear sRGB of OKLab; colours that a screen cannot show come out below 0 or above 1. */
export function oklabToLinear([lightness, a, b]: Color): Color {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** Three coordinates for each RGBA pixel, one after the other; alpha is left out. */
export function toColorSpace(pixels: ArrayLike<number>, space: ColorSpace): Float32Array<ArrayBuffer> {
  const count = pixels.length / 4;
  const result = new Float32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const linear: Color = [lightAt(pixels, 4 * i), lightAt(pixels, 4 * i + 1), lightAt(pixels, 4 * i + 2)];
    result.set(space === 'oklab' ? linearToOklab(linear) : linear, 3 * i);
  }
  return result;
}

/** RGBA bytes of three coordinates a pixel; what a screen cannot show is clamped, and pixels are opaque unless `alpha` gives theirs. */
export function fromColorSpace(
  coordinates: ArrayLike<number>,
  space: ColorSpace,
  alpha: (pixel: number) => number = () => 255,
): Uint8ClampedArray<ArrayBuffer> {
  const count = coordinates.length / 3;
  const result = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i++) {
    const color: Color = [coordinates[3 * i] ?? 0, coordinates[3 * i + 1] ?? 0, coordinates[3 * i + 2] ?? 0];
    const [red, green, blue] = space === 'oklab' ? oklabToLinear(color) : color;
    result.set([255 * linearToSrgb(red), 255 * linearToSrgb(green), 255 * linearToSrgb(blue), alpha(i)], 4 * i);
  }
  return result;
}

function lightAt(pixels: ArrayLike<number>, index: number): number {
  return linearOfByte[pixels[index] ?? 0] ?? 0;
}
