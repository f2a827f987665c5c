/** The error measure of BLAS-3 testers: |C - C'| over u (|A| |B|), the largest over all elements; below 16 is a pass. */
export interface DenseProduct {
  readonly a: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** The BLAS-3 ratio of a computed product against float64. The operands are taken as the float32 numbers that they are. */
export function blas3Ratio(computed: ArrayLike<number>, product: DenseProduct): number {
  const { a, b, m, n, k, transposeA = false, transposeB = false } = product;
  let worst = 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let exact = 0;
      let magnitude = 0;
      for (let l = 0; l < k; l++) {
        const term =
          (a[transposeA ? l * m + i : i * k + l] ?? Number.NaN) * (b[transposeB ? j * k + l : l * n + j] ?? Number.NaN);
        exact += term;
        magnitude += Math.abs(term);
      }
      const error = Math.abs((computed[i * n + j] ?? Number.NaN) - exact);
      const ratio = magnitude === 0 ? error : error / (2 ** -24 * magnitude);
      // NaN compares false with everything: it has to end as the worst there is.
      if (!(ratio <= worst)) worst = Number.isNaN(ratio) ? Infinity : ratio;
    }
  }
  return worst;
}
