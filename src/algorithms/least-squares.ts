/** Least squares of small dense problems in float64, by orthogonalising columns twice. */

/**
 * What is left of each target after the best combination of the columns is taken away, in the Euclidean norm relative to the
 * target. Columns that others nearly span (to 1e-10 of their norm) are left out. All have the same length.
 */
export function relativeResiduals(columns: readonly Float64Array[], targets: readonly Float64Array[]): number[] {
  const basis: Float64Array[] = [];
  for (const column of columns) {
    const left = orthogonal(basis, column);
    const norm = Math.sqrt(dot(left, left));
    if (norm > 1e-10 * Math.sqrt(dot(column, column))) basis.push(left.map((value) => value / norm));
  }
  return targets.map((target) => {
    const left = orthogonal(basis, target);
    return Math.sqrt(dot(left, left) / dot(target, target));
  });
}

/** Gram and Schmidt, modified and twice: orthogonal to rounding (Giraud et al. 2005). */
function orthogonal(basis: readonly Float64Array[], vector: Float64Array): Float64Array {
  const left = Float64Array.from(vector);
  for (let pass = 0; pass < 2; pass++) {
    for (const direction of basis) {
      const along = dot(direction, left);
      for (let i = 0; i < left.length; i++) left[i] = (left[i] ?? 0) - along * (direction[i] ?? 0);
    }
  }
  return left;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
