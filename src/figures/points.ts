/** Many small discs written straight into pixels: a canvas call for each of 30,000 points would take longer than a frame. */

/** Points in pixels of the image. */
export interface Cloud {
  /** Column, row and depth of each point; greater depth is farther away. */
  readonly positions: Float32Array;
  /** RGB bytes of each point, or null where all have `paint`. */
  readonly colors: Uint8Array | null;
  readonly paint: readonly [number, number, number];
}

const OPACITY = 0.75;
/** Slices of depth: points are drawn from back to front, slice by slice. */
const SLICES = 256;

/** One pixel of a disc: where it is relative to the centre's pixel, and how much of it is covered. */
interface DiscPixel {
  readonly dx: number;
  readonly dy: number;
  readonly cover: number;
}

function disc(radius: number): DiscPixel[] {
  const reach = Math.ceil(radius);
  const pixels: DiscPixel[] = [];
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(dx, dy)));
      if (cover > 0) pixels.push({ dx, dy, cover: cover * OPACITY });
    }
  }
  return pixels;
}

/** The points of all clouds as cloud and point indices, the farthest slice first; points without a place are left out. */
function backToFront(clouds: readonly Cloud[]): readonly (readonly [cloud: Cloud, point: number])[] {
  let near = Infinity;
  let far = -Infinity;
  for (const { positions } of clouds) {
    for (let index = 2; index < positions.length; index += 3) {
      const depth = positions[index] ?? 0;
      if (depth < near) near = depth;
      if (depth > far) far = depth;
    }
  }
  const slices = Array.from({ length: SLICES }, (): (readonly [Cloud, number])[] => []);
  const scale = far > near ? (SLICES - 1) / (far - near) : 0;
  const longest = Math.max(0, ...clouds.map((cloud) => cloud.positions.length / 3));
  // Clouds take turns, so that at one depth none of them hides another.
  for (let point = 0; point < longest; point += 1) {
    for (const cloud of clouds) {
      const depth = cloud.positions[3 * point + 2];
      if (depth !== undefined && Number.isFinite(depth))
        slices[Math.round((far - depth) * scale)]?.push([cloud, point]);
    }
  }
  return slices.flat();
}

/** Paints the clouds over what the image holds. Points that are not finite, or fall outside, are left out. */
export function paintPoints(image: ImageData, clouds: readonly Cloud[], radius: number): void {
  const { data, width, height } = image;
  const pixels = disc(radius);
  for (const [cloud, point] of backToFront(clouds)) {
    const column = Math.round(cloud.positions[3 * point] ?? NaN);
    const row = Math.round(cloud.positions[3 * point + 1] ?? NaN);
    if (!(column >= 0 && column < width && row >= 0 && row < height)) continue;
    const { colors, paint } = cloud;
    const red = colors?.[3 * point] ?? paint[0];
    const green = colors?.[3 * point + 1] ?? paint[1];
    const blue = colors?.[3 * point + 2] ?? paint[2];
    for (const { dx, dy, cover } of pixels) {
      const x = column + dx;
      const y = row + dy;
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      const at = 4 * (y * width + x);
      const below = ((data[at + 3] ?? 0) / 255) * (1 - cover);
      const alpha = cover + below;
      data[at] = (red * cover + (data[at] ?? 0) * below) / alpha;
      data[at + 1] = (green * cover + (data[at + 1] ?? 0) * below) / alpha;
      data[at + 2] = (blue * cover + (data[at + 2] ?? 0) * below) / alpha;
      data[at + 3] = 255 * alpha;
    }
  }
}
