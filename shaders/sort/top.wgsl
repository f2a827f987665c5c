// The first elements of chunks of SIZE of each row, in order: a bitonic sort (Batcher 1968) of pairs of key and column,
// ROWS rows a workgroup. No two pairs are the same, so equal values come with the lower column first. A column beyond
// all others stands for no element. The first level looks at whole rows, later ones at the columns that earlier ones kept.
// With `serial` one invocation takes a chunk and keeps a heap of the best (Williams 1964) where the result is to be, or with
// `few` the best KEPT in order.
import constants::{SIZE, ROWS, INVOCATIONS, KEPT};
import package::sort::digit::encode;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32, // of x
  candidates: u32, // in each row
  kept: u32, // of each chunk
  result_row: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read_write> result_columns: array<u32>;
@if(last) @group(0) @binding(4) var<storage, read_write> result_values: array<u32>;

const NONE = 0xffffffffu;
const TOTAL = u32(SIZE) * u32(ROWS);

@if(!serial) var<workgroup> entries: array<vec2u, TOTAL>;

/// The order that is wanted as that of unsigned integers; -0 counts as 0.
fn key_of(bits: u32) -> u32 {
  @if(float) return encode(select(bits, 0u, bits == 0x80000000u));
  @if(!float) return encode(bits);
}

/// The column at a place of a row's candidates.
fn candidate(row: u32, place: u32) -> u32 {
  @if(first) return place;
  @if(!first) return candidates[row * params.candidates + place];
}

/// A key with its column, which decides between equal keys. No branches here and below: all elements pass.
fn entry(row: u32, column: u32) -> vec2u {
  return select(vec2u(key_of(x[row * params.columns + column]), column), vec2u(NONE), column == NONE);
}

fn is_behind(a: vec2u, b: vec2u) -> bool {
  return (a.x > b.x) | ((a.x == b.x) & (a.y > b.y));
}

/// Puts an entry into the heap of `size` columns that begins at `heap`, at `node` or below: whoever is behind is above.
@if(serial && !few) fn sift(row: u32, heap: u32, size: u32, node: u32, value: vec2u) {
  var at = node;
  for (var child = 2u * at + 1u; child < size; child = 2u * at + 1u) {
    var next = entry(row, result_columns[heap + child]);
    if (child + 1u < size) {
      let other = entry(row, result_columns[heap + child + 1u]);
      if (is_behind(other, next)) {
        next = other;
        child += 1u;
      }
    }
    if (!is_behind(next, value)) {
      break;
    }
    result_columns[heap + at] = next.y;
    at = child;
  }
  result_columns[heap + at] = value.y;
}

@if(serial) @compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let chunks = params.result_row / params.kept;
  let index = (group.x + params.origin.x) * INVOCATIONS + lane;
  let row = index / chunks;
  if (row >= params.rows) {
    return;
  }
  let heap = index * params.kept;
  let begin = index % chunks * SIZE;
  let end = min(begin + SIZE, params.candidates);
  @if(few) {
    var best: array<vec2u, KEPT>;
    for (var k = 0u; k < KEPT; k++) {
      best[k] = vec2u(NONE);
    }
    var worst = vec2u(NONE);
    for (var place = begin; place < end; place++) {
      var next = entry(row, candidate(row, place));
      if (is_behind(worst, next)) {
        for (var k = 0u; k < KEPT; k++) {
          let other = best[k];
          let goes_first = is_behind(other, next);
          best[k] = select(other, next, goes_first);
          next = select(next, other, goes_first);
        }
        worst = best[KEPT - 1];
      }
    }
    for (var k = 0u; k < KEPT; k++) {
      result_columns[heap + k] = best[k].y;
    }
  }
  @if(!few) {
    for (var k = 0u; k < params.kept; k++) {
      result_columns[heap + k] = select(NONE, candidate(row, begin + k), begin + k < end);
    }
    for (var node = params.kept / 2u; node > 0u; node--) {
      sift(row, heap, params.kept, node - 1u, entry(row, result_columns[heap + node - 1u]));
    }
    var worst = entry(row, result_columns[heap]);
    for (var place = begin + params.kept; place < end; place++) {
      let next = entry(row, candidate(row, place));
      if (is_behind(worst, next)) {
        sift(row, heap, params.kept, 0u, next);
        worst = entry(row, result_columns[heap]);
      }
    }
    // The last of what is left goes behind it.
    for (var size = params.kept - 1u; size > 0u; size--) {
      let last_column = result_columns[heap + size];
      result_columns[heap + size] = result_columns[heap];
      sift(row, heap, size, 0u, entry(row, last_column));
    }
  }
  @if(last) {
    for (var k = 0u; k < params.kept; k++) {
      result_values[heap + k] = x[row * params.columns + result_columns[heap + k]];
    }
  }
}

@if(!serial) @compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  for (var i = lane; i < TOTAL; i += u32(INVOCATIONS)) {
    let row = workgroup.y * ROWS + i / SIZE;
    let place = workgroup.x * SIZE + i % SIZE;
    let is_there = row < params.rows && place < params.candidates;
    entries[i] = entry(row, select(NONE, candidate(row, place), is_there));
  }
  workgroupBarrier();
  for (var run = 2u; run <= u32(SIZE); run *= 2u) {
    for (var distance = run / 2u; distance > 0u; distance /= 2u) {
      for (var p = lane; p < TOTAL / 2u; p += u32(INVOCATIONS)) {
        let low = p & (distance - 1u);
        let i = 2u * (p - low) + low;
        let j = i + distance;
        let first = entries[i];
        let second = entries[j];
        let ascends = ((i % SIZE) & run) == 0u;
        if (is_behind(first, second) == ascends) {
          entries[i] = second;
          entries[j] = first;
        }
      }
      workgroupBarrier();
    }
  }
  for (var i = lane; i < TOTAL; i += u32(INVOCATIONS)) {
    let row = workgroup.y * ROWS + i / SIZE;
    let place = i % SIZE;
    let at = workgroup.x * params.kept + place;
    if (row < params.rows && place < params.kept && at < params.result_row) {
      let column = entries[i].y;
      result_columns[row * params.result_row + at] = column;
      @if(last) result_values[row * params.result_row + at] = x[row * params.columns + column];
    }
  }
}
