// Pools the middle axis of [outer, length, inner] into `cells` cells of nearly equal size: their maximum or their mean.
struct Params {
  origin: vec3u,
  outer: u32,
  length: u32,
  inner: u32,
  cells: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

// floor(cell * length / cells) without leaving 32 bits.
fn boundary(cell: u32) -> u32 {
  let whole = params.length / params.cells;
  let rest = params.length % params.cells;
  return cell * whole + (cell * rest) / params.cells;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let i = workgroup.x * 64u + local.x; // which (cell, inner)
  let outer = workgroup.y;
  if (i >= params.cells * params.inner) {
    return;
  }
  let cell = i / params.inner;
  let inner = i % params.inner;
  let first = boundary(cell);
  let end = max(boundary(cell + 1u), first + 1u);
  let start = outer * params.length * params.inner + inner;
  @if(maximum) {
    var largest = x[start + first * params.inner];
    for (var at = first + 1u; at < end; at++) {
      largest = max(largest, x[start + at * params.inner]);
    }
    result[outer * params.cells * params.inner + i] = largest;
  }
  @if(mean) {
    // Blocks of 256 are added up on their own, so that a long cell stays accurate.
    var total = 0f;
    for (var block = first; block < end; block += 256u) {
      var sum = 0f;
      for (var at = block; at < min(block + 256u, end); at++) {
        sum += x[start + at * params.inner];
      }
      total += sum;
    }
    result[outer * params.cells * params.inner + i] = total / f32(end - first);
  }
}
