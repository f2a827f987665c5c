/** How results of claims are printed: a table for people, a JSON object a line for programs. */
import type { SerializedError } from '../../src/device/errors';

/** One claim, tried or only listed. What only a run can know is null until then. */
export interface ClaimRow {
  readonly lab: string;
  readonly id: string;
  /** The paper's title. */
  readonly paper: string;
  /** The paper's id in the project's catalogue, or null. */
  readonly catalog: string | null;
  readonly claim: string;
  readonly preset: string;
  readonly measured: number | null;
  readonly expected: string;
  readonly unit: string | null;
  readonly holds: boolean | null;
  readonly seconds: number | null;
  readonly adapter: string | null;
  readonly error: SerializedError | null;
}

/** One line of JSON; `error` is there only where there is one. */
export function jsonLine(row: ClaimRow): string {
  const { lab, paper, catalog, claim, preset, measured, expected, holds, seconds, adapter, id, error } = row;
  const fields = { lab, paper, catalog, claim, preset, measured, expected, holds, seconds, adapter, id };
  return JSON.stringify(error === null ? fields : { ...fields, error: { name: error.name, message: error.message } });
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly right?: boolean;
  readonly cell: (row: ClaimRow) => string;
}

const columns: readonly Column[] = [
  { title: 'lab', width: 15, cell: ({ lab }) => lab },
  { title: 'paper', width: 28, cell: ({ paper }) => paper },
  { title: 'claim', width: 44, cell: ({ claim }) => claim },
  { title: 'preset', width: 14, cell: ({ preset }) => preset },
  { title: 'measured', width: 10, right: true, cell: ({ measured }) => formatMeasured(measured) },
  { title: 'expected', width: 18, cell: ({ expected, unit }) => (unit === null ? expected : `${expected} ${unit}`) },
  { title: 'held', width: 6, cell: verdict },
  { title: 'seconds', width: 7, right: true, cell: ({ seconds }) => (seconds === null ? '' : seconds.toFixed(1)) },
];

/** The table's heading, with a rule under it. */
export function tableHead(): string {
  return `${layOut(columns.map(({ title }) => title))}\n${columns.map(({ width }) => '-'.repeat(width)).join('  ')}`;
}

/** One row of the table. Long cells wrap, so that nothing is cut off; an error stands under its row in full. */
export function tableRow(row: ClaimRow): string {
  const line = layOut(columns.map((column) => column.cell(row)));
  return row.error === null ? line : `${line}\n  ${row.error.name}: ${row.error.message}`;
}

/** The line under the table. */
export function summary(rows: readonly ClaimRow[]): string {
  const failed = rows.filter(({ error }) => error !== null).length;
  const held = rows.filter(({ holds, error }) => holds === true && error === null).length;
  const adapters = [...new Set(rows.flatMap(({ adapter }) => adapter ?? []))].join(', ');
  return `${rows.length} claims${adapters === '' ? '' : ` on ${adapters}`}: ${held} held, ${rows.length - held - failed} did not, ${failed} failed to run.`;
}

function verdict({ holds, error }: ClaimRow): string {
  if (error !== null) return 'failed';
  if (holds === null) return '';
  return holds ? 'yes' : 'NO';
}

function formatMeasured(measured: number | null): string {
  if (measured === null) return '';
  if (Number.isInteger(measured) && Math.abs(measured) < 1e9) return String(measured);
  return Math.abs(measured) < 1e-3 ? measured.toExponential(3) : measured.toPrecision(4);
}

function layOut(cells: readonly string[]): string {
  const wrapped = columns.map(({ width }, index) => wrap(cells[index] ?? '', width));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    columns
      .map(({ width, right }, index) => {
        const text = wrapped[index]?.[line] ?? '';
        return right === true ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  ).join('\n');
}

/** Breaks at spaces, and within a word only where it is wider than the column. */
function wrap(text: string, width: number): readonly string[] {
  const lines = [''];
  for (let word of text.split(' ')) {
    const line = lines[lines.length - 1] ?? '';
    if (line !== '' && line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`;
      continue;
    }
    if (line !== '') lines.push('');
    for (; word.length > width; word = word.slice(width)) lines.splice(-1, 1, word.slice(0, width), '');
    lines[lines.length - 1] = word;
  }
  return lines;
}
