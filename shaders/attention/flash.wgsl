// Attention without stored scores (FlashAttention, Dao et al. 2022; online softmax, Milakov and Gimelshein 2018).
//
// A workgroup owns 8 * LANES queries and walks over tiles of 4 * GROUPS keys. In each tile an invocation forms the logits of
// its 8 queries and 4 keys (two 4x4 blocks in registers), the workgroup agrees on the running row maxima, leaves the weights
// in workgroup memory, and each invocation multiplies them with its own columns of the values, which stay in registers.
// With `large` an invocation has 16 queries and 8 keys: too many registers for most GPUs, and fewer loads where "registers"
// are a CPU's stack.
// Long key ranges come in several dispatches (rounds): maxima and sums wait in `stats`, the unfinished result in `result`.
// Where there are few queries the keys are split over workgroups instead (z), and `merge` puts the splits together.
import package::common::exp::exponential4;
import package::attention::blocks::{NEXT, similarities, column_maxima, scale_columns};
import package::attention::operands::{params, query_block, key_block, value_block};
import package::attention::logits::{FIRST_MAXIMUM, block_logits};
import package::attention::tile::{BLOCK_OWNED, BLOCK_STREAMED, weights_of, keep_weights};
import constants::LANES;
import constants::GROUPS;
import constants::QUADS;

@group(0) @binding(5) var<storage, read> sinks: array<f32>;
@if(valueVectors) @group(0) @binding(6) var<storage, read_write> result: array<vec4f>;
@else @group(0) @binding(6) var<storage, read_write> result: array<f32>;
@if(stats) @group(0) @binding(7) var<storage, read_write> stats: array<vec2f>;

/// Four queries of an invocation: where they and their results lie, what is known of them, and their columns of the result.
struct Quad {
  at: vec4u,
  rows: vec4u,
  results: vec4u,
  @if(stats) stats: vec4u,
  maxima: vec4f,
  sums: vec4f,
  c0: mat4x4f,
  @if(columns2) c1: mat4x4f,
  @if(columns4) c2: mat4x4f,
  @if(columns4) c3: mat4x4f,
}

/// The logits of four queries and of the invocation's keys.
struct Logits {
  x: mat4x4f,
  @if(large) y: mat4x4f,
}

/// Values of four keys in the invocation's columns.
struct Values {
  c0: mat4x4f,
  @if(columns2) c1: mat4x4f,
  @if(columns4) c2: mat4x4f,
  @if(columns4) c3: mat4x4f,
}

/// By group, quad, lane: what the groups have to agree on.
var<workgroup> shared_rows: array<vec4f, u32(GROUPS) * u32(QUADS) * u32(LANES)>;

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

/// The first column of the invocation's block k of columns.
fn column_of(column: u32, k: u32) -> u32 { return column + k * u32(GROUPS); }

fn shared_at(group: u32, quad: u32, lane: u32) -> u32 { return (u32(QUADS) * group + quad) * u32(LANES) + lane; }

/// Quad number `quad` of a lane, as it is before the first key or as the dispatch before left it.
fn begin(quad: u32, head: u32, split: u32, first: u32, last: u32, lane: u32, group: u32) -> Quad {
  var q: Quad;
  q.at = vec4u(first + lane + 4u * quad * u32(LANES)) + NEXT * u32(LANES);
  let inside = min(q.at, vec4u(last));
  q.rows = head * params.query_head + inside * params.query_row;
  q.results = split * params.split_result + head * params.result_head + (inside - params.result_first) * params.result_row;
  q.maxima = vec4f(FIRST_MAXIMUM);
  @if(sinks) {
    // A sink is one more logit in the denominator, without a value: the sum starts with it.
    if (split == 0u) {
      q.maxima = vec4f(sinks[head]);
      if (group == 0u) { q.sums = vec4f(1f); }
    }
  }
  @if(stats) {
    q.stats = vec4u(split * params.split_stats + head * (params.end_query - params.first_query) - params.first_query) + inside;
    if (params.is_first_round == 0u) {
      let known = transpose(mat4x2f(stats[q.stats.x], stats[q.stats.y], stats[q.stats.z], stats[q.stats.w]));
      q.maxima = known[0];
      q.sums = select(vec4f(), known[1], group == 0u);
      let column = params.first_chunk + group;
      q.c0 = result_block(q.results, column);
      @if(columns2) { q.c1 = result_block(q.results, column_of(column, 1u)); }
      @if(columns4) {
        q.c2 = result_block(q.results, column_of(column, 2u));
        q.c3 = result_block(q.results, column_of(column, 3u));
      }
    }
  }
  return q;
}

