// Products with a sparse matrix of lines of unequal length: MEMBERS invocations share a line, 64 are a workgroup. With
// `curvature` the product with leftover + diag(line sums) + A, written so that no digits cancel:
// leftover_i x_i + sum_k A_ik (x_i + x_k).
import constants::MEMBERS;

struct Params {
  origin: vec3u,
  size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
@if(curvature) @group(0) @binding(5) var<storage, read> leftover: array<f32>;
@if(curvature) @group(0) @binding(6) var<storage, read_write> result: array<f32>;
@if(!curvature) @group(0) @binding(5) var<storage, read_write> result: array<f32>;

var<workgroup> lanes: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let line = ((group.x + params.origin.x) * 64u + lane) / MEMBERS;
  let member = lane % MEMBERS;
  var sum = 0f;
  if (line < params.size) {
    @if(curvature) let own = x[line];
    let end = offsets[line + 1u];
    for (var at = offsets[line] + member; at < end; at += MEMBERS) {
      @if(curvature) { sum += values[at] * (own + x[indices[at]]); }
      @if(!curvature) { sum += values[at] * x[indices[at]]; }
    }
    @if(curvature) {
      if (member == 0u) {
        sum += leftover[line] * own;
      }
    }
  }
  lanes[lane] = sum;
  for (var half = u32(MEMBERS) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (member < half) {
      lanes[lane] += lanes[lane + half];
    }
  }
  if (member == 0u && line < params.size) {
    result[line] = lanes[lane];
  }
}
