/** Distinct colours of a photograph, and repainting with others. */
import { describe, expect, it } from 'vitest';
import { paletteOf, repaint } from '../../src/data/palette';
import type { Photograph } from '../../src/labs/parameters';

const photograph: Photograph = {
  name: 'four pixels',
  width: 2,
  height: 2,
  pixels: new Uint8ClampedArray([10, 20, 30, 255, 10, 20, 30, 128, 255, 0, 7, 255, 11, 20, 30, 0]),
};

describe('paletteOf', () => {
  it('collects each colour once, in the order met', () => {
    const { count, colors, indices } = paletteOf(photograph);
    expect(count).toBe(3);
    expect(Array.from(indices)).toEqual([0, 0, 1, 2]);
    expect(Array.from(colors)).toEqual([10, 20, 30, 255, 255, 0, 7, 255, 11, 20, 30, 255]);
  });

  it('takes near colours together at fewer bits, as the middle of their cell', () => {
    const { count, colors, indices } = paletteOf(photograph, 5);
    expect(count).toBe(2);
    expect(Array.from(indices)).toEqual([0, 0, 1, 0]);
    expect(Array.from(colors)).toEqual([12, 20, 28, 255, 252, 4, 4, 255]);
  });
});

describe('repaint', () => {
  it('replaces colours and keeps alpha', () => {
    const palette = paletteOf(photograph);
    const painted = repaint(photograph, palette, new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255]));
    expect(Array.from(painted)).toEqual([1, 2, 3, 255, 1, 2, 3, 128, 4, 5, 6, 255, 7, 8, 9, 0]);
  });

  it('gives the photograph back for its own colours', () => {
    const palette = paletteOf(photograph);
    expect(Array.from(repaint(photograph, palette, palette.colors))).toEqual(Array.from(photograph.pixels));
  });
});
