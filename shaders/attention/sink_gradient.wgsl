// The gradient of each head's sink: minus the sum over queries of the sink's weight times delta. A workgroup per head.
import package::common::exp::exponential;

struct Params { origin: vec3u, rows: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sinks: array<f32>;
/// By head and query: maximum, 1 / sum, delta.
@group(0) @binding(2) var<storage, read> row_state: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

var<workgroup> lanes: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let head = group.x + params.origin.x;
  let sink = sinks[head];
  var sum = 0f;
  for (var row = lane; row < params.rows; row += 64u) {
    let state = row_state[head * params.rows + row];
    sum -= exponential(sink - state.x) * state.y * state.z;
  }
  lanes[lane] = sum;
  for (var width = 32u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { lanes[lane] += lanes[lane + width]; }
  }
  if (lane == 0u) { result[head] = lanes[0]; }
}
