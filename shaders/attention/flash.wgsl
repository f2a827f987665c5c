// Attention without stored scores (FlashAttention, Dao et al. 2022; online softmax, Milakov and Gimelshein 2018).
//
// A workgroup owns 8 * LANES queries and walks over tiles of 4 * GROUPS keys. In each tile an invocation forms the logits of
// its 8 queries and 4 keys (two 4x4 blocks in registers), the workgroup agrees on the running row maxima, leaves the weights
// in workgroup memory, and each invocation multiplies them with its own columns of the values, which stay in registers.
// Long key ranges come in several dispatches (rounds): maxima and sums wait in `stats`, the unfinished result in `result`.
// Where there are few queries the keys are split over workgroups instead (z), and `merge` puts the splits together.
import package::common::exp::exponential4;
import package::attention::blocks::{NEXT, similarities, column_maxima, scale_columns};
import package::attention::operands::{params, query_block, key_block, value_block};
import package::attention::logits::{FIRST_MAXIMUM, block_logits};
import package::attention::tile::{BLOCK_OWNED, BLOCK_STREAMED, weights_of, keep_weights};
import constants::LANES;
import constants::GROUPS;

@group(0) @binding(5) var<storage, read> sinks: array<f32>;
@if(valueVectors) @group(0) @binding(6) var<storage, read_write> result: array<vec4f>;
@else @group(0) @binding(6) var<storage, read_write> result: array<f32>;
@if(stats) @group(0) @binding(7) var<storage, read_write> stats: array<vec2f>;

/// By group, half, lane: what the groups have to agree on.
var<workgroup> shared_rows: array<vec4f, u32(GROUPS) * 2u * u32(LANES)>;

@if(valueVectors)
fn result_chunk(row: u32, chunk: u32) -> vec4f { return result[row + min(chunk, params.value_dimension / 4u - 1u)]; }
@else
fn result_chunk(row: u32, chunk: u32) -> vec4f {
  let at = vec4u(row) + min(vec4u(4u * chunk) + NEXT, vec4u(params.value_dimension - 1u));
  return vec4f(result[at.x], result[at.y], result[at.z], result[at.w]);
}

@if(valueVectors)
fn store_chunk(row: u32, chunk: u32, value: vec4f) {
  if (4u * chunk < params.value_dimension) { result[row + chunk] = value; }
}
@else
fn store_chunk(row: u32, chunk: u32, value: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    if (4u * chunk + i < params.value_dimension) { result[row + 4u * chunk + i] = value[i]; }
  }
}

fn result_block(rows: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(result_chunk(rows.x, chunk), result_chunk(rows.y, chunk), result_chunk(rows.z, chunk), result_chunk(rows.w, chunk));
}

fn store_block(rows: vec4u, stored: vec4<bool>, chunk: u32, block: mat4x4f) {
  if (stored.x) { store_chunk(rows.x, chunk, block[0]); }
  if (stored.y) { store_chunk(rows.y, chunk, block[1]); }
  if (stored.z) { store_chunk(rows.z, chunk, block[2]); }
  if (stored.w) { store_chunk(rows.w, chunk, block[3]); }
}

/// exp(logit - maximum), with a row per query's key and a column per query turned into a row per key.
fn weights_by_key(block: mat4x4f, maxima: vec4f) -> mat4x4f {
  return transpose(mat4x4f(
    exponential4(block[0] - maxima.x),
    exponential4(block[1] - maxima.y),
    exponential4(block[2] - maxima.z),
    exponential4(block[3] - maxima.w),
  ));
}

