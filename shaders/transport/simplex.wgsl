// The nearest point of the probability simplex to each row: max(x - t, 0) with t such that the row sums to one. t is found from
// below (Michelot 1986): the mean excess of the entries above it, until no entry drops out.
struct Params {
  origin: vec3u,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + params.origin.x) * 64u + local.x;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.columns;
  // Entries are taken relative to the largest, so that a common offset costs no digits.
  var largest = x[start];
  for (var i = 1u; i < params.columns; i++) {
    largest = max(largest, x[start + i]);
  }
  var threshold = -3.0e38f;
  var count = params.columns + 1u;
  for (var round = 0u; round < params.columns; round++) {
    var above = 0u;
    var sum = 0f;
    for (var i = 0u; i < params.columns; i++) {
      let value = x[start + i] - largest;
      // An entry more than 1 below the largest is never part of the answer.
      if (value > max(threshold, -1f)) {
        above += 1u;
        sum += value;
      }
    }
    if (above == count) {
      break;
    }
    count = above;
    threshold = (sum - 1f) / f32(above);
  }
  var total = 0f;
  for (var i = 0u; i < params.columns; i++) {
    total += max(x[start + i] - largest - threshold, 0f);
  }
  for (var i = 0u; i < params.columns; i++) {
    result[start + i] = max(x[start + i] - largest - threshold, 0f) / total;
  }
}
