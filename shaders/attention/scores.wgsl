// The logits of all queries and keys, stored: the first of the three steps of attention as it is written down.
// An invocation makes a 4x4 block, a workgroup 32 queries by 32 keys.
import package::attention::blocks::{NEXT, similarities, add_to_rows, masked};

struct Params {
  origin: vec3u,
  first_query: u32,
  end_query: u32,
  key_count: u32,
  dimension: u32,
  before: i32,
  after: i32,
  scale: f32,
  query_row: u32,
  query_head: u32,
  key_row: u32,
  key_head: u32,
  bias_head: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@if(vectors) @group(0) @binding(1) var<storage, read> queries: array<vec4f>;
@else @group(0) @binding(1) var<storage, read> queries: array<f32>;
@if(vectors) @group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@else @group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> key_bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;

@if(vectors)
fn query_chunk(row: u32, chunk: u32) -> vec4f { return queries[row + chunk]; }
@else
fn query_chunk(row: u32, chunk: u32) -> vec4f {
  let column = vec4u(4u * chunk) + NEXT;
  let at = vec4u(row) + min(column, vec4u(params.dimension - 1u));
  return select(vec4f(), vec4f(queries[at.x], queries[at.y], queries[at.z], queries[at.w]), column < vec4u(params.dimension));
}

@if(vectors)
fn key_chunk(row: u32, chunk: u32) -> vec4f { return keys[row + chunk]; }
@else
fn key_chunk(row: u32, chunk: u32) -> vec4f {
  let column = vec4u(4u * chunk) + NEXT;
  let at = vec4u(row) + min(column, vec4u(params.dimension - 1u));
  return select(vec4f(), vec4f(keys[at.x], keys[at.y], keys[at.z], keys[at.w]), column < vec4u(params.dimension));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let head = workgroup.z;
  let query = params.first_query + 4u * (8u * workgroup.y + local.x);
  let key = 4u * (8u * workgroup.x + local.y);
  let query_rows = head * params.query_head + min(vec4u(query) + NEXT, vec4u(params.end_query - 1u)) * params.query_row;
  let keys_at = min(vec4u(key) + NEXT, vec4u(params.key_count - 1u));
  let key_rows = head * params.key_head + keys_at * params.key_row;
  let depth = (params.dimension + 3u) / 4u;
  var block = mat4x4f();
  for (var chunk = 0u; chunk < depth; chunk++) {
    let q = mat4x4f(
      query_chunk(query_rows.x, chunk),
      query_chunk(query_rows.y, chunk),
      query_chunk(query_rows.z, chunk),
      query_chunk(query_rows.w, chunk),
    );
    let k = mat4x4f(
      key_chunk(key_rows.x, chunk),
      key_chunk(key_rows.y, chunk),
      key_chunk(key_rows.z, chunk),
      key_chunk(key_rows.w, chunk),
    );
    block += similarities(q, k);
  }
  block = block * params.scale;
  @if(keyBias) {
    let at = vec4u(params.bias_head * head) + keys_at;
    block = add_to_rows(block, vec4f(key_bias[at.x], key_bias[at.y], key_bias[at.z], key_bias[at.w]));
  }
  for (var i = 0u; i < 4u && query + i < params.end_query; i++) {
    let row = masked(block[i], i32(query + i), i32(key), params.before, params.after, i32(params.key_count));
    let start = (head * (params.end_query - params.first_query) + query + i - params.first_query) * params.key_count;
    for (var j = 0u; j < 4u && key + j < params.key_count; j++) {
      scores[start + key + j] = row[j];
    }
  }
}
