// The rows of each tile times the weights of the tile's expert. A workgroup takes a tile of 32 rows and 64 columns, an
// invocation 4 rows and 8 columns of it. Rows are read where the permutation says and written where it says: nothing is
// copied or padded first. A 4 x 4 block is a mat4x4f whose columns are the block's rows.
struct Params {
  origin: vec3u,
  inner: u32, // columns of x
  width: u32, // columns of the result
  slots: u32, // pairs of one token
  experts: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@if(packed) @group(0) @binding(1) var<storage, read> x: array<vec4f>;
@if(!packed) @group(0) @binding(1) var<storage, read> x: array<f32>;
@if(packed) @group(0) @binding(2) var<storage, read> weights: array<vec4f>;
@if(!packed) @group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> tiles: array<u32>;
@group(0) @binding(4) var<storage, read> permutation: array<u32>;
@group(0) @binding(5) var<storage, read_write> result: array<f32>;

// Four numbers of a row of x from column k; zeros beyond its end.
fn load_x(start: u32, k: u32) -> vec4f {
  @if(packed) return x[(start + k) / 4u];
  @if(!packed) {
    let columns = vec4u(k, k + 1u, k + 2u, k + 3u);
    let at = start + min(columns, vec4u(params.inner - 1u));
    return select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), columns < vec4u(params.inner));
  }
}

// Four numbers of a row of weights from a column; what lies beyond the end is never stored.
fn load_weights(row: u32, column: u32) -> vec4f {
  @if(packed) return weights[(row * params.width + min(column, params.width - 4u)) / 4u];
  @if(!packed) {
    let at = row * params.width + min(vec4u(column, column + 1u, column + 2u, column + 3u), vec4u(params.width - 1u));
    return vec4f(weights[at.x], weights[at.y], weights[at.z], weights[at.w]);
  }
}

fn load_block(first: u32, k: u32, column: u32) -> mat4x4f {
  let rows = first + min(vec4u(k, k + 1u, k + 2u, k + 3u), vec4u(params.inner - 1u));
  return mat4x4f(
    load_weights(rows.x, column), load_weights(rows.y, column), load_weights(rows.z, column), load_weights(rows.w, column),
  );
}

fn store(row: u32, column: u32, sums: vec4f) {
  var values = sums;
  @if(relu) values = max(values, vec4f());
  let at = row * params.width + column;
  if (column < params.width) { result[at] = values.x; }
  if (column + 1u < params.width) { result[at + 1u] = values.y; }
  if (column + 2u < params.width) { result[at + 2u] = values.z; }
  if (column + 3u < params.width) { result[at + 3u] = values.w; }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let expert = tiles[3u * workgroup.y];
  let place = tiles[3u * workgroup.y + 1u] + 4u * local.y;
  let end = tiles[3u * workgroup.y + 2u];
  let column = (workgroup.x * 8u + local.x) * 8u;
  if (place >= end || column >= params.width) {
    return;
  }
  let places = min(place + vec4u(0u, 1u, 2u, 3u), vec4u(end - 1u));
  var targets = places;
  var sources = places;
  @if(gather || scatter) let pairs = vec4u(permutation[places.x], permutation[places.y], permutation[places.z], permutation[places.w]);
  @if(scatter) targets = pairs;
  @if(gather) sources = pairs / params.slots;
  @if(each) sources = sources * params.experts + expert;
  let starts = sources * params.inner;

  var left = mat4x4f();
  var right = mat4x4f();
  let first = expert * params.inner;
  for (var k = 0u; k < params.inner; k += 4u) {
    let rows = mat4x4f(load_x(starts.x, k), load_x(starts.y, k), load_x(starts.z, k), load_x(starts.w, k));
    left += load_block(first, k, column) * rows;
    right += load_block(first, k, column + 4u) * rows;
  }
  for (var i = 0u; i < 4u; i++) {
    if (place + i < end) {
      store(targets[i], column, left[i]);
      store(targets[i], column + 4u, right[i]);
    }
  }
}
