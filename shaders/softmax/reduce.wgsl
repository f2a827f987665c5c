// The state of each chunk of each row, in one pass: LANES invocations for a chunk, then a fixed tree.
// With `summing` the second of three passes: the row's maximum is known. With `reload` it stores the terms as well.
import constants::{LANES, ROWS};
import package::softmax::source::{inside, load};
import package::softmax::state::{BLOCK, identity, include, include_maximum, merge, term4, total};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  chunks: u32,
  quads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(summing) @group(0) @binding(2) var<storage, read> maxima: array<vec2f>;
@if(summing) @group(0) @binding(3) var<storage, read_write> result: array<vec2f>; // [rows, chunks]
@if(!summing) @group(0) @binding(2) var<storage, read_write> result: array<vec2f>; // [rows, chunks]
@if(reload && wide) @group(0) @binding(4) var<storage, read_write> terms: array<vec4f>;
@if(reload && !wide) @group(0) @binding(4) var<storage, read_write> terms: array<f32>;

var<workgroup> states: array<array<vec2f, LANES>, ROWS>;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * ROWS + local.y;
  let columns = params.columns;
  let start = min(row, params.rows - 1u) * columns;
  let first = workgroup.x * params.quads;
  let end = min(first + params.quads, (columns + 3u) / 4u);
  var state = identity();
  @if(summing) { state = vec2f(maxima[min(row, params.rows - 1u)].x, 0f); }
  for (var block = first + local.x; block < end; block += BLOCK * LANES) {
    var part = identity();
    @if(summing) { part.x = state.x; }
    for (var quad = block; quad < min(block + BLOCK * LANES, end); quad += LANES) {
      let logits = load(start, quad, columns);
      @if(summing) {
        let term = term4(logits, state.x);
        part.y += total(term, inside(quad, columns));
        @if(reload && wide) { if (row < params.rows) { terms[start / 4u + quad] = term; } }
        @if(reload && !wide) {
          for (var i = 0u; i < 4u && 4u * quad + i < columns && row < params.rows; i++) {
            terms[start + 4u * quad + i] = term[i];
          }
        }
      }
      @if(threePass && !summing) { part = include_maximum(part, logits); }
      @if(!threePass) { part = include(part, logits, inside(quad, columns)); }
    }
    state = merge(state, part);
  }
  states[local.y][local.x] = state;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      states[local.y][local.x] = merge(states[local.y][local.x], states[local.y][local.x + half]);
    }
  }
  if (local.x == 0u && row < params.rows) {
    result[row * params.chunks + workgroup.x] = states[local.y][0];
  }
}
