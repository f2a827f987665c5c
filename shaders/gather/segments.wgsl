// Reduces segments of the rows of a matrix: COLUMNS columns, LANES lanes along the segment and SEGMENTS segments a
// workgroup. A lane adds up blocks of 256 rows before it joins them, so that a long segment loses little; then, where there
// are several lanes, a `tree`. With `quads` a column is four columns side by side.
import constants::{COLUMNS, LANES, SEGMENTS};

@if(!quads) alias Value = f32;
@if(quads) alias Value = vec4f;

struct Params {
  origin: vec3u,
  rows: u32,
  width: u32,
  segments: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<Value>;

@if(tree) var<workgroup> lanes: array<array<array<Value, COLUMNS>, LANES>, SEGMENTS>;

fn merge(a: Value, b: Value) -> Value {
  @if(sum || mean) return a + b;
  @if(maximum) return max(a, b);
  @if(minimum) return min(a, b);
}

@compute @workgroup_size(COLUMNS, LANES, SEGMENTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let column = workgroup.x * COLUMNS + local.x;
  let segment = workgroup.y * SEGMENTS + local.z;
  let inside = min(column, params.width - 1u);
  let last = min(segment, params.segments - 1u);
  let begin = offsets[last];
  let end = min(offsets[last + 1u], params.rows);
  @if(sum || mean) let nothing = Value(0f);
  @if(maximum) let nothing = Value(-3.4028234663852886e38f);
  @if(minimum) let nothing = Value(3.4028234663852886e38f);
  var total = nothing;
  for (var first = begin + local.y; first < end; first += 256u * LANES) {
    var block = nothing;
    let stop = min(end, first + 256u * LANES);
    for (var k = first; k < stop; k += LANES) {
      var row = k;
      @if(ordered) row = order[k];
      block = merge(block, x[row * params.width + inside]);
    }
    total = merge(total, block);
  }
  @if(tree) {
    lanes[local.z][local.y][local.x] = total;
    for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (local.y < half) {
        total = merge(total, lanes[local.z][local.y + half][local.x]);
        lanes[local.z][local.y][local.x] = total;
      }
    }
  }
  if (local.y == 0u && column < params.width && segment < params.segments) {
    var value = total;
    if (end <= begin) {
      value = Value(0f);
    }
    @if(mean) value /= f32(max(end, begin + 1u) - begin);
    result[segment * params.width + column] = value;
  }
}
