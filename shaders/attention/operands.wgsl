// What every attention kernel over (query, key) pairs shares: its parameters, its operands, and how rows of them are loaded.
// Strides count vec4s where a head's row is made of whole vec4s (`vectors`, `valueVectors`), else numbers.
import package::attention::blocks::NEXT;

struct Params {
  origin: vec3u,
  /// The query head of workgroup 0.
  first_head: u32,
  first_query: u32,
  end_query: u32,
  first_key: u32,
  end_key: u32,
  /// Where among the keys query 0 stands.
  offset: i32,
  before: i32,
  after: i32,
  /// Query heads that share a head of keys and values.
  group: u32,
  dimension: u32,
  value_dimension: u32,
  scale: f32,
  soft_cap: f32,
  query_row: u32,
  query_head: u32,
  key_row: u32,
  key_head: u32,
  value_row: u32,
  value_head: u32,
  result_row: u32,
  result_head: u32,
  bias_row: u32,
  bias_head: u32,
  /// The first vec4 column that this dispatch makes.
  first_chunk: u32,
  is_first_round: u32,
  is_last_round: u32,
  /// The query that lies in the result's row 0.
  result_first: u32,
  /// Keys of one split, and what lies between two splits in the result and in the row statistics.
  split_keys: u32,
  split_result: u32,
  split_stats: u32,
  /// Gradients: where the owned rows end, the streamed rows of this dispatch, which of a group's heads, how the result lies.
  end_owner: u32,
  streamed_start: u32,
  streamed_end: u32,
  member: u32,
  target_row: u32,
  target_head: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@if(vectors) @group(0) @binding(1) var<storage, read> queries: array<vec4f>;
@else @group(0) @binding(1) var<storage, read> queries: array<f32>;
@if(vectors) @group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@else @group(0) @binding(2) var<storage, read> keys: array<f32>;
@if(valueVectors) @group(0) @binding(3) var<storage, read> values: array<vec4f>;
@else @group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;

/// Four columns of a query, 0 past its end.
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

@if(valueVectors)
fn value_chunk(row: u32, chunk: u32) -> vec4f { return values[row + min(chunk, params.value_dimension / 4u - 1u)]; }
@else
fn value_chunk(row: u32, chunk: u32) -> vec4f {
  let column = vec4u(4u * chunk) + NEXT;
  let at = vec4u(row) + min(column, vec4u(params.value_dimension - 1u));
  return select(vec4f(), vec4f(values[at.x], values[at.y], values[at.z], values[at.w]), column < vec4u(params.value_dimension));
}

fn query_block(rows: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(query_chunk(rows.x, chunk), query_chunk(rows.y, chunk), query_chunk(rows.z, chunk), query_chunk(rows.w, chunk));
}

fn key_block(rows: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(key_chunk(rows.x, chunk), key_chunk(rows.y, chunk), key_chunk(rows.z, chunk), key_chunk(rows.w, chunk));
}

fn value_block(rows: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(value_chunk(rows.x, chunk), value_chunk(rows.y, chunk), value_chunk(rows.z, chunk), value_chunk(rows.w, chunk));
}
