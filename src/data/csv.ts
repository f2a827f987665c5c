/** Tables of numbers as text: comma, semicolon, tab, bar or space between cells, decimal points or commas. */
import Papa from 'papaparse';
import { InvalidInputError } from '../device/errors';
import type { NumericMatrix } from '../labs/parameters';

/** Tried in this order; a comma comes after the others because it may be the decimal sign. */
const SEPARATORS = [';', '\t', '|', ',', ' '] as const;

const POINT_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const COMMA_NUMBER = /^[+-]?(\d+,?\d*|,\d+)(e[+-]?\d+)?$/i;
const NOT_FINITE = /^[+-]?(nan|inf|infinity|#n\/a|n\/a|na)$/i;

interface Row {
  /** The line in the file, from 1, header and blank lines counted. */
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads a table of numbers. A first row without any number is a header and left out, and so are blank lines, lines that begin with `#`,
 * a byte order mark and an empty last column. Throws `InvalidInputError` naming row and column (from 1, as an editor counts
 * lines) for rows of different length, text, a missing value, NaN and infinity, and for a file without numbers.
 */
export function readCsv(source: Uint8Array | string, name: string): NumericMatrix {
  const text = typeof source === 'string' ? source.replace(/^\ufeff/, '') : decodeText(source);
  if (text.includes('\0')) {
    throw new InvalidInputError(`${name} is not a text file: give a CSV file, or a .npy file saved with numpy.save.`, {
      field: name,
    });
  }
  const separator = guessSeparator(text);
  const rows = dropEmptyLastColumn(splitRows(text, separator, name));
  const first = rows[0];
  const isHeader = first?.cells.every((cell) => !isNumberLike(cell) && !NOT_FINITE.test(cell)) ?? false;
  const body = isHeader ? rows.slice(1) : rows;
  const columns = body[0]?.cells.length ?? 0;
  if (columns === 0) {
    throw new InvalidInputError(
      first === undefined
        ? `${name} is empty: give at least one row of numbers.`
        : `${name} holds no numbers below its header: give at least one row of them.`,
      { field: name },
    );
  }
  const usesDecimalComma = body.some(({ cells }) =>
    cells.some((cell) => cell.includes(',') && COMMA_NUMBER.test(cell)),
  );
  const values = new Float64Array(body.length * columns);
  body.forEach(({ line, cells }, index) => {
    if (cells.length !== columns) {
      throw new InvalidInputError(
        `${name} has ${cells.length} cells in row ${line}, but ${columns} in row ${body[0]?.line ?? 1}: give every row the same number.`,
        { field: name, row: line, column: Math.min(cells.length, columns) + 1 },
      );
    }
    cells.forEach((cell, column) => {
      values[index * columns + column] = readCell(cell, usesDecimalComma, { name, row: line, column: column + 1 });
    });
  });
  return { name, rows: body.length, columns, values };
}

interface Place {
  readonly name: string;
  readonly row: number;
  readonly column: number;
}

function readCell(cell: string, usesDecimalComma: boolean, { name, row, column }: Place): number {
  const isNumber = (usesDecimalComma ? COMMA_NUMBER : POINT_NUMBER).test(cell);
  const value = isNumber ? Number(cell.replace(',', '.')) : NaN;
  if (Number.isFinite(value)) return value;
  const shown = cell.length > 30 ? `${cell.slice(0, 30)}…` : cell;
  const details = { field: name, row, column };
  if (cell === '') {
    throw new InvalidInputError(
      `${name} has no value in row ${row}, column ${column}: fill it in or leave the row out.`,
      details,
    );
  }
  let remedy = 'only the first row may hold text, as a header';
  if (isNumber || NOT_FINITE.test(cell)) remedy = 'replace it by a finite number';
  else if (isNumberLike(cell))
    remedy = `other cells write decimals with a ${usesDecimalComma ? 'comma' : 'point'}, use one of the two`;
  throw new InvalidInputError(`${name} holds "${shown}" in row ${row}, column ${column}: ${remedy}.`, details);
}

function isNumberLike(cell: string): boolean {
  return POINT_NUMBER.test(cell) || COMMA_NUMBER.test(cell);
}

/** Decodes UTF-8, and UTF-16 where a byte order mark says so (spreadsheets save it as "Unicode text"). */
function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** The first separator that stands in every one of the first lines with content, else the first that stands anywhere in them. */
function guessSeparator(text: string): string {
  const lines = text
    .slice(0, 65_536)
    .split(/\r\n|\n|\r/)
    .filter(hasContent)
    .slice(0, 20)
    .map((line) => line.trim().replace(/"[^"]*"/g, ''));
  const inEvery = SEPARATORS.find((separator) => lines.length > 0 && lines.every((line) => line.includes(separator)));
  return inEvery ?? SEPARATORS.find((separator) => lines.some((line) => line.includes(separator))) ?? ',';
}

function hasContent(line: string): boolean {
  const trimmed = line.trim();
  return trimmed !== '' && !trimmed.startsWith('#');
}

function splitRows(text: string, separator: string, name: string): Row[] {
  // Runs of blanks count as one separator.
  const tidy = separator === ' ' ? text.replace(/[ \t]+/g, ' ').replace(/^ | $/gm, '') : text;
  const parsed = Papa.parse<string[]>(tidy, { delimiter: separator });
  const problem = parsed.errors.find((error) => error.type === 'Quotes');
  if (problem !== undefined) {
    const row = (problem.row ?? 0) + 1;
    throw new InvalidInputError(`${name} has a quotation mark without its partner in row ${row}: close or remove it.`, {
      field: name,
      row,
    });
  }
  return parsed.data
    .map((cells, index) => ({ line: index + 1, cells: cells.map((cell) => cell.trim().replace('\u2212', '-')) }))
    .filter(({ cells }) => cells.some((cell) => cell !== '') && cells[0]?.startsWith('#') !== true);
}

/** Some programs end every line with a separator. */
function dropEmptyLastColumn(rows: Row[]): Row[] {
  const ends = rows.every(({ cells }) => cells.length > 1 && cells.at(-1) === '');
  return ends ? rows.map(({ line, cells }) => ({ line, cells: cells.slice(0, -1) })) : rows;
}
