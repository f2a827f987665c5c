import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCsv } from '../../src/data/csv';
import { InvalidInputError } from '../../src/device/errors';

function rowsOf(source: Uint8Array | string): number[][] {
  const { rows, columns, values } = readCsv(source, 'a.csv');
  return Array.from({ length: rows }, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);
}

const oneToFour = [
  [1, 2],
  [3, 4],
];

describe('readCsv', () => {
  it('reads back any table of finite numbers, whatever the separator and the decimal sign', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    const table = fc
      .integer({ min: 1, max: 6 })
      .chain((columns) =>
        fc.array(fc.array(finite, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 8 }),
      );
    const style = fc.constantFrom(
      [',', '.'],
      [';', '.'],
      [';', ','],
      ['\t', '.'],
      ['\t', ','],
      ['|', ','],
      [' ', '.'],
      ['; ', ','],
    );
    fc.assert(
      fc.property(table, style, fc.constantFrom('\n', '\r\n'), (rows, [separator = ',', decimal = '.'], newline) => {
        // One column alone has no separator that could tell a decimal comma from a comma between cells.
        fc.pre((rows[0]?.length ?? 0) > 1 || decimal === '.');
        const text = rows
          .map((row) => row.map((value) => String(value).replace('.', decimal)).join(separator))
          .join(newline);
        expect(rowsOf(text)).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['a header', 'x,y\n1,2\n3,4'],
    ['a header with blanks over one separator', '"first x",second\n1,2\n3,4'],
    ['an index header with an empty corner', ',y\n1,2\n3,4'],
    ['a byte order mark', '\ufeff1,2\n3,4'],
    ['Windows line ends and a last empty line', '1,2\r\n3,4\r\n'],
    ['blank lines between', '1,2\n\n3,4\n\n\n'],
    ['comment lines', '# made by numpy.savetxt\n1,2\n3,4'],
    ['quoted numbers', '"1","2"\n"3","4"'],
    ['a separator at every line end', '1,2,\n3,4,\n'],
    ['blanks around cells', ' 1 , 2\n3 ,4 '],
    ['semicolons', '1;2\n3;4'],
    ['tabs', '1\t2\n3\t4'],
    ['aligned columns', '  1   2\n  3   4'],
    ['exponents and signs', '+1e0,2E+0\n0.3e1,.4e1'],
    ['decimal commas', '1,0;2,0\n3,0;4'],
    ['quoted decimal commas between commas', '"1,0","2,0"\n"3,0","4,0"'],
  ])('reads %s', (_, text) => {
    expect(rowsOf(text)).toEqual(oneToFour);
  });

  it('reads UTF-8 and UTF-16 bytes with a byte order mark', () => {
    expect(rowsOf(new TextEncoder().encode('\ufeffü,y\n1,2\n3,4'))).toEqual(oneToFour);
    const text = '\ufeff1\t2\n3\t4';
    const units = new Uint8Array(Uint16Array.from(text, (character) => character.charCodeAt(0)).buffer);
    expect(rowsOf(units)).toEqual(oneToFour);
  });

  it('reads one column, one row and one number', () => {
    expect(rowsOf('x\n1\n2')).toEqual([[1], [2]]);
    expect(rowsOf('1,2,3')).toEqual([[1, 2, 3]]);
    expect(rowsOf('42')).toEqual([[42]]);
    expect(rowsOf('my numbers\n1\n2')).toEqual([[1], [2]]);
  });

  it.each([
    ['nothing', '', /is empty/, {}],
    ['blank lines only', '\n \n', /is empty/, {}],
    ['a header only', 'x,y\n', /no numbers below its header/, {}],
    ['a short row', '1,2\n3\n', /1 cells in row 2, but 2 in row 1/, { row: 2, column: 2 }],
    ['a long row', 'x,y\n1,2\n3,4,5\n', /3 cells in row 3, but 2 in row 2/, { row: 3, column: 3 }],
    ['text', '1,2\n3,four\n', /"four" in row 2, column 2/, { row: 2, column: 2 }],
    ['text in a row that holds numbers too', 'a,1\n3,4\n', /"a" in row 1, column 1/, { row: 1, column: 1 }],
    ['a second header', 'x,y\nu,v\n3,4\n', /"u" in row 2, column 1/, { row: 2, column: 1 }],
    ['NaN', '1,2\nNaN,4\n', /"NaN" in row 2, column 1: replace it by a finite number/, { row: 2, column: 1 }],
    ['NaN in the first row', '1,nan\n3,4\n', /"nan" in row 1, column 2/, { row: 1, column: 2 }],
    ['infinity', '1,2\n3,-inf\n', /"-inf" in row 2, column 2/, { row: 2, column: 2 }],
    [
      'a number beyond float64',
      '1,2\n3,1e999\n',
      /"1e999" in row 2, column 2: replace it by a finite number/,
      { row: 2, column: 2 },
    ],
    ['a missing value', '1,2\n\n,4\n', /no value in row 3, column 1/, { row: 3, column: 1 }],
    [
      'points among decimal commas',
      '1,5;2\n3;4.5\n',
      /"4\.5" in row 2, column 2: other cells write decimals with a comma/,
      { row: 2, column: 2 },
    ],
    ['thousands separators', '1,5;1.234,5\n', /"1\.234,5" in row 1, column 2/, { row: 1, column: 2 }],
    ['hexadecimal numbers', '1,0x10\n', /"0x10" in row 1, column 2/, { row: 1, column: 2 }],
    ['a quotation mark alone', '1,2\n"3,4\n', /quotation mark without its partner in row 2/, { row: 2 }],
    ['bytes that are no text', '1,2\0\n', /not a text file/, {}],
  ])('refuses %s and names the place', (_, text, message, place) => {
    const read = (): unknown => readCsv(text, 'a.csv');
    expect(read).toThrow(message);
    try {
      read();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidInputError);
      expect(error).toMatchObject({ details: { field: 'a.csv', ...place } });
    }
  });

  it('throws nothing but InvalidInputError, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('1', '2', '.', ',', ';', ' ', '\n', '"', '-', 'e', 'x', '\t', '#') }),
        (text) => {
          try {
            const { rows, columns, values } = readCsv(text, 'a.csv');
            expect(values.length).toBe(rows * columns);
            expect(values.every(Number.isFinite)).toBe(true);
          } catch (error) {
            if (!(error instanceof InvalidInputError)) throw error;
            expect(error.message).toContain('a.csv');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
