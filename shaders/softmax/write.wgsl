// The last pass over long rows: four columns an invocation.
import package::softmax::source::load;
import package::softmax::value::{Normalizer, gradient4, normalizer, value4};

struct Params {
  origin: vec3u,
  columns: u32,
  @if(gradient) scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> states: array<vec2f>; // [rows]
@if(gradient) @group(0) @binding(3) var<storage, read> targets: array<u32>;
@if(wide && gradient) @group(0) @binding(4) var<storage, read_write> result: array<vec4f>;
@if(wide && !gradient) @group(0) @binding(3) var<storage, read_write> result: array<vec4f>;
@if(!wide && gradient) @group(0) @binding(4) var<storage, read_write> result: array<f32>;
@if(!wide && !gradient) @group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let workgroup = group + params.origin;
  let row = workgroup.y;
  let columns = params.columns;
  let quad = workgroup.x * 256u + lane;
  if (4u * quad >= columns) {
    return;
  }
  let start = row * columns;
  let logits = load(start, quad, columns);
  let shared_by_row = normalizer(states[row]);
  var value = vec4f(0f);
  @if(gradient) { value = gradient4(logits, shared_by_row, quad, columns, targets[row], params.scale); }
  @if(!gradient) { value = value4(logits, shared_by_row); }
  @if(wide) { result[start / 4u + quad] = value; }
  @if(!wide) {
    for (var i = 0u; i < 4u && 4u * quad + i < columns; i++) {
      result[start + 4u * quad + i] = value[i];
    }
  }
}
