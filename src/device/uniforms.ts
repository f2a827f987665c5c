/** Scalars that a dispatch hands to its shader, tagged with their WGSL type, and how they are packed. */

/** A 4-byte scalar with its WGSL type. */
export interface UniformScalar {
  readonly type: 'u32' | 'i32' | 'f32';
  readonly value: number;
}

/** Scalars by name, in the order of the shader's `Params` struct (after `origin: vec3u`). */
export type Uniforms = Readonly<Record<string, UniformScalar>>;

export const u32 = (value: number): UniformScalar => ({ type: 'u32', value });
export const i32 = (value: number): UniformScalar => ({ type: 'i32', value });
export const f32 = (value: number): UniformScalar => ({ type: 'f32', value });

/** Where the first workgroup of a piece lies in the whole dispatch. */
export type WorkgroupOrigin = readonly [x: number, y: number, z: number];

/** The bytes of a `Params` struct, rounded up to 16 as uniform structs are. */
export function uniformSizeBytes(uniforms: Uniforms): number {
  return Math.ceil((12 + 4 * Object.keys(uniforms).length) / 16) * 16;
}

/** Writes `origin` and the scalars at `offsetBytes`; WGSL puts the first scalar right behind a vec3u. */
export function packUniforms(view: DataView, offsetBytes: number, origin: WorkgroupOrigin, uniforms: Uniforms): void {
  let position = offsetBytes;
  for (const value of origin) {
    view.setUint32(position, value, true);
    position += 4;
  }
  for (const scalar of Object.values(uniforms)) {
    const { value } = scalar;
    switch (scalar.type) {
      case 'u32':
        view.setUint32(position, value, true);
        break;
      case 'i32':
        view.setInt32(position, value, true);
        break;
      case 'f32':
        view.setFloat32(position, value, true);
        break;
      default:
        scalar.type satisfies never;
    }
    position += 4;
  }
}
