// One component of a mixture model as an invocation holds it: the matrix S and what follows from it.
// A model is [components, 1 + DIMENSION + QUADRATIC]: the log weight, the centre r, and a lower triangular factor L of
// S = L L^T whose diagonal is kept as logarithms. Where S is diagonal, only that diagonal is there.
import constants::{DIMENSION, QUADRATIC};

/// A symmetric matrix, row-major, or its diagonal.
alias Quadratic = array<f32, QUADRATIC>;

struct Inverse {
  matrix: Quadratic,
  log_determinant: f32,
}

/// The position of entry (i, i).
fn diagonal(i: u32) -> u32 {
  @if(full) return i * (DIMENSION + 1u);
  @if(!full) return i;
}

/// L with its diagonal exponentiated -> S.
fn square_of_factor(factor: ptr<function, Quadratic>) -> Quadratic {
  var result: Quadratic;
  @if(!full) {
    for (var i = 0u; i < DIMENSION; i++) {
      result[i] = (*factor)[i] * (*factor)[i];
    }
  }
  @if(full) {
    for (var i = 0u; i < DIMENSION; i++) {
      for (var j = 0u; j <= i; j++) {
        var total = 0f;
        for (var l = 0u; l <= j; l++) {
          total += (*factor)[i * DIMENSION + l] * (*factor)[j * DIMENSION + l];
        }
        result[i * DIMENSION + j] = total;
        result[j * DIMENSION + i] = total;
      }
    }
  }
  return result;
}

/// The inverse of a symmetric positive definite matrix by Gauss-Jordan elimination (no pivoting is needed), and log det.
fn invert(given: Quadratic) -> Inverse {
  var matrix = given;
  var log_determinant = 0f;
  @if(!full) {
    for (var i = 0u; i < DIMENSION; i++) {
      log_determinant += log(matrix[i]);
      matrix[i] = 1f / matrix[i];
    }
  }
  @if(full) {
    for (var pivot = 0u; pivot < DIMENSION; pivot++) {
      let value = matrix[diagonal(pivot)];
      log_determinant += log(value);
      matrix[diagonal(pivot)] = 1f;
      for (var j = 0u; j < DIMENSION; j++) {
        matrix[pivot * DIMENSION + j] /= value;
      }
      for (var i = 0u; i < DIMENSION; i++) {
        if (i != pivot) {
          let factor = matrix[i * DIMENSION + pivot];
          matrix[i * DIMENSION + pivot] = 0f;
          for (var j = 0u; j < DIMENSION; j++) {
            matrix[i * DIMENSION + j] -= factor * matrix[pivot * DIMENSION + j];
          }
        }
      }
    }
  }
  return Inverse(matrix, log_determinant);
}

/// The product of two matrices.
fn product(a: ptr<function, Quadratic>, b: ptr<function, Quadratic>) -> Quadratic {
  var result: Quadratic;
  @if(!full) {
    for (var i = 0u; i < DIMENSION; i++) {
      result[i] = (*a)[i] * (*b)[i];
    }
  }
  @if(full) {
    for (var i = 0u; i < DIMENSION; i++) {
      for (var j = 0u; j < DIMENSION; j++) {
        var total = 0f;
        for (var l = 0u; l < DIMENSION; l++) {
          total += (*a)[i * DIMENSION + l] * (*b)[l * DIMENSION + j];
        }
        result[i * DIMENSION + j] = total;
      }
    }
  }
  return result;
}
