import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearOfByte } from '../../src/data/colors';
import { resize } from '../../src/data/images';
import { InvalidInputError } from '../../src/device/errors';
import type { Photograph } from '../../src/labs/parameters';

function picture(width: number, height: number, pixels: readonly number[]): Photograph {
  return { name: 'a', width, height, pixels: Uint8ClampedArray.from(pixels) };
}

const white = [255, 255, 255, 255];
const black = [0, 0, 0, 255];

describe('resize', () => {
  it('averages light, not bytes: half white and half black is sRGB 188', () => {
    expect([...resize(picture(2, 1, [...white, ...black]), 1, 1).pixels]).toEqual([188, 188, 188, 255]);
    expect([...resize(picture(1, 2, [...white, ...black]), 1, 1).pixels]).toEqual([188, 188, 188, 255]);
  });

  it('gives each source pixel the share of the area that it covers', () => {
    // Three columns into two: each new pixel covers one and a half. Light 2/3 is sRGB 213, 1/3 is 156.
    const { pixels } = resize(picture(3, 1, [...white, ...white, ...black]), 2, 1);
    expect([...pixels]).toEqual([...white, 156, 156, 156, 255]);
  });

  it('keeps rows and columns apart', () => {
    const source = picture(
      4,
      2,
      [10, 20, 30, 40, 50, 60, 70, 80].flatMap((value) => [value, value, value, 255]),
    );
    const { width, height, pixels } = resize(source, 4, 1);
    expect([width, height]).toEqual([4, 1]);
    const mean = (a: number, b: number): number => ((linearOfByte[a] ?? 0) + (linearOfByte[b] ?? 0)) / 2;
    [mean(10, 50), mean(20, 60), mean(30, 70), mean(40, 80)].forEach((light, i) => {
      expect(Math.abs((linearOfByte[pixels[4 * i] ?? 0] ?? 0) - light)).toBeLessThan(0.002);
    });
  });

  it('does not let transparent pixels colour their neighbours', () => {
    expect([...resize(picture(2, 1, [255, 0, 0, 255, 0, 255, 0, 0]), 1, 1).pixels]).toEqual([255, 0, 0, 128]);
  });

  it('leaves a constant picture constant at any size', () => {
    const side = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        fc.integer({ min: 0, max: 255 }),
        (width, height, newWidth, newHeight, value) => {
          const source = picture(
            width,
            height,
            new Array<number[]>(width * height).fill([value, value, value, 255]).flat(),
          );
          const result = resize(source, newWidth, newHeight);
          expect(result.pixels.length).toBe(4 * newWidth * newHeight);
          expect(result.pixels.every((byte, i) => byte === (i % 4 === 3 ? 255 : value))).toBe(true);
        },
      ),
    );
  });

  it('returns a copy at the same size', () => {
    const source = picture(1, 1, [1, 2, 3, 4]);
    const copy = resize(source, 1, 1);
    expect(copy).toEqual(source);
    expect(copy.pixels).not.toBe(source.pixels);
  });

  it.each([
    [0, 1],
    [1, -1],
    [1.5, 1],
    [NaN, 1],
  ])('refuses %s x %s', (width, height) => {
    expect(() => resize(picture(1, 1, white), width, height)).toThrow(InvalidInputError);
  });
});
