/** A table as tokens for a mixture of experts, and its first column foretold from the others by linear experts. */
import { fitExperts, type RegressionErrors } from '../algorithms/expert-regression';
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { NumericMatrix } from './parameters';

/** Rows that are fitted and held back, at most; experts, at most; rounds. */
const [mostRows, mostExperts, rounds] = [1000, 16, 12];

/** Columns of a table with mean 0 and variance 1. Throws `InvalidInputError` for less than two rows and for what is no number. */
export function standardized({ rows, columns, values, name }: NumericMatrix): Float64Array {
  if (rows < 2 || !values.every((value) => Math.abs(value) <= 1e18)) {
    throw new InvalidInputError(
      `${name} must have two rows or more, of numbers of ordinary size: each row is a token.`,
      {
        field: 'table',
      },
    );
  }
  const result = new Float64Array(values);
  for (let column = 0; column < columns; column++) {
    const own = values.filter((_, at) => at % columns === column);
    const mean = own.reduce((sum, value) => sum + value, 0) / rows;
    const deviation = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows) || 1;
    for (let at = column; at < result.length; at += columns) result[at] = ((result[at] ?? 0) - mean) / deviation;
  }
  return result;
}

/**
 * Fits linear experts to rows drawn from a table, seven of ten, and yields the errors on the others, in deviations of the
 * first column. Nothing for tables of one column and of less than ten rows, and without a table.
 */
export function* fitTable(
  table: NumericMatrix | undefined,
  experts: number,
  seed: number,
): Generator<RegressionErrors> {
  if (table === undefined || table.columns < 2 || table.rows < 10) return;
  const values = standardized(table);
  const random = new Philox(seed, 9);
  const order = Array.from({ length: table.rows }, (_, row) => ({ row, key: random.word() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, mostRows);
  const cell = (row: number, column: number) => values[row * table.columns + column] ?? 0;
  const inputs = Float64Array.from(
    order.flatMap(({ row }) => Array.from({ length: table.columns - 1 }, (_, column) => cell(row, column + 1))),
  );
  const targets = Float64Array.from(order, ({ row }) => cell(row, 0));
  const held = Math.floor(0.7 * order.length);
  const starts = Array.from({ length: Math.min(experts, mostExperts, held) }, (_, expert) => expert);
  yield* fitExperts({ inputs, targets, held }, starts, rounds);
}