fn include(logits: Logits, queries: mat4x4f, x: mat4x4f, y: mat4x4f) -> Logits {
  var sum = logits;
  sum.x += similarities(queries, x);
  @if(large) { sum.y += similarities(queries, y); }
  return sum;
}

fn finish_logits(products: Logits, head: u32, at: vec4u, x_at: vec4u, y_at: vec4u, is_edge: bool) -> Logits {
  var logits: Logits;
  logits.x = block_logits(products.x, head, at, x_at, is_edge);
  @if(large) { logits.y = block_logits(products.y, head, at, y_at, is_edge); }
  return logits;
}

fn largest(logits: Logits) -> vec4f {
  var result = column_maxima(logits.x);
  @if(large) { result = max(result, column_maxima(logits.y)); }
  return result;
}

/// Takes the maxima that the groups left, rescales what there is, and leaves the weights for the groups.
fn advance(before: Quad, logits: Logits, quad: u32, lane: u32, group: u32) -> Quad {
  var q = before;
  for (var other = 0u; other < u32(GROUPS); other++) {
    q.maxima = max(q.maxima, shared_rows[shared_at(other, quad, lane)]);
  }
  let shrink = exponential4(before.maxima - q.maxima);
  let x = weights_by_key(logits.x, q.maxima);
  q.sums = q.sums * shrink + ((x[0] + x[1]) + (x[2] + x[3]));
  keep_weights(4u * group, quad, lane, x);
  @if(large) {
    let y = weights_by_key(logits.y, q.maxima);
    q.sums += (y[0] + y[1]) + (y[2] + y[3]);
    keep_weights(4u * (group + u32(GROUPS)), quad, lane, y);
  }
  return scale_result(q, shrink);
}

fn scale_result(before: Quad, factors: vec4f) -> Quad {
  var q = before;
  q.c0 = scale_columns(q.c0, factors);
  @if(columns2) { q.c1 = scale_columns(q.c1, factors); }
  @if(columns4) {
    q.c2 = scale_columns(q.c2, factors);
    q.c3 = scale_columns(q.c3, factors);
  }
  return q;
}

fn load_values(rows: vec4u, column: u32) -> Values {
  var v: Values;
  v.c0 = value_block(rows, column);
  @if(columns2) { v.c1 = value_block(rows, column_of(column, 1u)); }
  @if(columns4) {
    v.c2 = value_block(rows, column_of(column, 2u));
    v.c3 = value_block(rows, column_of(column, 3u));
  }
  return v;
}

fn add_values(before: Quad, v: Values, weights: mat4x4f) -> Quad {
  var q = before;
  q.c0 += v.c0 * weights;
  @if(columns2) { q.c1 += v.c1 * weights; }
  @if(columns4) {
    q.c2 += v.c2 * weights;
    q.c3 += v.c3 * weights;
  }
  return q;
}

