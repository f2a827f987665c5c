// Makes one bias of a bias and a mask: 0 in the mask hides the pair. The bias may repeat over queries and heads, as may the mask.
import package::attention::logits::HIDDEN;

struct Params {
  origin: vec3u,
  rows: u32,
  keys: u32,
  bias_row: u32,
  bias_head: u32,
  mask_row: u32,
  mask_head: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let key = 64u * workgroup.x + lane;
  let row = workgroup.y;
  let head = workgroup.z;
  if (key >= params.keys) { return; }
  var value = 0f;
  @if(bias) value = bias[head * params.bias_head + row * params.bias_row + key];
  let is_visible = mask[head * params.mask_head + row * params.mask_row + key] != 0u;
  result[(head * params.rows + row) * params.keys + key] = select(HIDDEN, value, is_visible);
}
