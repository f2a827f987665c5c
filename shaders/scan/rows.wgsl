// Scans each row of a matrix in blocks: ITEMS neighbours in each invocation, then the lanes of a row. With `totals` only what each whole block amounts to; otherwise the scan itself, which starts
// from `carries`, the scan of those totals, where there is more than one block. No block waits for another within a
// dispatch: WebGPU does not promise that a waiting workgroup ever sees another one move on.
import constants::{LANES, ROWS, ITEMS};
import package::scan::operator::{State, Element, identity, merge, apply};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  blocks: u32,
  coefficient_row: u32, // elements from one row of coefficients to the next: 0 where a row has a single one
  coefficient_step: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(!nested) @group(0) @binding(1) var<storage, read> x: array<Element>;
@if(nested) @group(0) @binding(1) var<storage, read> x: array<State>;
@group(0) @binding(2) var<storage, read> carries: array<State>; // [rows, blocks]
@if(recurrence) @group(0) @binding(3) var<storage, read> coefficients: array<Element>;
@if(recurrence) @group(0) @binding(4) var<storage, read> initial_values: array<Element>; // [rows]
@if(recurrence && !totals && !nested) @group(0) @binding(5) var<storage, read_write> result: array<Element>;
@if(recurrence && (totals || nested)) @group(0) @binding(5) var<storage, read_write> result: array<State>;
@if(!recurrence) @group(0) @binding(3) var<storage, read_write> result: array<State>;

var<workgroup> lane_totals: array<array<State, LANES>, ROWS>;
@if(grouped) var<workgroup> group_totals: array<array<State, 16>, ROWS>;

/// Where the k-th element of a row lies, from the end with `reverse`.
fn place(row: u32, k: u32) -> u32 {
  @if(!reverse) return row * params.columns + k;
  @if(reverse) return row * params.columns + params.columns - 1u - k;
}

fn load(row: u32, k: u32) -> State {
  let at = place(row, k);
  @if(!recurrence || nested) return x[at];
  @if(recurrence && !nested) {
    let column = at - row * params.columns;
    return State(coefficients[row * params.coefficient_row + column * params.coefficient_step], x[at]);
  }
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * ROWS + local.y;
  let block = workgroup.x;
  let first = (block * LANES + local.x) * ITEMS;
  var values: array<State, ITEMS>;
  var own = identity();
  for (var i = 0u; i < ITEMS; i++) {
    values[i] = identity();
    if (row < params.rows && first + i < params.columns) {
      values[i] = load(row, first + i);
    }
    own = merge(own, values[i]);
  }
  lane_totals[local.y][local.x] = own;
  workgroupBarrier();
  // What comes before this lane: groups of 16 lanes, then the lanes of its own group. Two barriers; in log2(LANES) steps
  // there would be 16, and a software adapter changes between all invocations at each.
  var before = identity();
  let group_begin = local.x / 16u * 16u;
  @if(grouped) {
    if (local.x < u32(LANES) / 16u) {
      var sum = identity();
      for (var k = 0u; k < 16u; k++) {
        sum = merge(sum, lane_totals[local.y][local.x * 16u + k]);
      }
      group_totals[local.y][local.x] = sum;
    }
    workgroupBarrier();
    for (var k = 0u; k < group_begin / 16u; k++) {
      before = merge(before, group_totals[local.y][k]);
    }
  }
  for (var k = group_begin; k < local.x; k++) {
    before = merge(before, lane_totals[local.y][k]);
  }
  @if(totals) {
    if (local.x == LANES - 1 && row < params.rows) {
      result[row * params.blocks + block] = merge(before, own);
    }
  }
  @if(!totals) {
    if (row >= params.rows) {
      return;
    }
    var running = before;
    if (params.blocks > 1u) {
      running = merge(carries[row * params.blocks + block], before);
    }
    @if(recurrence && !nested) var h = Element(0);
    @if(recurrence && !nested && initial) h = initial_values[row];
    @if(recurrence && !nested) h = apply(running, h);
    for (var i = 0u; i < ITEMS; i++) {
      if (first + i < params.columns) {
        let at = place(row, first + i);
        @if(recurrence && !nested) {
          h = apply(values[i], h);
          result[at] = h;
        }
        @if(!recurrence || nested) {
          @if(exclusive) result[at] = running;
          running = merge(running, values[i]);
          @if(!exclusive) result[at] = running;
        }
      }
    }
  }
}
