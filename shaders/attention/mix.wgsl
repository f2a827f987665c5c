// Stored weights times values: the last of the three steps. An invocation makes four rows of four columns.
import package::attention::blocks::NEXT;

struct Params {
  origin: vec3u,
  first_query: u32,
  end_query: u32,
  key_count: u32,
  /// Query heads that share a head of values.
  group: u32,
  value_dimension: u32,
  value_row: u32,
  value_head: u32,
  result_row: u32,
  result_head: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@if(valueVectors) @group(0) @binding(2) var<storage, read> values: array<vec4f>;
@else @group(0) @binding(2) var<storage, read> values: array<f32>;
@if(valueVectors) @group(0) @binding(3) var<storage, read_write> result: array<vec4f>;
@else @group(0) @binding(3) var<storage, read_write> result: array<f32>;

@if(valueVectors)
fn value_chunk(row: u32, chunk: u32) -> vec4f { return values[row + chunk]; }
@else
fn value_chunk(row: u32, chunk: u32) -> vec4f {
  let at = vec4u(row) + min(vec4u(4u * chunk) + NEXT, vec4u(params.value_dimension - 1u));
  return vec4f(values[at.x], values[at.y], values[at.z], values[at.w]);
}

@if(valueVectors)
fn store_chunk(row: u32, chunk: u32, value: vec4f) { result[row + chunk] = value; }
@else
fn store_chunk(row: u32, chunk: u32, value: vec4f) {
  for (var i = 0u; i < 4u && 4u * chunk + i < params.value_dimension; i++) {
    result[row + 4u * chunk + i] = value[i];
  }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let head = workgroup.z;
  let chunk = 8u * workgroup.x + local.y;
  let query = params.first_query + 4u * (8u * workgroup.y + local.x);
  if (4u * chunk >= params.value_dimension || query >= params.end_query) { return; }
  let first_row = head * (params.end_query - params.first_query);
  let queries = min(vec4u(query) + NEXT, vec4u(params.end_query - 1u));
  let at = (vec4u(first_row) + queries - params.first_query) * params.key_count;
  var block = mat4x4f();
  for (var key = 0u; key < params.key_count; key++) {
    let value = value_chunk((head / params.group) * params.value_head + key * params.value_row, chunk);
    let weight = vec4f(weights[at.x + key], weights[at.y + key], weights[at.z + key], weights[at.w + key]);
    block += mat4x4f(value * weight.x, value * weight.y, value * weight.z, value * weight.w);
  }
  for (var i = 0u; i < 4u && query + i < params.end_query; i++) {
    store_chunk(head * params.result_head + (query + i) * params.result_row, chunk, block[i]);
  }
}
