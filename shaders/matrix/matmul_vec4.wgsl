// C = A B, 8 x 8 outputs per invocation in registers, operands read as vec4f, no workgroup memory.
// A 4 x 4 block is held as a mat4x4f whose columns are the block's rows, so C's block grows by (B block) * (A block).
// k, and the stored row length of each operand, are multiples of 4 here (what is not is packed first).
import package::matrix::quads::{a, b, params, store_block};

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = (workgroup.y * 8u + local.y) * 8u;
  let column = (workgroup.x * 8u + local.x) * 8u;

  // Where the blocks start, clamped to the matrix: what lies outside is computed and never stored.
  let upper = vec4u(row, row + 1u, row + 2u, row + 3u);
  @if(!transposeA) let a0_at = min(upper, vec4u(params.m - 1u)) * params.a_quads;
  @if(!transposeA) let a1_at = min(upper + 4u, vec4u(params.m - 1u)) * params.a_quads;
  @if(transposeA) let a0_at = min(row / 4u, params.a_quads - 1u);
  @if(transposeA) let a1_at = min(row / 4u + 1u, params.a_quads - 1u);
  let left = vec4u(column, column + 1u, column + 2u, column + 3u);
  @if(transposeB) let b0_at = min(left, vec4u(params.n - 1u)) * params.b_quads;
  @if(transposeB) let b1_at = min(left + 4u, vec4u(params.n - 1u)) * params.b_quads;
  @if(!transposeB) let b0_at = min(column / 4u, params.b_quads - 1u);
  @if(!transposeB) let b1_at = min(column / 4u + 1u, params.b_quads - 1u);

  var c00 = mat4x4f();
  var c01 = mat4x4f();
  var c10 = mat4x4f();
  var c11 = mat4x4f();
  let steps = params.k / 4u;
  for (var step = 0u; step < steps; step++) {
    let k = vec4u(4u * step, 4u * step + 1u, 4u * step + 2u, 4u * step + 3u);
    @if(!transposeA) let a0 = mat4x4f(a[a0_at.x + step], a[a0_at.y + step], a[a0_at.z + step], a[a0_at.w + step]);
    @if(!transposeA) let a1 = mat4x4f(a[a1_at.x + step], a[a1_at.y + step], a[a1_at.z + step], a[a1_at.w + step]);
    @if(transposeA) let ka = k * params.a_quads;
    @if(transposeA) let a0 = transpose(mat4x4f(a[ka.x + a0_at], a[ka.y + a0_at], a[ka.z + a0_at], a[ka.w + a0_at]));
    @if(transposeA) let a1 = transpose(mat4x4f(a[ka.x + a1_at], a[ka.y + a1_at], a[ka.z + a1_at], a[ka.w + a1_at]));
    @if(!transposeB) let kb = k * params.b_quads;
    @if(!transposeB) let b0 = mat4x4f(b[kb.x + b0_at], b[kb.y + b0_at], b[kb.z + b0_at], b[kb.w + b0_at]);
    @if(!transposeB) let b1 = mat4x4f(b[kb.x + b1_at], b[kb.y + b1_at], b[kb.z + b1_at], b[kb.w + b1_at]);
    @if(transposeB) let b0 = transpose(mat4x4f(b[b0_at.x + step], b[b0_at.y + step], b[b0_at.z + step], b[b0_at.w + step]));
    @if(transposeB) let b1 = transpose(mat4x4f(b[b1_at.x + step], b[b1_at.y + step], b[b1_at.z + step], b[b1_at.w + step]));
    c00 += b0 * a0;
    c01 += b1 * a0;
    c10 += b0 * a1;
    c11 += b1 * a1;
  }
  store_block(row, column, c00);
  store_block(row, column + 4u, c01);
  store_block(row + 4u, column, c10);
  store_block(row + 4u, column + 4u, c11);
}
