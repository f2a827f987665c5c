// Softmax of rows that one workgroup holds: LANES invocations a row, every pass of the method, a tree of fixed shape.
import constants::{LANES, ROWS};
import package::softmax::source::{inside, load};
import package::softmax::state::{BLOCK, identity, include, include_maximum, merge, term4, total};
import package::softmax::value::{Normalizer, gradient4, normalizer, value4};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  @if(gradient) scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(gradient) @group(0) @binding(2) var<storage, read> targets: array<u32>;
@if(wide && gradient) @group(0) @binding(3) var<storage, read_write> result: array<vec4f>;
@if(wide && !gradient) @group(0) @binding(2) var<storage, read_write> result: array<vec4f>;
@if(!wide && gradient) @group(0) @binding(3) var<storage, read_write> result: array<f32>;
@if(!wide && !gradient) @group(0) @binding(2) var<storage, read_write> result: array<f32>;

var<workgroup> states: array<array<vec2f, LANES>, ROWS>;

fn join(local: vec2u, state: vec2f) -> vec2f {
  states[local.y][local.x] = state;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.x < half) {
      states[local.y][local.x] = merge(states[local.y][local.x], states[local.y][local.x + half]);
    }
  }
  workgroupBarrier();
  let joined = states[local.y][0];
  workgroupBarrier();
  return joined;
}

fn store(start: u32, quad: u32, value: vec4f) {
  @if(wide) { result[start / 4u + quad] = value; }
  @if(!wide) {
    let first = start + 4u * quad;
    for (var i = 0u; i < 4u && 4u * quad + i < params.columns; i++) {
      result[first + i] = value[i];
    }
  }
}

@if(reload) fn stored(start: u32, quad: u32) -> vec4f {
  @if(wide) return result[start / 4u + quad];
  @if(!wide) {
    let column = min(4u * quad + vec4u(0u, 1u, 2u, 3u), vec4u(params.columns - 1u));
    return vec4f(result[start + column.x], result[start + column.y], result[start + column.z], result[start + column.w]);
  }
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.y + params.origin.y) * ROWS + local.y;
  let columns = params.columns;
  let start = min(row, params.rows - 1u) * columns;
  // Rows past the end repeat the last one in the reductions, and write nothing.
  let end = (columns + 3u) / 4u;
  let last = select(0u, end, row < params.rows);

  var state = identity();
  @if(threePass) {
    for (var quad = local.x; quad < end; quad += LANES) {
      state = include_maximum(state, load(start, quad, columns));
    }
  }
  @if(!threePass) {
    for (var block = local.x; block < end; block += BLOCK * LANES) {
      var part = identity();
      for (var quad = block; quad < min(block + BLOCK * LANES, end); quad += LANES) {
        part = include(part, load(start, quad, columns), inside(quad, columns));
      }
      state = merge(state, part);
    }
  }
  state = join(local.xy, state);
  @if(threePass) {
    let maximum = state.x;
    state.y = 0f;
    for (var block = local.x; block < end; block += BLOCK * LANES) {
      var part = 0f;
      for (var quad = block; quad < min(block + BLOCK * LANES, end); quad += LANES) {
        let term = term4(load(start, quad, columns), maximum);
        part += total(term, inside(quad, columns));
        @if(reload) { if (quad < last) { store(start, quad, term); } }
      }
      state.y += part;
    }
    state = join(local.xy, state);
  }

  let shared_by_row = normalizer(state);
  for (var quad = local.x; quad < last; quad += LANES) {
    @if(reload) { store(start, quad, stored(start, quad) / shared_by_row.sum); }
    @if(gradient) { store(start, quad, gradient4(load(start, quad, columns), shared_by_row, quad, columns, targets[row], params.scale)); }
    @if(!reload && !gradient) { store(start, quad, value4(load(start, quad, columns), shared_by_row)); }
  }
}
