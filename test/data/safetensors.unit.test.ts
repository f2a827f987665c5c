/** Safetensors files: what is read, and that a hostile or damaged header is refused in words. */
import { describe, expect, test } from 'vitest';
import { readSafetensors } from '../../src/data/safetensors';
import { InvalidInputError, UnsupportedError } from '../../src/device/errors';

/** A file of a header (an object, or text as it is) and its data. */
function file(header: unknown, data: ArrayBuffer | Uint8Array = new Uint8Array(0), statedBytes?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, statedBytes ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(new Uint8Array(data instanceof Uint8Array ? data.slice().buffer : data), 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: readonly unknown[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('readSafetensors', () => {
  test('reads F64, F32, F16 and BF16 and leaves other types out', () => {
    const data = new DataView(new ArrayBuffer(8 + 8 + 6 + 4 + 4));
    data.setFloat64(0, -1.5, true);
    data.setFloat32(8, 0.25, true);
    data.setFloat32(12, -3e38, true);
    [0x3c00, 0xc101, 0x0001].forEach((bits, index) => {
      data.setUint16(16 + 2 * index, bits, true);
    });
    [0x3f80, 0xc049].forEach((bits, index) => {
      data.setUint16(22 + 2 * index, bits, true);
    });
    const { tensors } = readSafetensors(
      file(
        {
          __metadata__: { format: 'pt' },
          q: entry('F64', [1], 0, 8),
          k: entry('F32', [1, 2], 8, 16),
          v: entry('F16', [3], 16, 22),
          w: entry('BF16', [2, 1], 22, 26),
          ids: entry('I32', [1], 26, 30),
        },
        data.buffer,
      ),
      'all.safetensors',
    );
    expect([...tensors.keys()]).toEqual(['q', 'k', 'v', 'w']);
    expect(Array.from(tensors.get('q')?.values ?? [])).toEqual([-1.5]);
    expect(tensors.get('k')).toEqual({ shape: [1, 2], values: Float32Array.of(0.25, -3e38) });
    // 0xc101 = -(1 + 257 / 1024) 2^1, 0x0001 = 2^-24, 0xc049 = -3.140625.
    expect(Array.from(tensors.get('v')?.values ?? [])).toEqual([1, -2.501953125, 2 ** -24]);
    expect(Array.from(tensors.get('w')?.values ?? [])).toEqual([1, -3.140625]);
  });

  test('a key like __proto__ is a name like any other', () => {
    const header = '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const { tensors } = readSafetensors(file(header, Float32Array.of(7).buffer), 'proto');
    expect(tensors.get('__proto__')?.values[0]).toBe(7);
  });

  const four = new Uint8Array(4);
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /shorter/],
    ['a header longer than the file', file({}, four, 2n ** 63n), /longer than the file/],
    ['a header that is no JSON', file('{"q": ', four), /JSON/],
    ['a header that is a list', file('[1, 2]', four), /JSON/],
    ['bytes that are no UTF-8', file('{}', four).map((byte, i) => (i === 8 ? 0xff : byte)), /JSON/],
    ['an entry that is no object', file({ q: 3 }, four), /where the tensor "q" lies/],
    ['a negative axis', file({ q: entry('F32', [-1], 0, 4) }, four), /where/],
    ['an axis that is text', file({ q: entry('F32', ['1'], 0, 4) }, four), /where/],
    ['a place past the end', file({ q: entry('F32', [2], 0, 8) }, four), /where/],
    ['a place that ends before it begins', file({ q: entry('F32', [1], 4, 0) }, four), /where/],
    ['an impossible shape', file({ q: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, four), /does not fill/],
    ['a shape of another size', file({ q: entry('F32', [2], 0, 4) }, four), /does not fill/],
    ['bytes that belong to no tensor', file({ q: entry('F32', [1], 0, 4) }, new Uint8Array(8)), /fill it exactly/],
    [
      'two tensors on the same bytes',
      file({ q: entry('F32', [1], 0, 4), k: entry('F32', [1], 0, 4) }, four),
      /exactly/,
    ],
    ['NaN', file({ q: entry('F32', [1], 0, 4) }, Float32Array.of(Number.NaN).buffer), /NaN in the tensor "q"/],
    [
      'a float64 that float32 cannot hold',
      file({ q: entry('F64', [1], 0, 8) }, Float64Array.of(1e300).buffer),
      /Infinity/,
    ],
  ])('refuses %s', (_, bytes, words) => {
    expect(() => readSafetensors(bytes, 'bad.safetensors')).toThrow(InvalidInputError);
    expect(() => readSafetensors(bytes, 'bad.safetensors')).toThrow(words);
  });

  test('names what it holds where there are no floats', () => {
    const bytes = file({ ids: entry('I64', [0], 0, 0) });
    expect(() => readSafetensors(bytes, 'ids')).toThrow(UnsupportedError);
    expect(() => readSafetensors(bytes, 'ids')).toThrow(/ids \(I64\)/);
  });
});
