/** Pictures on the device: pooling a large matrix to a small one, colours for values, photographs to numbers and back. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type ElementType, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import type { GpuTensor, WebGpuDevice } from '../device/webgpu-device';

export type Pooling = 'max' | 'mean';

/**
 * Pools a matrix into a smaller one of [rows, columns] cells of nearly equal size, so that a picture of a huge matrix costs
 * a picture and not a read-back. Where the target is larger, elements are repeated: [m, n] -> [rows, columns].
 */
export const downsample = defineKernel({
  name: 'downsample',
  summary: 'The maximum or mean of each cell of a grid over a matrix: [m, n] becomes [rows, columns].',
  shaders: ['picture/pool'],
  cost: (x: Tensor, shape: readonly [rows: number, columns: number], _pooling: Pooling) => {
    checkType('downsample', x, 'f32');
    matrixShape(x, 'x');
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 1)) {
      throw new InvalidInputError(
        `downsample cannot make a picture of ${shape.join(' x ')}: give whole numbers of at least 1.`,
        { field: 'shape' },
      );
    }
    return { flops: x.size, bytes: 4 * (x.size + shape[0] * shape[1]) };
  },
  webgpu(gpu, x, [rows, columns], pooling): Tensor {
    const [m, n] = matrixShape(x, 'x');
    const out = gpu.empty([rows, columns]);
    using scope = gpu.scope();
    // Down the columns first, where neighbours in memory are pooled by neighbouring invocations.
    const narrow = rows === m ? x : gpu.empty([rows, n]);
    if (rows !== m)
      recordPooling(gpu, { x, out: narrow, outer: 1, length: m, inner: n, cells: rows, pooling, share: 0.9 });
    recordPooling(gpu, {
      x: narrow,
      out,
      outer: rows,
      length: n,
      inner: 1,
      cells: columns,
      pooling,
      share: rows === m ? 1 : 0.1,
    });
    return out;
  },
  reference(cpu, x, [rows, columns], pooling): Tensor {
    const [m, n] = matrixShape(x, 'x');
    const out = cpu.empty([rows, columns]);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [top, bottom] = cellRange(row, rows, m);
        const [left, right] = cellRange(column, columns, n);
        let largest = -Infinity;
        let sum = 0;
        for (let i = top; i < bottom; i++) {
          for (let j = left; j < right; j++) {
            const value = x.data[i * n + j] ?? 0;
            largest = Math.max(largest, value);
            sum += value;
          }
        }
        out.data[row * columns + column] = pooling === 'max' ? largest : sum / ((bottom - top) * (right - left));
      }
    }
    return out;
  },
});

/** Which elements of an axis a cell covers: at least one. */
function cellRange(cell: number, cells: number, length: number): [first: number, end: number] {
  const first = Math.floor((cell * length) / cells);
  return [first, Math.max(first + 1, Math.floor(((cell + 1) * length) / cells))];
}

interface PoolingPass {
  readonly x: GpuTensor;
  readonly out: GpuTensor;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly cells: number;
  readonly pooling: Pooling;
  readonly share: number;
}

function recordPooling(gpu: WebGpuDevice, { x, out, outer, length, inner, cells, pooling, share }: PoolingPass): void {
  gpu.dispatch({
    shader: 'picture/pool',
    conditions: pooling === 'max' ? { maximum: true } : { mean: true },
    uniforms: { outer: u32(outer), length: u32(length), inner: u32(inner), cells: u32(cells) },
    reads: [x],
    writes: [out],
    workgroups: [Math.ceil((cells * inner) / 64), outer],
    share,
  });
}

/** Options of `colorMap`. */
export interface ColorMapOptions {
  /** The value that gets the first colour; smaller ones get it too. */
  readonly low: number;
  /** The value that gets the last colour; larger ones get it too. */
  readonly high: number;
  /** `log` needs `low > 0`. Default `linear`. */
  readonly scale?: 'linear' | 'log';
}

