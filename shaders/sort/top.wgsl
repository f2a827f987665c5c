// The first elements of chunks of SIZE of each row, in order: a bitonic sort (Batcher 1968) of pairs of key and column,
// ROWS rows a workgroup. No two pairs are the same, so equal values come with the lower column first. A column beyond
// all others stands for no element. The first level looks at whole rows, later ones at the columns that earlier ones kept.
import constants::{SIZE, ROWS, INVOCATIONS};
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

var<workgroup> keys: array<u32, TOTAL>;
var<workgroup> columns: array<u32, TOTAL>;

/// The order that is wanted as that of unsigned integers; -0 counts as 0.
fn key_of(bits: u32) -> u32 {
  @if(float) return encode(select(bits, 0u, bits == 0x80000000u));
  @if(!float) return encode(bits);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  for (var i = lane; i < TOTAL; i += u32(INVOCATIONS)) {
    let row = workgroup.y * ROWS + i / SIZE;
    let place = workgroup.x * SIZE + i % SIZE;
    var column = NONE;
    if (row < params.rows && place < params.candidates) {
      @if(first) column = place;
      @if(!first) column = candidates[row * params.candidates + place];
    }
    columns[i] = column;
    keys[i] = NONE;
    if (column != NONE) {
      keys[i] = key_of(x[row * params.columns + column]);
    }
  }
  workgroupBarrier();
  for (var run = 2u; run <= u32(SIZE); run *= 2u) {
    for (var distance = run / 2u; distance > 0u; distance /= 2u) {
      for (var p = lane; p < TOTAL / 2u; p += u32(INVOCATIONS)) {
        let low = p & (distance - 1u);
        let i = 2u * (p - low) + low;
        let j = i + distance;
        let is_behind = keys[i] > keys[j] || (keys[i] == keys[j] && columns[i] > columns[j]);
        let ascends = ((i % SIZE) & run) == 0u;
        if (is_behind == ascends) {
          let key = keys[i];
          keys[i] = keys[j];
          keys[j] = key;
          let column = columns[i];
          columns[i] = columns[j];
          columns[j] = column;
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
      result_columns[row * params.result_row + at] = columns[i];
      @if(last) result_values[row * params.result_row + at] = x[row * params.columns + columns[i]];
    }
  }
}
