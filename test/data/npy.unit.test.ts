import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError, UnsupportedError } from '../../src/device/errors';
import { readNpy, writeNpy } from '../../src/data/npy';
import { npyFile } from '../support/npy';

type WriteNumber = (view: DataView, at: number, number: number, little: boolean) => void;

const writers: Readonly<Record<string, WriteNumber>> = {
  f4: (view, at, number, little) => {
    view.setFloat32(at, number, little);
  },
  f8: (view, at, number, little) => {
    view.setFloat64(at, number, little);
  },
  i1: (view, at, number) => {
    view.setInt8(at, number);
  },
  i2: (view, at, number, little) => {
    view.setInt16(at, number, little);
  },
  i4: (view, at, number, little) => {
    view.setInt32(at, number, little);
  },
  i8: (view, at, number, little) => {
    view.setBigInt64(at, BigInt(number), little);
  },
  u1: (view, at, number) => {
    view.setUint8(at, number);
  },
  b1: (view, at, number) => {
    view.setUint8(at, number);
  },
  u2: (view, at, number, little) => {
    view.setUint16(at, number, little);
  },
  u4: (view, at, number, little) => {
    view.setUint32(at, number, little);
  },
  u8: (view, at, number, little) => {
    view.setBigUint64(at, BigInt(number), little);
  },
};

/** The bytes of numbers in one dtype. */
function encode(descr: string, numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const itemBytes = Number(descr.slice(2));
  const write = writers[descr.slice(1)];
  if (write === undefined) throw new Error(`no writer for ${descr}`);
  const view = new DataView(new ArrayBuffer(itemBytes * numbers.length));
  numbers.forEach((number, i) => {
    write(view, i * itemBytes, number, !descr.startsWith('>'));
  });
  return new Uint8Array(view.buffer);
}