@compute @workgroup_size(LANES, GROUPS)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group_id + params.origin;
  let head = params.first_head + workgroup.y;
  let key_value_head = head / params.group;
  let split = workgroup.z;
  let lane = local.x;
  let group = local.y;
  let column = params.first_chunk + group;
  let first = params.first_query + workgroup.x * BLOCK_OWNED;
  let last = min(first + BLOCK_OWNED, params.end_query) - 1u;

  let steps = NEXT * u32(LANES);
  let a_at = vec4u(first + lane) + steps;
  let b_at = a_at + 4u * u32(LANES);
  let a_rows = head * params.query_head + min(a_at, vec4u(last)) * params.query_row;
  let b_rows = head * params.query_head + min(b_at, vec4u(last)) * params.query_row;
  let result_start = split * params.split_result + head * params.result_head;
  let a_results = result_start + (min(a_at, vec4u(last)) - params.result_first) * params.result_row;
  let b_results = result_start + (min(b_at, vec4u(last)) - params.result_first) * params.result_row;

  var a_maxima = vec4f(FIRST_MAXIMUM);
  var b_maxima = vec4f(FIRST_MAXIMUM);
  var a_sums = vec4f();
  var b_sums = vec4f();
  var a0 = mat4x4f();
  var b0 = mat4x4f();
  @if(columns2) var a1 = mat4x4f();
  @if(columns2) var b1 = mat4x4f();
  @if(columns4) var a2 = mat4x4f();
  @if(columns4) var b2 = mat4x4f();
  @if(columns4) var a3 = mat4x4f();
  @if(columns4) var b3 = mat4x4f();
  @if(sinks) {
    // A sink is one more logit in the denominator, without a value: the sum starts with it.
    if (split == 0u) {
      a_maxima = vec4f(sinks[head]);
      b_maxima = a_maxima;
      if (group == 0u) {
        a_sums = vec4f(1f);
        b_sums = vec4f(1f);
      }
    }
  }
  @if(stats) let stat_row = split * params.split_stats + head * (params.end_query - params.first_query) - params.first_query;
  @if(stats) let a_stats = vec4u(stat_row) + min(a_at, vec4u(last));
  @if(stats) let b_stats = vec4u(stat_row) + min(b_at, vec4u(last));
  @if(stats) {
    if (params.is_first_round == 0u) {
      a_maxima = vec4f(stats[a_stats.x].x, stats[a_stats.y].x, stats[a_stats.z].x, stats[a_stats.w].x);
      b_maxima = vec4f(stats[b_stats.x].x, stats[b_stats.y].x, stats[b_stats.z].x, stats[b_stats.w].x);
      if (group == 0u) {
        a_sums = vec4f(stats[a_stats.x].y, stats[a_stats.y].y, stats[a_stats.z].y, stats[a_stats.w].y);
        b_sums = vec4f(stats[b_stats.x].y, stats[b_stats.y].y, stats[b_stats.z].y, stats[b_stats.w].y);
      }
      a0 = result_block(a_results, column);
      b0 = result_block(b_results, column);
      @if(columns2) {
        a1 = result_block(a_results, column + u32(GROUPS));
        b1 = result_block(b_results, column + u32(GROUPS));
      }
      @if(columns4) {
        a2 = result_block(a_results, column + 2u * u32(GROUPS));
        b2 = result_block(b_results, column + 2u * u32(GROUPS));
        a3 = result_block(a_results, column + 3u * u32(GROUPS));
        b3 = result_block(b_results, column + 3u * u32(GROUPS));
      }
    }
  }

  let depth = (params.dimension + 3u) / 4u;
  let has_values = 4u * column < params.value_dimension;
  let split_start = params.first_key + split * params.split_keys;
  let split_end = min(split_start + params.split_keys, params.end_key);
  let first_key = max(i32(first) + params.offset - params.before, i32(split_start));
  let end_key = min(i32(last) + params.offset + params.after + 1, i32(split_end));
  for (var tile = first_key; tile < end_key; tile += i32(BLOCK_STREAMED)) {
    let key = u32(tile) + 4u * group;
    let keys_at = vec4u(key) + NEXT;
    let key_rows = key_value_head * params.key_head + min(keys_at, vec4u(params.end_key - 1u)) * params.key_row;
    var a_logits = mat4x4f();
    var b_logits = mat4x4f();
    for (var chunk = 0u; chunk < depth; chunk++) {
      let block = key_block(key_rows, chunk);
      a_logits += similarities(query_block(a_rows, chunk), block);
      b_logits += similarities(query_block(b_rows, chunk), block);
    }
    let end_tile = tile + i32(BLOCK_STREAMED);
    let is_edge = end_tile > i32(split_end) || tile < i32(last) + params.offset - params.before
      || end_tile - 1 > i32(first) + params.offset + params.after;
    // Past the end of a split the keys belong to the next one.
    let own_keys = select(vec4u(params.end_key), keys_at, keys_at < vec4u(split_end));
    a_logits = block_logits(a_logits, head, a_at, own_keys, is_edge);
    b_logits = block_logits(b_logits, head, b_at, own_keys, is_edge);

    shared_rows[2u * group * u32(LANES) + lane] = column_maxima(a_logits);
    shared_rows[(2u * group + 1u) * u32(LANES) + lane] = column_maxima(b_logits);
    workgroupBarrier();
    var a_new = a_maxima;
    var b_new = b_maxima;
    for (var other = 0u; other < u32(GROUPS); other++) {
      a_new = max(a_new, shared_rows[2u * other * u32(LANES) + lane]);
      b_new = max(b_new, shared_rows[(2u * other + 1u) * u32(LANES) + lane]);
    }
    let a_shrink = exponential4(a_maxima - a_new);
    let b_shrink = exponential4(b_maxima - b_new);
    a_maxima = a_new;
    b_maxima = b_new;
    let a_weights = weights_by_key(a_logits, a_new);
    let b_weights = weights_by_key(b_logits, b_new);
    a_sums = a_sums * a_shrink + ((a_weights[0] + a_weights[1]) + (a_weights[2] + a_weights[3]));
    b_sums = b_sums * b_shrink + ((b_weights[0] + b_weights[1]) + (b_weights[2] + b_weights[3]));
    keep_weights(4u * group, 0u, lane, a_weights);
    keep_weights(4u * group, 1u, lane, b_weights);
    a0 = scale_columns(a0, a_shrink);
    b0 = scale_columns(b0, b_shrink);
    @if(columns2) {
      a1 = scale_columns(a1, a_shrink);
      b1 = scale_columns(b1, b_shrink);
    }
    @if(columns4) {
      a2 = scale_columns(a2, a_shrink);
      b2 = scale_columns(b2, b_shrink);
      a3 = scale_columns(a3, a_shrink);
      b3 = scale_columns(b3, b_shrink);
    }
    workgroupBarrier();

    if (has_values) {
      for (var y = 0u; y < BLOCK_STREAMED; y += 4u) {
        let a = weights_of(y, 0u, lane);
        let b = weights_of(y, 1u, lane);
        let rows = key_value_head * params.value_head + min(vec4u(u32(tile) + y) + NEXT, vec4u(params.end_key - 1u)) * params.value_row;
        let v0 = value_block(rows, column);
        a0 += v0 * a;
        b0 += v0 * b;
        @if(columns2) {
          let v1 = value_block(rows, column + u32(GROUPS));
          a1 += v1 * a;
          b1 += v1 * b;
        }
        @if(columns4) {
          let v2 = value_block(rows, column + 2u * u32(GROUPS));
          a2 += v2 * a;
          b2 += v2 * b;
          let v3 = value_block(rows, column + 3u * u32(GROUPS));
          a3 += v3 * a;
          b3 += v3 * b;
        }
      }
    }
  }

  shared_rows[2u * group * u32(LANES) + lane] = a_sums;
  shared_rows[(2u * group + 1u) * u32(LANES) + lane] = b_sums;
  workgroupBarrier();
  @if(stats) storageBarrier();
  a_sums = vec4f();
  b_sums = vec4f();
  for (var other = 0u; other < u32(GROUPS); other++) {
    a_sums += shared_rows[2u * other * u32(LANES) + lane];
    b_sums += shared_rows[(2u * other + 1u) * u32(LANES) + lane];
  }
  let a_stored = a_at <= vec4u(last);
  let b_stored = b_at <= vec4u(last);
  @if(stats) {
    if (group == 0u) {
      for (var i = 0u; i < 4u; i++) {
        if (a_stored[i]) { stats[a_stats[i]] = vec2f(a_maxima[i], a_sums[i]); }
        if (b_stored[i]) { stats[b_stats[i]] = vec2f(b_maxima[i], b_sums[i]); }
      }
    }
  }
  // A row that saw no key has the sum 0 and the result 0.
  let is_last = params.is_last_round != 0u;
  let a_factors = select(vec4f(1f), 1f / max(a_sums, vec4f(1e-37f)), is_last);
  let b_factors = select(vec4f(1f), 1f / max(b_sums, vec4f(1e-37f)), is_last);
  store_block(a_results, a_stored, column, scale_columns(a0, a_factors));
  store_block(b_results, b_stored, column, scale_columns(b0, b_factors));
  @if(columns2) {
    store_block(a_results, a_stored, column + u32(GROUPS), scale_columns(a1, a_factors));
    store_block(b_results, b_stored, column + u32(GROUPS), scale_columns(b1, b_factors));
  }
  @if(columns4) {
    store_block(a_results, a_stored, column + 2u * u32(GROUPS), scale_columns(a2, a_factors));
    store_block(b_results, b_stored, column + 2u * u32(GROUPS), scale_columns(b2, b_factors));
    store_block(a_results, a_stored, column + 3u * u32(GROUPS), scale_columns(a3, a_factors));
    store_block(b_results, b_stored, column + 3u * u32(GROUPS), scale_columns(b3, b_factors));
  }
}