/** Nine colours of viridis (Smith and van der Walt 2015, CC0), as bytes. */
const viridis = [
  [68, 1, 84],
  [71, 45, 123],
  [59, 82, 139],
  [44, 114, 142],
  [33, 144, 140],
  [39, 173, 129],
  [93, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

/** Values to colours of the viridis map, as packed RGBA bytes (red lowest): f32 of any shape -> u32 of the same shape. */
export const colorMap = defineKernel({
  name: 'colorMap',
  summary: 'The viridis colour of each value between low and high, packed RGBA: f32 becomes u32 of the same shape.',
  shaders: ['picture/color_map'],
  cost: (values: Tensor, { low, high, scale = 'linear' }: ColorMapOptions) => {
    checkType('colorMap', values, 'f32');
    if (!(low < high) || !Number.isFinite(high - low) || (scale === 'log' && !(low > 0))) {
      throw new InvalidInputError(
        `colorMap needs low < high${scale === 'log' ? ' and low > 0 on a log scale' : ''}, but got ${String(low)} and ${String(high)}.`,
        {
          field: 'low',
        },
      );
    }
    return { flops: 12 * values.size, bytes: 8 * values.size };
  },
  webgpu(gpu, values, { low, high, scale = 'linear' }): Tensor {
    const out = gpu.empty(values.shape, 'u32');
    gpu.dispatch({
      shader: 'picture/color_map',
      conditions: { logarithmic: scale === 'log' },
      uniforms: { size: u32(values.size), low: f32(low), high: f32(high) },
      reads: [values],
      writes: [out],
      workgroups: [Math.ceil(values.size / 256)],
    });
    return out;
  },
  reference(cpu, values, { low, high, scale = 'linear' }): Tensor {
    const out = cpu.empty(values.shape, 'u32');
    for (let i = 0; i < values.size; i++) {
      const value = Math.min(high, Math.max(low, values.data[i] ?? 0));
      const position = scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
      const below = Math.min(7, Math.floor(8 * position));
      const [from, to] = [viridis[below] ?? viridis[0], viridis[below + 1] ?? viridis[8]];
      const channel = (index: 0 | 1 | 2): number => from[index] + (8 * position - below) * (to[index] - from[index]);
      out.data[i] = packPixel(channel(0), channel(1), channel(2));
    }
    return out;
  },
});

/** How colours are held as floats. */
export interface PixelOptions {
  /** `srgb` as stored, or `linear` light. Default `srgb`. */
  readonly space?: 'srgb' | 'linear';
  /** `pixels`: red, green and blue of a pixel side by side, [height, width, 3]; `planes`: [3, height, width]. Default `pixels`. */
  readonly layout?: 'pixels' | 'planes';
}

/**
 * Packed RGBA bytes to floats in [0, 1]; alpha is dropped: u32 [height, width] -> f32 [height, width, 3] or [3, height, width].
 * A photograph's bytes become such a tensor by `device.tensor(new Uint32Array(pixels.buffer), [height, width], 'u32')`.
 */
export const imageToTensor = defineKernel({
  name: 'imageToTensor',
  summary:
    'Packed RGBA bytes to floats, sRGB or linear: [height, width] becomes [height, width, 3] or [3, height, width].',
  shaders: ['picture/image_to_tensor'],
  cost: (image: Tensor, options: PixelOptions = {}) => {
    checkType('imageToTensor', image, 'u32');
    matrixShape(image, 'image');
    return { flops: options.space === 'linear' ? 15 * image.size : 3 * image.size, bytes: 16 * image.size };
  },
  webgpu(gpu, image, { space = 'srgb', layout = 'pixels' } = {}): Tensor {
    const [height, width] = matrixShape(image, 'image');
    const out = gpu.empty(layout === 'pixels' ? [height, width, 3] : [3, height, width]);
    gpu.dispatch({
      shader: 'picture/image_to_tensor',
      conditions: { linear: space === 'linear', planes: layout === 'planes' },
      uniforms: { size: u32(image.size) },
      reads: [image],
      writes: [out],
      workgroups: [Math.ceil(image.size / 256)],
    });
    return out;
  },
  reference(cpu, image, { space = 'srgb', layout = 'pixels' } = {}): Tensor {
    const [height, width] = matrixShape(image, 'image');
    const out = cpu.empty(layout === 'pixels' ? [height, width, 3] : [3, height, width]);
    for (let i = 0; i < image.size; i++) {
      for (let channel = 0; channel < 3; channel++) {
        const stored = (((image.data[i] ?? 0) >>> (8 * channel)) & 0xff) / 255;
        const linear = stored <= 0.04045 ? stored / 12.92 : ((stored + 0.055) / 1.055) ** 2.4;
        out.data[layout === 'pixels' ? 3 * i + channel : channel * image.size + i] =
          space === 'linear' ? linear : stored;
      }
    }
    return out;
  },
});

/** Floats in [0, 1] (others are clamped) to packed opaque RGBA bytes: f32 [height, width, 3] or [3, height, width] -> u32 [height, width]. */
export const tensorToImage = defineKernel({
  name: 'tensorToImage',
  summary:
    'Floats to packed RGBA bytes, from sRGB or linear: [height, width, 3] or [3, height, width] becomes [height, width].',
  shaders: ['picture/tensor_to_image'],
  cost: (values: Tensor, options: PixelOptions = {}) => {
    checkType('tensorToImage', values, 'f32');
    const [height, width] = pixelShape(values, options);
    return { flops: (options.space === 'linear' ? 18 : 6) * height * width, bytes: 16 * height * width };
  },
  webgpu(gpu, values, options = {}): Tensor {
    const [height, width] = pixelShape(values, options);
    const out = gpu.empty([height, width], 'u32');
    gpu.dispatch({
      shader: 'picture/tensor_to_image',
      conditions: { linear: options.space === 'linear', planes: options.layout === 'planes' },
      uniforms: { size: u32(out.size) },
      reads: [values],
      writes: [out],
      workgroups: [Math.ceil(out.size / 256)],
    });
    return out;
  },
  reference(cpu, values, options = {}): Tensor {
    const [height, width] = pixelShape(values, options);
    const out = cpu.empty([height, width], 'u32');
    const byte = (value: number): number => {
      const clamped = Math.min(1, Math.max(0, value));
      if (options.space !== 'linear') return 255 * clamped;
      return 255 * (clamped <= 0.0031308 ? 12.92 * clamped : 1.055 * clamped ** (1 / 2.4) - 0.055);
    };
    for (let i = 0; i < out.size; i++) {
      const [red, green, blue] =
        options.layout === 'planes' ? [i, out.size + i, 2 * out.size + i] : [3 * i, 3 * i + 1, 3 * i + 2];
      out.data[i] = packPixel(byte(values.data[red] ?? 0), byte(values.data[green] ?? 0), byte(values.data[blue] ?? 0));
    }
    return out;
  },
});

/** Opaque RGBA in one word, red lowest; channels are rounded. */
function packPixel(red: number, green: number, blue: number): number {
  return (Math.floor(red + 0.5) | (Math.floor(green + 0.5) << 8) | (Math.floor(blue + 0.5) << 16) | 0xff000000) >>> 0;
}

function pixelShape(values: Tensor, { layout = 'pixels' }: PixelOptions): [height: number, width: number] {
  const [first = 0, second = 0, third = 0] = values.shape;
  const [height, width, channels] = layout === 'pixels' ? [first, second, third] : [second, third, first];
  if (values.shape.length !== 3 || channels !== 3) {
    throw new InvalidInputError(
      `A picture as floats has the shape ${layout === 'pixels' ? '[height, width, 3]' : '[3, height, width]'}, not [${values.shape.join(', ')}].`,
      { field: 'values' },
    );
  }
  return [height, width];
}

function checkType(kernel: string, x: Tensor, type: ElementType): void {
  if (x.type !== type) throw new InvalidInputError(`${kernel} works on a ${type} tensor, but this one is ${x.type}.`);
}
