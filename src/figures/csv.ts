/** Comma-separated values as RFC 4180 writes them. */

/** One cell: a number shortest and exact (float32 values without their float64 tail), NaN and infinities as nothing. */
function cell(value: string | number): string {
  if (typeof value === 'string') return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  if (!Number.isFinite(value)) return '';
  return String(Math.fround(value) === value ? shortestFloat32(value) : value);
}

/** The shortest decimal that is this float32; nine digits always are. */
function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** Rows of cells as text, a header row first where the caller gives one. */
export function writeCsv(rows: Iterable<readonly (string | number)[]>): string {
  let text = '';
  for (const row of rows) text += `${row.map(cell).join(',')}\r\n`;
  return text;
}