describe('readNpy', () => {
  it('reads back what writeNpy wrote, bit for bit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.gen(), (rows, columns, gen) => {
        const number = (): number => gen(() => fc.double({ noNaN: true, noDefaultInfinity: true }));
        const values = Float64Array.from({ length: rows * columns }, number);
        const matrix = readNpy(writeNpy({ rows, columns, values }), 'a.npy');
        expect(matrix).toEqual({ name: 'a.npy', rows, columns, values });
      }),
      { numRuns: 100 },
    );
  });

  it('rounds to float32 where that is what was written', () => {
    const values = [0.1, 1 / 3, -2e-20];
    const matrix = readNpy(writeNpy({ rows: 3, columns: 1, values }, 'f4'), 'a.npy');
    expect([...matrix.values]).toEqual(values.map(Math.fround));
  });

  it.each([
    '<f4',
    '>f4',
    '<f8',
    '>f8',
    '|i1',
    '<i2',
    '>i2',
    '<i4',
    '>i4',
    '<i8',
    '>i8',
    '|u1',
    '<u2',
    '>u2',
    '<u4',
    '>u4',
    '<u8',
    '>u8',
    '|b1',
    '=f8',
  ])('reads dtype %s', (descr) => {
    const numbers = descr === '|b1' ? [1, 0, 1] : /[ui]/.test(descr) ? [1, 2, 100] : [1, -2.5, 100];
    expect([...readNpy(npyFile({ descr, shape: '(1, 3)', data: encode(descr, numbers) }), 'a.npy').values]).toEqual(
      numbers,
    );
  });

  it('reads negative integers of every width', () => {
    for (const descr of ['|i1', '<i2', '>i4', '<i8']) {
      const file = npyFile({ descr, shape: '(2, 1)', data: encode(descr, [-1, -128]) });
      expect([...readNpy(file, 'a.npy').values]).toEqual([-1, -128]);
    }
  });

  it.each([1, 2, 3] as const)('reads version %i headers', (version) => {
    const file = npyFile({ version, shape: '(2, 2)', data: encode('<f4', [1, 2, 3, 4]) });
    expect([...readNpy(file, 'a.npy').values]).toEqual([1, 2, 3, 4]);
  });

  it('turns Fortran order into rows', () => {
    const file = npyFile({ fortranOrder: 'True', shape: '(2, 3)', data: encode('<f4', [1, 4, 2, 5, 3, 6]) });
    expect(readNpy(file, 'a.npy')).toMatchObject({ rows: 2, columns: 3, values: Float64Array.of(1, 2, 3, 4, 5, 6) });
  });

  it('reads one axis as one column', () => {
    expect(readNpy(npyFile({ shape: '(3,)', data: encode('<f4', [1, 2, 3]) }), 'a.npy')).toMatchObject({
      rows: 3,
      columns: 1,
    });
  });

  it('reads a file that does not begin at the start of its buffer', () => {
    const file = npyFile({ shape: '(1, 2)', data: encode('<f4', [7, 8]) });
    const buffer = new Uint8Array(file.length + 3);
    buffer.set(file, 3);
    expect([...readNpy(buffer.subarray(3), 'a.npy').values]).toEqual([7, 8]);
  });

  const four = encode('<f4', [1, 2, 3, 4]);
  it.each([
    ['nothing at all', new Uint8Array(), /not a \.npy file/],
    ['another magic', new TextEncoder().encode('PK0123456789'), /not a \.npy file/],
    ['a cut magic', npyFile({ shape: '(4,)', data: four }).subarray(0, 7), /ends inside its header/],
    ['a cut header', npyFile({ shape: '(4,)', data: four }).subarray(0, 40), /ends inside its header/],
    ['a header that is no dictionary', npyFile({ header: 'hello', data: four }), /header of a\.npy cannot be read/],
    ['a negative axis', npyFile({ shape: '(-4,)', data: four }), /header of a\.npy cannot be read/],
    [
      'cut data',
      npyFile({ shape: '(2, 2)', data: four.subarray(0, 15) }),
      /promises 2 x 2 numbers.*16 bytes.*holds 15 bytes: it was cut off/,
    ],
    ['a shape beyond its data', npyFile({ shape: '(1000, 1000)', data: four }), /4000000 bytes.*holds 16 bytes/],
    ['a shape short of its data', npyFile({ shape: '(1, 2)', data: four }), /header does not belong to its data/],
    ['a shape beyond all memory', npyFile({ shape: '(99999999999, 99999999999)', data: four }), /impossible shape/],
    ['no axis', npyFile({ shape: '()', data: four.subarray(0, 4) }), /has 0 axes/],
    ['three axes', npyFile({ shape: '(1, 2, 2)', data: four }), /has 3 axes, shape \(1, 2, 2\)/],
    ['no rows', npyFile({ shape: '(0, 3)', data: new Uint8Array() }), /is empty, shape \(0, 3\)/],
    ['no columns', npyFile({ shape: '(3, 0)', data: new Uint8Array() }), /is empty, shape \(3, 0\)/],
    ['NaN', npyFile({ shape: '(2, 2)', data: encode('<f4', [1, 2, NaN, 4]) }), /NaN at row 2, column 1/],
    [
      'infinity',
      npyFile({ shape: '(2, 2)', data: encode('<f4', [1, -Infinity, 3, 4]) }),
      /-Infinity at row 1, column 2/,
    ],
  ])('refuses %s', (_, file, message) => {
    const read = (): unknown => readNpy(file, 'a.npy');
    expect(read).toThrow(InvalidInputError);
    expect(read).toThrow(message);
  });

  it.each([
    ['complex numbers', npyFile({ descr: '<c8', shape: '(2,)', data: four }), /'<c8' \(complex numbers\)/],
    ['half floats', npyFile({ descr: '<f2', shape: '(8,)', data: four }), /'<f2' \(another float\)/],
    ['text', npyFile({ descr: '<U4', shape: '(1,)', data: four }), /\(text\)/],
    ['objects', npyFile({ descr: '|O', shape: '(2,)', data: four }), /\(Python objects\)/],
    [
      'records',
      npyFile({ header: "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (4,), }", data: four }),
      /named fields/,
    ],
    ['version 4', npyFile({ version: 4, shape: '(4,)', data: four }), /version 4/],
    [
      'a dtype named after a property of every object',
      npyFile({ descr: 'toString', shape: '(4,)', data: four }),
      /toString/,
    ],
  ])('does not support %s and says what to do', (_, file, message) => {
    const read = (): unknown => readNpy(file, 'a.npy');
    expect(read).toThrow(UnsupportedError);
    expect(read).toThrow(message);
  });

  it('throws nothing but typed errors, whatever a damaged file holds', () => {
    const whole = writeNpy({ rows: 3, columns: 2, values: [1, 2, 3, 4, 5, 6] });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(whole.length),
        (at, byte, length) => {
          const damaged = whole.slice(0, length);
          if (at < length) damaged[at] = byte;
          try {
            const { rows, columns, values } = readNpy(damaged, 'a.npy');
            expect(values.length).toBe(rows * columns);
          } catch (error) {
            if (!(error instanceof InvalidInputError) && !(error instanceof UnsupportedError)) throw error;
            expect(error.message).toContain('a.npy');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('writeNpy', () => {
  it('aligns the data to 64 bytes, as the format asks', () => {
    const file = writeNpy({ rows: 1, columns: 1, values: [1] });
    expect(file.length % 64).toBe(8);
    expect(new TextDecoder('latin1').decode(file.subarray(10, 127)).trimEnd()).toBe(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }",
    );
  });

  it('refuses values that do not fill the shape', () => {
    expect(() => writeNpy({ rows: 2, columns: 2, values: [1, 2, 3] })).toThrow(InvalidInputError);
  });
});
