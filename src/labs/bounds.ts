/** The bar that a claim must pass, said once: what people read as `expected` and what is checked come from the same number. */

/** What `atMost` and its like add to a claim. NaN passes none of them. */
export interface Bound {
  readonly expected: string;
  readonly unit?: string;
  readonly holds: (measured: number) => boolean;
}

const bound = (expected: string, unit: string | undefined, holds: Bound['holds']): Bound => ({
  expected,
  ...(unit !== undefined && { unit }),
  holds,
});

/** `1,000`, `0.05`, `1e-5`. */
const numeral = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.01 ? value.toExponential() : value.toLocaleString('en');

/** No more than the limit: `<= 1e-5`. */
export const atMost = (limit: number, unit?: string): Bound =>
  bound(`<= ${numeral(limit)}`, unit, (measured) => measured <= limit);

/** The limit or more: `>= 10`. */
export const atLeast = (limit: number, unit?: string): Bound =>
  bound(`>= ${numeral(limit)}`, unit, (measured) => measured >= limit);

/** Less than the limit: `< 1`. */
export const below = (limit: number, unit?: string): Bound =>
  bound(`< ${numeral(limit)}`, unit, (measured) => measured < limit);

/** More than the limit: `> 1`. */
export const above = (limit: number, unit?: string): Bound =>
  bound(`> ${numeral(limit)}`, unit, (measured) => measured > limit);

/** As near to a number as the tolerance: `10 ± 1`; exactly that number, where there is none: `1`. */
export const near = (center: number, tolerance = 0, unit?: string): Bound =>
  bound(
    tolerance === 0 ? numeral(center) : `${numeral(center)} ± ${numeral(tolerance)}`,
    unit,
    (measured) => Math.abs(measured - center) <= tolerance,
  );
