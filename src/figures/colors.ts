/** Colours as bytes: the map of heatmaps, and CSS colours read back for canvases. */

/**
 * Viridis at tenths of its length, made for matplotlib by Stéfan van der Walt and Nathaniel Smith
 * (https://bids.github.io/colormap/, public domain by CC0): perceptually uniform, and readable without red or green.
 */
const VIRIDIS = [0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725];

/** Steps of the map: more than eyes tell apart. */
export const MAP_STEPS = 256;

/** A cubic through four equally spaced values (Catmull-Rom), between the middle two. */
function cubic(before: number, from: number, to: number, after: number, t: number): number {
  const slopeFrom = (to - before) / 2;
  const slopeTo = (after - from) / 2;
  const bend = to - from;
  return from + t * (slopeFrom + t * (3 * bend - 2 * slopeFrom - slopeTo + t * (slopeFrom + slopeTo - 2 * bend)));
}

function buildMap(): Uint8ClampedArray {
  const map = new Uint8ClampedArray(4 * MAP_STEPS);
  const last = VIRIDIS.length - 1;
  const channelOf = (index: number, shift: number) => ((VIRIDIS[index] ?? 0) >> shift) & 255;
  for (let step = 0; step < MAP_STEPS; step += 1) {
    const position = (step / (MAP_STEPS - 1)) * last;
    const index = Math.min(last - 1, Math.floor(position));
    for (const [channel, shift] of [16, 8, 0].entries()) {
      const from = channelOf(index, shift);
      const to = channelOf(index + 1, shift);
      // Beyond the ends the line goes straight on.
      const before = index > 0 ? channelOf(index - 1, shift) : 2 * from - to;
      const after = index + 2 <= last ? channelOf(index + 2, shift) : 2 * to - from;
      map[4 * step + channel] = cubic(before, from, to, after, position - index);
    }
    map[4 * step + 3] = 255;
  }
  return map;
}

/** Viridis as RGBA bytes, `4 * MAP_STEPS` of them, from low to high. */
export const viridis: Uint8ClampedArray = buildMap();

/** The same map as words of canvas pixels, for writing whole pixels at once. */
export const viridisWords: Uint32Array = new Uint32Array(viridis.buffer);

const knownColors = new Map<string, readonly [number, number, number]>();

/** Any opaque CSS colour as red, green and blue bytes. */
export function colorBytes(color: string): readonly [number, number, number] {
  const known = knownColors.get(color);
  if (known !== undefined) return known;
  // In plain memory: reading back from an accelerated canvas makes the page wait for the GPU's process.
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  if (!context) return [128, 128, 128];
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  knownColors.set(color, [red, green, blue]);
  return [red, green, blue];
}
