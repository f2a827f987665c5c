import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromColorSpace,
  linearToOklab,
  linearToSrgb,
  oklabToLinear,
  srgbToLinear,
  toColorSpace,
} from '../../src/data/colors';

const byte = fc.integer({ min: 0, max: 255 });

describe('the sRGB curve', () => {
  it('meets known values and is its own inverse', () => {
    expect(srgbToLinear(0)).toBe(0);
    expect(srgbToLinear(1)).toBe(1);
    // sRGB 0.5 is 21.404 % light (IEC 61966-2-1).
    expect(srgbToLinear(0.5)).toBeCloseTo(0.21404114048, 10);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (value) => {
        // The standard's two branches meet with a gap of about 3e-8.
        expect(Math.abs(linearToSrgb(srgbToLinear(value)) - value)).toBeLessThan(1e-7);
      }),
    );
  });

  it('clamps what no screen shows', () => {
    expect(linearToSrgb(-0.5)).toBe(0);
    expect(linearToSrgb(1.5)).toBeCloseTo(1, 15);
  });
});

describe('OKLab', () => {
  // CSS Color 4 lists these coordinates of the sRGB primaries, to six digits.
  it.each([
    ['red', [1, 0, 0], [0.627955, 0.224863, 0.125846]],
    ['green', [0, 1, 0], [0.86644, -0.233888, 0.179498]],
    ['blue', [0, 0, 1], [0.452014, -0.032457, -0.311528]],
    ['white', [1, 1, 1], [1, 0, 0]],
    ['black', [0, 0, 0], [0, 0, 0]],
  ] as const)('gives %s its published coordinates', (_, linear, expected) => {
    const color = linearToOklab(linear);
    for (let i = 0; i < 3; i++) expect(Math.abs((color[i] ?? NaN) - (expected[i] ?? NaN))).toBeLessThan(1e-6);
  });

  it('comes back to linear light within the digits of the published matrices', () => {
    const light = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(light, light, light, (red, green, blue) => {
        const back = oklabToLinear(linearToOklab([red, green, blue]));
        // Ten digits a coefficient, times the largest entries of the inverse (4.1 + 3.3 + 0.2) cubed in.
        [red, green, blue].forEach((value, i) => expect(Math.abs((back[i] ?? NaN) - value)).toBeLessThan(1e-6));
      }),
    );
  });
});

describe('toColorSpace and fromColorSpace', () => {
  it.each(['linear-rgb', 'oklab'] as const)('bring every opaque pixel back through %s', (space) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(byte, byte, byte), { minLength: 1, maxLength: 20 }), (colors) => {
        const pixels = Uint8ClampedArray.from(colors.flatMap((color) => [...color, 255]));
        expect(fromColorSpace(toColorSpace(pixels, space), space)).toEqual(pixels);
      }),
    );
  });

  it('clamp colours out of gamut and take alpha from the caller', () => {
    const pixels = fromColorSpace(Float32Array.of(2, -1, 0.5, 0, 0, 0), 'linear-rgb', (pixel) => 10 * pixel);
    expect([...pixels]).toEqual([255, 0, 188, 0, 0, 0, 0, 10]);
  });
});
