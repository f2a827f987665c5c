/** What a tensor is: a shape, an element type and storage on one device; row-major and contiguous. */
import type { Device } from './device';
import { InvalidInputError } from './errors';

/** The element types that kernels work on. On the reference device `f32` is held as float64. */
export type ElementType = 'f32' | 'u32' | 'i32';

/** What comes back from a read: float64 on the reference device, else the element type's own array. */
export type NumberArray = Float32Array | Float64Array | Uint32Array | Int32Array;

/** Sizes of a tensor's axes, outermost first. */
export type Shape = readonly number[];

/** A row-major, contiguous array of numbers on one device. It lives as long as the scope it was made in. */
export interface Tensor {
  readonly device: Device;
  readonly shape: Shape;
  readonly type: ElementType;
  /** The number of elements. */
  readonly size: number;
  /** Runs what is recorded and copies the elements to the host. */
  read(): Promise<NumberArray>;
}

/** The number of elements of a shape. Throws `InvalidInputError` for an axis that is not a positive integer. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const axis of shape) {
    if (!Number.isSafeInteger(axis) || axis < 1) {
      throw new InvalidInputError(
        `A tensor cannot have the shape [${shape.join(', ')}]: give every axis a size of at least 1.`,
        {
          field: 'shape',
        },
      );
    }
    size *= axis;
  }
  return size;
}

/** Reads `[rows, columns]` off a tensor of rank 2, or throws `InvalidInputError` naming it. */
export function matrixShape(tensor: Tensor, name = 'The tensor'): [rows: number, columns: number] {
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new InvalidInputError(`${name} must be a matrix, but its shape is [${tensor.shape.join(', ')}].`, {
      field: name,
    });
  }
  return [rows, columns];
}
