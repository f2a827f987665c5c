/**
 * Hugging Face's .safetensors files: eight bytes of length, a JSON header with type, shape and place of each tensor, and the bytes.
 * The format: https://github.com/huggingface/safetensors#format
 */
import { InvalidInputError, UnsupportedError } from '../device/errors';
import type { NamedTensors, NumericTensor } from '../labs/parameters';

/** What the format's own reader allows. */
const MAX_HEADER_BYTES = 100_000_000;

interface FloatType {
  readonly bytes: number;
  read(this: void, view: DataView, offset: number): number;
}

const floatTypes: Readonly<Record<string, FloatType>> = {
  F64: { bytes: 8, read: (view, offset) => view.getFloat64(offset, true) },
  F32: { bytes: 4, read: (view, offset) => view.getFloat32(offset, true) },
  F16: { bytes: 2, read: (view, offset) => halfFloat(view.getUint16(offset, true)) },
  BF16: { bytes: 2, read: (view, offset) => brainFloat(view.getUint16(offset, true)) },
};

/** An IEEE 754 number of 16 bits. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function brainFloat(bits: number): number {
  scratch.setUint16(0, bits);
  scratch.setUint16(2, 0);
  return scratch.getFloat32(0);
}

/**
 * Reads the float tensors of a .safetensors file as float32; tensors of other types are left out. Throws `InvalidInputError` for a
 * file that is damaged or holds NaN or infinity, and `UnsupportedError` where no tensor is of a type that is read.
 */
export function readSafetensors(bytes: Uint8Array, name: string): NamedTensors {
  const damaged = (what: string): InvalidInputError =>
    new InvalidInputError(`${name} is no .safetensors file, or was cut off: ${what}; save or download it again.`, {
      field: name,
    });
  if (bytes.byteLength < 10) throw damaged('it is shorter than its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stated = view.getBigUint64(0, true);
  if (stated > BigInt(Math.min(MAX_HEADER_BYTES, bytes.byteLength - 8)))
    throw damaged(`its header of ${String(stated)} bytes is longer than the file`);
  const start = 8 + Number(stated);
  const header = parseHeader(bytes.subarray(8, start));
  if (header === undefined) throw damaged('its header is not a JSON object');

  const tensors = new Map<string, NumericTensor>();
  const others: string[] = [];
  let used = 0;
  for (const [key, entry] of Object.entries(header)) {
    if (key === '__metadata__') continue;
    const place = placeOf(entry);
    if (place === undefined || start + place.end > bytes.byteLength)
      throw damaged(`its header does not say where the tensor "${key}" lies`);
    used += place.end - place.begin;
    const type = Object.hasOwn(floatTypes, place.dtype) ? floatTypes[place.dtype] : undefined;
    if (type === undefined) {
      others.push(`${key} (${place.dtype})`);
      continue;
    }
    const size = place.shape.reduce((product, axis) => product * axis, 1);
    if (size * type.bytes !== place.end - place.begin)
      throw damaged(`the tensor "${key}" of shape [${place.shape.join(', ')}] does not fill its bytes`);
    const values = Float32Array.from({ length: size }, (_, index) =>
      type.read(view, start + place.begin + index * type.bytes),
    );
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new InvalidInputError(
        `${name} holds ${String(values[bad])} in the tensor "${key}", element ${String(bad)}: replace it by a finite number of float32's range.`,
        { field: name },
      );
    }
    tensors.set(key, { shape: place.shape, values });
  }
  // Tensors lie side by side without holes, so overlaps and leftovers show in the sum.
  if (used !== bytes.byteLength - start) throw damaged('its tensors do not fill it exactly');
  if (tensors.size === 0) {
    throw new UnsupportedError(
      `${name} holds no tensor of a type that is read (F64, F32, F16, BF16)${others.length === 0 ? '' : `, only ${others.slice(0, 5).join(', ')}`}: convert it to F32.`,
      { field: name },
    );
  }
  return { name, tensors };
}

function parseHeader(bytes: Uint8Array): object | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

interface Place {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** An entry of the header, or undefined where it is not one. */
function placeOf(entry: unknown): Place | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  if (!('dtype' in entry) || !('shape' in entry) || !('data_offsets' in entry)) return undefined;
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets)) return undefined;
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined || begin > end) return undefined;
  return { dtype, shape, begin, end };
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
