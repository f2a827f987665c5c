/** The colour map of heatmaps. */
import { expect, test } from 'vitest';
import { MAP_STEPS, viridis } from '../../src/figures/colors';

test('the map is as even to the eye as viridis: lightness never falls and never jumps', () => {
  const lightness = Array.from({ length: MAP_STEPS }, (_, step) => {
    const [red = 0, green = 0, blue = 0] = [...viridis.subarray(4 * step, 4 * step + 3)].map((byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    return luminance > 0.008856 ? 116 * Math.cbrt(luminance) - 16 : 903.3 * luminance;
  });
  const steps = lightness.slice(8).map((value, index) => value - (lightness[index] ?? 0));
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  expect(Math.min(...steps)).toBeGreaterThan(0.5 * mean);
  expect(Math.max(...steps)).toBeLessThan(1.6 * mean);
});
