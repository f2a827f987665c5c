// C = A B, 16 x 16 outputs per invocation: as matmul_vec4, with four times the outputs and half the loads for each.
// Too many registers for most GPUs; the fastest where "registers" are a CPU's stack and every load costs a branch.
import package::matrix::quads::{a, b, params, store_block};

// The 4 x 4 block of A at four rows from `row` and four k from 4 * step, its rows as columns.
fn load_a(row: u32, step: u32) -> mat4x4f {
  @if(!transposeA) let at = min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(params.m - 1u)) * params.a_quads + step;
  @if(!transposeA) return mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]);
  @if(transposeA) let at = vec4u(0u, 1u, 2u, 3u) * params.a_quads + (4u * step * params.a_quads + min(row / 4u, params.a_quads - 1u));
  @if(transposeA) return transpose(mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]));
}

// The 4 x 4 block of B at four k from 4 * step and four columns from `column`, its rows as columns.
fn load_b(column: u32, step: u32) -> mat4x4f {
  @if(!transposeB) let at = vec4u(0u, 1u, 2u, 3u) * params.b_quads + (4u * step * params.b_quads + min(column / 4u, params.b_quads - 1u));
  @if(!transposeB) return mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]);
  @if(transposeB) let at = min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(params.n - 1u)) * params.b_quads + step;
  @if(transposeB) return transpose(mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]));
}

@compute @workgroup_size(4, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = (workgroup.y * 4u + local.y) * 16u;
  let column = (workgroup.x * 4u + local.x) * 16u;
  // Sixteen named blocks, not an array: an array indexed in a loop would live in memory.
  var c00 = mat4x4f(); var c01 = mat4x4f(); var c02 = mat4x4f(); var c03 = mat4x4f();
  var c10 = mat4x4f(); var c11 = mat4x4f(); var c12 = mat4x4f(); var c13 = mat4x4f();
  var c20 = mat4x4f(); var c21 = mat4x4f(); var c22 = mat4x4f(); var c23 = mat4x4f();
  var c30 = mat4x4f(); var c31 = mat4x4f(); var c32 = mat4x4f(); var c33 = mat4x4f();
  let steps = params.k / 4u;
  for (var step = 0u; step < steps; step++) {
    let b0 = load_b(column, step);
    let b1 = load_b(column + 4u, step);
    let b2 = load_b(column + 8u, step);
    let b3 = load_b(column + 12u, step);
    let a0 = load_a(row, step);
    c00 += b0 * a0; c01 += b1 * a0; c02 += b2 * a0; c03 += b3 * a0;
    let a1 = load_a(row + 4u, step);
    c10 += b0 * a1; c11 += b1 * a1; c12 += b2 * a1; c13 += b3 * a1;
    let a2 = load_a(row + 8u, step);
    c20 += b0 * a2; c21 += b1 * a2; c22 += b2 * a2; c23 += b3 * a2;
    let a3 = load_a(row + 12u, step);
    c30 += b0 * a3; c31 += b1 * a3; c32 += b2 * a3; c33 += b3 * a3;
  }
  store_block(row, column, c00); store_block(row, column + 4u, c01);
  store_block(row, column + 8u, c02); store_block(row, column + 12u, c03);
  store_block(row + 4u, column, c10); store_block(row + 4u, column + 4u, c11);
  store_block(row + 4u, column + 8u, c12); store_block(row + 4u, column + 12u, c13);
  store_block(row + 8u, column, c20); store_block(row + 8u, column + 4u, c21);
  store_block(row + 8u, column + 8u, c22); store_block(row + 8u, column + 12u, c23);
  store_block(row + 12u, column, c30); store_block(row + 12u, column + 4u, c31);
  store_block(row + 12u, column + 8u, c32); store_block(row + 12u, column + 12u, c33);
}
