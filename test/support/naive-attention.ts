/** Attention and its gradients as they are written down, every operation rounded to float32: the error that others may have. */
import { normals } from './attention';

const f = Math.fround;

/** a b, or a b^T, of row-major matrices, each sum one after the other in float32. */
function product(a: Float32Array, b: Float32Array, [m, n, k]: readonly [number, number, number], isTransposed = false) {
  const result = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++)
        sum = f(sum + f((a[i * k + l] ?? 0) * (b[isTransposed ? j * k + l : l * n + j] ?? 0)));
      result[i * n + j] = sum;
    }
  }
  return result;
}

function transposed(a: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(a, (_, index) => a[(index % rows) * columns + Math.floor(index / rows)] ?? 0);
}

/** Attention of the seeded normal operands 1, 2, 3 ([n, d] each) and its gradients for the loss <normal numbers 9, result>. */
export function naiveFloat32(n: number, d: number, scale: number) {
  const [q, k, v, o] = [normals(n * d, 1), normals(n * d, 2), normals(n * d, 3), normals(n * d, 9)];
  const weights = product(q, k, [n, n, d], true).map((similarity) => similarity * scale);
  const changes = product(o, v, [n, n, d], true);
  for (let i = 0; i < n; i++) {
    const row = weights.subarray(i * n, (i + 1) * n);
    const largest = row.reduce((a, b) => Math.max(a, b), -3e38);
    let total = 0;
    row.forEach((logit, j) => {
      row[j] = Math.exp(f(logit - largest));
      total = f(total + (row[j] ?? 0));
    });
    row.forEach((weight, j) => (row[j] = weight / total));
  }
  const result = product(weights, v, [n, d, n]);
  const slopes = weights.map((weight, index) => {
    const i = Math.floor(index / n);
    let delta = 0;
    for (let c = 0; c < d; c++) delta = f(delta + f((o[i * d + c] ?? 0) * (result[i * d + c] ?? 0)));
    return f(f(weight * f((changes[index] ?? 0) - delta)) * scale);
  });
  return {
    result,
    queries: product(slopes, k, [n, d, n]),
    keys: product(transposed(slopes, n, n), q, [n, d, n]),
    values: product(transposed(weights, n, n), o, [n, d, n]),
  };
}
