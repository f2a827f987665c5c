/** Turns what callers give into typed arrays of an element type, refusing what does not fit. */
import { InvalidInputError } from './errors';
import { sizeOf, type ElementType, type Shape } from './tensor';

/** Throws `InvalidInputError` if the count of numbers is not the shape's. */
export function checkData(data: ArrayLike<number>, shape: Shape): void {
  const size = sizeOf(shape);
  if (data.length !== size) {
    throw new InvalidInputError(
      `A tensor of shape [${shape.join(', ')}] holds ${String(size)} numbers, but ${String(data.length)} were given.`,
      {
        field: 'data',
      },
    );
  }
}

/** A copy as the element type's own array. */
export function toTypedArray(
  data: ArrayLike<number>,
  type: ElementType,
): Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  switch (type) {
    case 'f32':
      return new Float32Array(data);
    case 'u32':
      return new Uint32Array(data);
    case 'i32':
      return new Int32Array(data);
    default:
      return type satisfies never;
  }
}
