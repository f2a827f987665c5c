// Scans each row of a matrix in blocks: ITEMS neighbours in each invocation, then the lanes of a row; with `serial` each
// block by one invocation, without barriers. With `totals` only what each whole block amounts to; otherwise the scan itself,
// which starts from `carries`, the scan of those totals, where there is more than one block. No block waits for another
// within a dispatch: WebGPU does not promise that a waiting workgroup ever sees another one move on.
import constants::{LANES, ROWS, ITEMS};
import package::scan::operator::{Number, State, Element, identity, merge, apply};

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
  blocks: u32,
  coefficient_row: u32, // elements from one row of coefficients to the next: 0 where a row has a single one
  coefficient_step: u32,
  items: u32, // of a block, with `serial`; with `quads` it and `columns` are multiples of 4
  row_step: u32, // elements of x and the result from one row to the next, and from one number of a row to the next
  step: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@if(!nested && !quads) @group(0) @binding(1) var<storage, read> x: array<Element>;
@if(quads) @group(0) @binding(1) var<storage, read> x: array<vec4<Number>>;
@if(nested) @group(0) @binding(1) var<storage, read> x: array<State>;
@group(0) @binding(2) var<storage, read> carries: array<State>; // [rows, blocks]
@if(recurrence) @group(0) @binding(3) var<storage, read> coefficients: array<Element>;
@if(recurrence) @group(0) @binding(4) var<storage, read> initial_values: array<Element>; // [rows]
@if(recurrence && !totals && !nested) @group(0) @binding(5) var<storage, read_write> result: array<Element>;
@if(recurrence && (totals || nested)) @group(0) @binding(5) var<storage, read_write> result: array<State>;
@if(!recurrence && (!quads || totals)) @group(0) @binding(3) var<storage, read_write> result: array<State>;
@if(quads && !totals) @group(0) @binding(3) var<storage, read_write> result: array<vec4<Number>>;

// What comes before the elements that `own` joins, all of them neighbours in this invocation.
var<private> base: State;
var<private> own: State;
@if(recurrence && !nested) var<private> h: Element;
@if(quads) const STEP = 4u;
@if(!quads) const STEP = 1u;

@if(!serial) var<workgroup> lane_totals: array<array<State, LANES>, ROWS>;
@if(!serial && grouped) var<workgroup> group_totals: array<array<State, 16>, ROWS>;

/// Where the k-th element of a row lies, from the end with `reverse`.
fn place(row: u32, k: u32) -> u32 {
  @if(!reverse) return row * params.row_step + k * params.step;
  @if(reverse) return row * params.row_step + (params.columns - 1u - k) * params.step;
}

@if(!quads) fn load(row: u32, k: u32) -> State {
  let at = place(row, k);
  @if(!recurrence || nested) return x[at];
  @if(recurrence && !nested) {
    let column = at - row * params.columns;
    return State(coefficients[row * params.coefficient_row + column * params.coefficient_step], x[at]);
  }
}

/// Takes up a recurrence at what `base` makes of its first value.
@if(!totals) fn start(row: u32) {
  @if(recurrence && !nested) {
    h = Element(0);
    @if(initial) h = initial_values[row];
    h = apply(base, h);
  }
}

/// Moves on by one element.
@if(!totals && !quads) fn put(row: u32, k: u32, value: State) {
  let at = place(row, k);
  @if(recurrence && !nested) {
    h = apply(value, h);
    result[at] = h;
  }
  @if(!recurrence || nested) {
    @if(exclusive) result[at] = merge(base, own);
    own = merge(own, value);
    @if(!exclusive) result[at] = merge(base, own);
  }
}

/// Moves on by four.
@if(quads) fn put_quad(at: u32) {
  var quad = x[at];
  @if(reverse) quad = quad.wzyx;
  let a = merge(own, quad.x);
  let b = merge(a, quad.y);
  let c = merge(b, quad.z);
  let d = merge(c, quad.w);
  @if(!totals) {
    @if(exclusive) quad = vec4(merge(base, own), merge(base, a), merge(base, b), merge(base, c));
    @if(!exclusive) quad = vec4(merge(base, a), merge(base, b), merge(base, c), merge(base, d));
    @if(reverse) quad = quad.wzyx;
    result[at] = quad;
  }
  own = d;
}

@if(!serial) @compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * ROWS + local.y;
  let block = workgroup.x;
  let first = (block * LANES + local.x) * ITEMS;
  var values: array<State, ITEMS>;
  own = identity();
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
  // there would be 16.
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
    base = before;
    if (params.blocks > 1u) {
      base = merge(carries[row * params.blocks + block], before);
    }
    start(row);
    own = identity();
    for (var i = 0u; i < ITEMS; i++) {
      if (first + i < params.columns) {
        put(row, first + i, values[i]);
      }
    }
  }
}

@if(serial) @compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + params.origin.x) * LANES + lane;
  let row = index % params.rows;
  let block = index / params.rows;
  if (block >= params.blocks) {
    return;
  }
  let at = row * params.blocks + block;
  var k = block * params.items;
  let end = min(k + params.items, params.columns);
  base = identity();
  @if(!totals) {
    if (params.blocks > 1u) {
      base = carries[at];
    }
    start(row);
  }
  // Runs of their own, so that a long block loses little.
  while (k < end) {
    let stop = min(k + 64u, end);
    own = identity();
    for (; k < stop; k += STEP) {
      @if(quads) put_quad(place(row, k) / 4u);
      @if(!quads && totals) own = merge(own, load(row, k));
      @if(!quads && !totals) put(row, k, load(row, k));
    }
    base = merge(base, own);
  }
  @if(totals) result[at] = base;
}
