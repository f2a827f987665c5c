/** The discrete Fourier transform in float64: halves while the length is even, the definition where it is odd. */

/** sum_t x_t exp(sign 2 pi i k t / n) of complex numbers, real and imaginary parts side by side; not scaled. */
export function discreteTransform(x: Float64Array, sign: 1 | -1): Float64Array {
  const n = x.length / 2;
  const out = new Float64Array(2 * n);
  if (n % 2 === 1) {
    for (let k = 0; k < n; k++) {
      for (let t = 0; t < n; t++) addProduct(out, k, x, t, (k * t) % n, n, sign);
    }
    return out;
  }
  const half = n / 2;
  const part = (first: number): Float64Array => {
    const values = new Float64Array(n);
    for (let t = 0; t < half; t++) values.set(x.subarray(2 * (2 * t + first), 2 * (2 * t + first) + 2), 2 * t);
    return discreteTransform(values, sign);
  };
  const [even, odd] = [part(0), part(1)];
  for (let k = 0; k < n; k++) {
    out.set(even.subarray(2 * (k % half), 2 * (k % half) + 2), 2 * k);
    addProduct(out, k, odd, k % half, k, n, sign);
  }
  return out;
}

/** out_k += x_t exp(sign 2 pi i turn / n). */
function addProduct(
  out: Float64Array,
  k: number,
  x: Float64Array,
  t: number,
  turn: number,
  n: number,
  sign: number,
): void {
  const angle = (sign * 2 * Math.PI * turn) / n;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [re = 0, im = 0] = [x[2 * t], x[2 * t + 1]];
  out[2 * k] = (out[2 * k] ?? 0) + re * c - im * s;
  out[2 * k + 1] = (out[2 * k + 1] ?? 0) + re * s + im * c;
}
