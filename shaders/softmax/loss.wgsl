// The cross-entropy of each row from its state: log(sum) - (x[target] - maximum), 0 where the target is no column.
import package::common::log::logarithm;

struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> states: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + params.origin.x) * 256u + lane;
  if (row >= params.rows) {
    return;
  }
  let goal = targets[row];
  var loss = 0f;
  if (goal < params.columns) {
    loss = logarithm(states[row].y) + (states[row].x - x[row * params.columns + goal]);
  }
  result[row] = loss;
}