/// Stores a quad, divided by its sums after the last round. A row that saw no key has the sum 0 and the result 0.
fn finish(unscaled: Quad, quad: u32, last: u32, lane: u32, group: u32) {
  var sums = vec4f();
  for (var other = 0u; other < u32(GROUPS); other++) {
    sums += shared_rows[shared_at(other, quad, lane)];
  }
  let stored = unscaled.at <= vec4u(last);
  @if(stats) {
    if (group == 0u) {
      for (var i = 0u; i < 4u; i++) {
        if (stored[i]) { stats[unscaled.stats[i]] = vec2f(unscaled.maxima[i], sums[i]); }
      }
    }
  }
  let q = scale_result(unscaled, select(vec4f(1f), 1f / max(sums, vec4f(1e-37f)), params.is_last_round != 0u));
  let column = params.first_chunk + group;
  store_block(q.results, stored, column, q.c0);
  @if(columns2) { store_block(q.results, stored, column_of(column, 1u), q.c1); }
  @if(columns4) {
    store_block(q.results, stored, column_of(column, 2u), q.c2);
    store_block(q.results, stored, column_of(column, 3u), q.c3);
  }
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

  var a = begin(0u, head, split, first, last, lane, group);
  var b = begin(1u, head, split, first, last, lane, group);
  @if(large) var c = begin(2u, head, split, first, last, lane, group);
  @if(large) var d = begin(3u, head, split, first, last, lane, group);

  let depth = (params.dimension + 3u) / 4u;
  let has_values = 4u * column < params.value_dimension;
  let split_start = params.first_key + split * params.split_keys;
  let split_end = min(split_start + params.split_keys, params.end_key);
  let first_key = max(i32(first) + params.offset - params.before, i32(split_start));
  let end_key = min(i32(last) + params.offset + params.after + 1, i32(split_end));
  let last_key = vec4u(params.end_key - 1u);
  for (var tile = first_key; tile < end_key; tile += i32(BLOCK_STREAMED)) {
    let x_at = vec4u(u32(tile) + 4u * group) + NEXT;
    let y_at = x_at + 4u * u32(GROUPS);
    let x_rows = key_value_head * params.key_head + min(x_at, last_key) * params.key_row;
    @if(large) let y_rows = key_value_head * params.key_head + min(y_at, last_key) * params.key_row;
    var a_logits = Logits();
    var b_logits = Logits();
    @if(large) var c_logits = Logits();
    @if(large) var d_logits = Logits();
    for (var chunk = 0u; chunk < depth; chunk++) {
      let x = key_block(x_rows, chunk);
      @if(large) let y = key_block(y_rows, chunk);
      @if(!large) let y = x;
      a_logits = include(a_logits, query_block(a.rows, chunk), x, y);
      b_logits = include(b_logits, query_block(b.rows, chunk), x, y);
      @if(large) { c_logits = include(c_logits, query_block(c.rows, chunk), x, y); }
      @if(large) { d_logits = include(d_logits, query_block(d.rows, chunk), x, y); }
    }
    let end_tile = tile + i32(BLOCK_STREAMED);
    let is_edge = end_tile > i32(split_end) || tile < i32(last) + params.offset - params.before
      || end_tile - 1 > i32(first) + params.offset + params.after;
    // Past the end of a split the keys belong to the next one.
    let x_own = select(vec4u(params.end_key), x_at, x_at < vec4u(split_end));
    let y_own = select(vec4u(params.end_key), y_at, y_at < vec4u(split_end));
    a_logits = finish_logits(a_logits, head, a.at, x_own, y_own, is_edge);
    b_logits = finish_logits(b_logits, head, b.at, x_own, y_own, is_edge);
    @if(large) { c_logits = finish_logits(c_logits, head, c.at, x_own, y_own, is_edge); }
    @if(large) { d_logits = finish_logits(d_logits, head, d.at, x_own, y_own, is_edge); }

    shared_rows[shared_at(group, 0u, lane)] = largest(a_logits);
    shared_rows[shared_at(group, 1u, lane)] = largest(b_logits);
    @if(large) { shared_rows[shared_at(group, 2u, lane)] = largest(c_logits); }
    @if(large) { shared_rows[shared_at(group, 3u, lane)] = largest(d_logits); }
    workgroupBarrier();
    a = advance(a, a_logits, 0u, lane, group);
    b = advance(b, b_logits, 1u, lane, group);
    @if(large) { c = advance(c, c_logits, 2u, lane, group); }
    @if(large) { d = advance(d, d_logits, 3u, lane, group); }
    workgroupBarrier();

    if (has_values) {
      for (var y = 0u; y < BLOCK_STREAMED; y += 4u) {
        let columns = load_values(key_value_head * params.value_head + min(vec4u(u32(tile) + y) + NEXT, last_key) * params.value_row, column);
        a = add_values(a, columns, weights_of(y, 0u, lane));
        b = add_values(b, columns, weights_of(y, 1u, lane));
        @if(large) { c = add_values(c, columns, weights_of(y, 2u, lane)); }
        @if(large) { d = add_values(d, columns, weights_of(y, 3u, lane)); }
      }
    }
  }

  shared_rows[shared_at(group, 0u, lane)] = a.sums;
  shared_rows[shared_at(group, 1u, lane)] = b.sums;
  @if(large) { shared_rows[shared_at(group, 2u, lane)] = c.sums; }
  @if(large) { shared_rows[shared_at(group, 3u, lane)] = d.sums; }
  workgroupBarrier();
  @if(stats) storageBarrier();
  finish(a, 0u, last, lane, group);
  finish(b, 1u, last, lane, group);
  @if(large) { finish(c, 2u, last, lane, group); }
  @if(large) { finish(d, 3u, last, lane, group); }
}
