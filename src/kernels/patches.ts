/** The patch around each pixel as a row of a matrix: what non-local means compares (Buades, Coll, Morel, CVPR 2005). */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { u32 } from '../device/uniforms';

/** Options of `patches`. */
export interface PatchOptions {
  /** Pixels along a side; odd, at least 1. */
  readonly patchSize: number;
  /** Into how many rows the channels are split, so that each head compares its own. Must divide the channels. Default 1. */
  readonly heads?: number;
}

interface PatchShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly heads: number;
  /** Features of one head's patch, and with the zeros behind them. */
  readonly features: number;
  readonly rowSize: number;
}

function patchShape(image: Tensor, { patchSize, heads = 1 }: PatchOptions): PatchShape {
  const [height = 0, width = 0, channels = 0] = image.shape;
  if (image.shape.length !== 3) {
    throw new InvalidInputError(
      `patches needs an image [height, width, channels], but the shape is [${image.shape.join(', ')}].`,
      { field: 'image' },
    );
  }
  if (!Number.isInteger(patchSize) || patchSize < 1 || patchSize % 2 === 0) {
    throw new InvalidInputError(`A patch must have an odd number of pixels a side, not ${String(patchSize)}.`, {
      field: 'patchSize',
    });
  }
  if (!Number.isInteger(heads) || heads < 1 || channels % heads !== 0) {
    throw new InvalidInputError(`${String(channels)} channels cannot be split among ${String(heads)} heads.`, {
      field: 'heads',
    });
  }
  const features = (patchSize * patchSize * channels) / heads;
  return { height, width, channels, heads, features, rowSize: 4 * Math.ceil(features / 4) };
}

/**
 * Patches of an image [height, width, channels] as [heads, height * width, features], edges repeated. The features of a row run
 * over the patch's lines, its columns, and the head's channels; zeros fill the row up to a multiple of four. Throws
 * `InvalidInputError` for a patch size that is not odd and for channels that the heads cannot share.
 */
export const patches = defineKernel({
  name: 'patches',
  summary: 'The patch around each pixel as a row: [height, width, channels] becomes [heads, height * width, features].',
  shaders: ['attention/patches'],
  cost(image: Tensor, options: PatchOptions) {
    const { height, width, heads, rowSize } = patchShape(image, options);
    return { flops: 0, bytes: 8 * heads * height * width * rowSize };
  },
  webgpu(gpu, image, options): Tensor {
    const { height, width, channels, heads, rowSize } = patchShape(image, options);
    const result = gpu.empty([heads, height * width, rowSize]);
    gpu.dispatch({
      shader: 'attention/patches',
      uniforms: {
        width: u32(width),
        height: u32(height),
        channels: u32(channels),
        patchSize: u32(options.patchSize),
        heads: u32(heads),
        rowSize: u32(rowSize),
      },
      reads: [image],
      writes: [result],
      workgroups: [Math.ceil(result.size / 256)],
    });
    return result;
  },
  reference(cpu, image, options): Tensor {
    const { height, width, channels, heads, features, rowSize } = patchShape(image, options);
    const { patchSize } = options;
    const own = channels / heads;
    const radius = (patchSize - 1) / 2;
    const result = cpu.empty([heads, height * width, rowSize]);
    for (let index = 0; index < result.size; index++) {
      const feature = index % rowSize;
      if (feature >= features) continue;
      const pixel = Math.floor(index / rowSize) % (height * width);
      const head = Math.floor(index / rowSize / (height * width));
      const place = Math.floor(feature / own);
      const x = clamp((pixel % width) + (place % patchSize) - radius, width);
      const y = clamp(Math.floor(pixel / width) + Math.floor(place / patchSize) - radius, height);
      result.data[index] = image.data[(y * width + x) * channels + head * own + (feature % own)] ?? 0;
    }
    return result;
  },
});

function clamp(position: number, size: number): number {
  return Math.min(size - 1, Math.max(0, position));
}
