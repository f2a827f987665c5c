// Attention of a few queries over many keys: keys are split over workgroups, `merge` puts the splits together
// (the split of Dao, Haziza, Massa, Sizov, "Flash-Decoding for long-context inference", 2023).
//
// A workgroup owns four rows (or one, `single`) that share a head of keys: queries, or query heads of one group. It takes its
// keys in tiles: an invocation forms the logits of its keys, the workgroup agrees on maxima, leaves the weights in workgroup
// memory, and each invocation adds up its four columns of the values over its slice of the tile.
import package::common::exp::exponential4;
import package::attention::blocks::{NEXT, similarities};
import package::attention::operands::{params, query_chunk, query_block, key_chunk, value_chunk};
import package::attention::logits::{FIRST_MAXIMUM, scaled, restricted};
/// Invocations, and vec4 columns among them: LANES / CHUNKS slices of keys.
import constants::LANES;
import constants::CHUNKS;

@if(valueVectors) @group(0) @binding(5) var<storage, read_write> result: array<vec4f>;
@else @group(0) @binding(5) var<storage, read_write> result: array<f32>;
@group(0) @binding(6) var<storage, read_write> stats: array<vec2f>;

const TILE = 4u * u32(LANES);
const SLICES = u32(LANES) / u32(CHUNKS);

/// A number per row, and four columns per row.
@if(single) alias Row = f32;
@else alias Row = vec4f;
@if(single) alias Block = vec4f;
@else alias Block = mat4x4f;

var<workgroup> weights: array<Row, TILE>;
var<workgroup> lanes: array<Row, LANES>;
var<workgroup> blocks: array<Block, LANES>;

/// What four components add to the similarities (or squared distances) of the rows with one key.
@if(single && !squaredDistance)
fn products(rows: vec4u, chunk: u32, key: vec4f) -> f32 { return dot(query_chunk(rows.x, chunk), key); }
@if(single && squaredDistance)
fn products(rows: vec4u, chunk: u32, key: vec4f) -> f32 {
  let difference = query_chunk(rows.x, chunk) - key;
  return dot(difference, difference);
}
@if(!single)
fn products(rows: vec4u, chunk: u32, key: vec4f) -> vec4f {
  return similarities(mat4x4f(key, key, key, key), query_block(rows, chunk))[0];
}

@if(single)
fn logit(product: f32, head: vec4u, query: vec4u, key: u32) -> f32 {
  return restricted(scaled(vec4f(product)), head, query, vec4u(key), true).x;
}
@else
fn logit(product: vec4f, head: vec4u, query: vec4u, key: u32) -> vec4f {
  return restricted(scaled(product), head, query, vec4u(key), true);
}

@if(single)
fn exponentials(x: f32) -> f32 { return exponential4(vec4f(x)).x; }
@else
fn exponentials(x: vec4f) -> vec4f { return exponential4(x); }

@if(single)
fn mixed(value: vec4f, weight: f32) -> vec4f { return value * weight; }
@else
fn mixed(value: vec4f, weight: vec4f) -> mat4x4f {
  return mat4x4f(value * weight.x, value * weight.y, value * weight.z, value * weight.w);
}

@if(single)
fn shrunk(block: vec4f, factor: f32) -> vec4f { return block * factor; }
@else
fn shrunk(block: mat4x4f, factor: vec4f) -> mat4x4f {
  return mat4x4f(block[0] * factor.x, block[1] * factor.y, block[2] * factor.z, block[3] * factor.w);
}

@if(single)
fn row_of(x: f32, i: u32) -> f32 { return x; }
@else
fn row_of(x: vec4f, i: u32) -> f32 { return x[i]; }

@if(single)
fn columns_of(block: vec4f, i: u32) -> vec4f { return block; }
@else
fn columns_of(block: mat4x4f, i: u32) -> vec4f { return block[i]; }

@if(valueVectors)
fn store_chunk(row: u32, chunk: u32, value: vec4f) { result[row + chunk] = value; }
@else
fn store_chunk(row: u32, chunk: u32, value: vec4f) {
  for (var i = 0u; i < 4u && 4u * chunk + i < params.value_dimension; i++) {
    result[row + 4u * chunk + i] = value[i];
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group_id + params.origin;
  let key_value_head = params.first_head / params.group + workgroup.y;
  let split = workgroup.z;
  // Rows are (query, head of the group), heads next to each other.
  let row_count = (params.end_query - params.first_query) * params.group;
  @if(single) let first_row = workgroup.x;
  @if(!single) let first_row = 4u * workgroup.x;
  let at = min(vec4u(first_row) + NEXT, vec4u(row_count - 1u));
  let query = vec4u(params.first_query) + at / params.group;
  let head = vec4u(key_value_head * params.group) + at % params.group;
  let query_rows = head * params.query_head + query * params.query_row;

  let start = params.first_key + split * params.split_keys;
  let end = min(start + params.split_keys, params.end_key);
  let depth = (params.dimension + 3u) / 4u;
  let chunk = lane % u32(CHUNKS);
  let slice = lane / u32(CHUNKS);
  let column = params.first_chunk + chunk;
  let has_column = 4u * column < params.value_dimension;

  var maxima = Row(FIRST_MAXIMUM);
  var sums = Row();
  var block = Block();
  for (var tile = start; tile < end; tile += TILE) {
    let count = min(TILE, end - tile);
    var largest = maxima;
    for (var i = lane; i < count; i += u32(LANES)) {
      let key_row = key_value_head * params.key_head + (tile + i) * params.key_row;
      var product = Row();
      for (var c = 0u; c < depth; c++) { product += products(query_rows, c, key_chunk(key_row, c)); }
      let value = logit(product, head, query, tile + i);
      weights[i] = value;
      largest = max(largest, value);
    }
    lanes[lane] = largest;
    for (var width = u32(LANES) / 2u; width > 0u; width /= 2u) {
      workgroupBarrier();
      if (lane < width) { lanes[lane] = max(lanes[lane], lanes[lane + width]); }
    }
    workgroupBarrier();
    largest = lanes[0];
    let factor = exponentials(maxima - largest);
    maxima = largest;
    sums *= factor;
    block = shrunk(block, factor);
    for (var i = lane; i < count; i += u32(LANES)) {
      let weight = exponentials(weights[i] - maxima);
      weights[i] = weight;
      sums += weight;
    }
    workgroupBarrier();
    if (has_column) {
      for (var i = slice; i < count; i += SLICES) {
        let value_row = key_value_head * params.value_head + (tile + i) * params.value_row;
        block += mixed(value_chunk(value_row, column), weights[i]);
      }
    }
    workgroupBarrier();
  }

  lanes[lane] = sums;
  blocks[lane] = block;
  for (var width = u32(LANES) / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) {
      lanes[lane] += lanes[lane + width];
      // Lanes that far apart hold the same columns.
      if (width >= u32(CHUNKS)) { blocks[lane] += blocks[lane + width]; }
    }
  }
  workgroupBarrier();
  for (var i = 0u; i < 4u && first_row + i < row_count; i++) {
    @if(single) { if (i > 0u) { break; } }
    let row = split * params.split_stats + head[i] * (params.end_query - params.first_query) + query[i] - params.first_query;
    if (lane == 0u) { stats[row] = vec2f(row_of(maxima, i), row_of(lanes[0], i)); }
    let result_row = split * params.split_result + head[i] * params.result_head + (query[i] - params.result_first) * params.result_row;
    if (slice == 0u && has_column) { store_chunk(result_row, column, columns_of(blocks[lane], i)); }
  }
}
