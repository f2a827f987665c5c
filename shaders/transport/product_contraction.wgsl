// What a function on the grid, one for each atom, weighs against one of the atom's factors: the sum over the other axis. With
// (stride, step) = (width, 1) the sum runs within rows of the grid, with (1, width) within its columns.
struct Params {
  origin: vec3u,
  size: u32,
  /// Places along the axis that stays.
  kept: u32,
  /// Places along the axis that is summed over.
  summed: u32,
  /// Elements between neighbours along the axis that stays.
  stride: u32,
  /// Elements between neighbours along the axis that is summed over.
  step: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;      // [atoms, height * width]
@group(0) @binding(2) var<storage, read> factor: array<f32>; // [atoms, summed]
@group(0) @binding(3) var<storage, read_write> result: array<f32>; // [atoms, kept]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + params.origin.x) * 64u + local.x;
  if (i >= params.size) {
    return;
  }
  let atom = i / params.kept;
  let start = atom * params.kept * params.summed + (i % params.kept) * params.stride;
  // Blocks of 16 are added up on their own: rounding grows with the square root of the length.
  var sum = 0f;
  for (var first = 0u; first < params.summed; first += 16u) {
    var block = 0f;
    for (var other = first; other < min(first + 16u, params.summed); other++) {
      block += x[start + other * params.step] * factor[atom * params.summed + other];
    }
    sum += block;
  }
  result[i] = sum;
}
