// The norm of (z I - A)^-1 for a lower triangular A and many z, one an invocation: power iteration on R^H R, each product by
// a forward and a backward substitution. `work` holds a vector of SIZE complex numbers for each point, entry by entry.
struct Params {
  origin: vec3u,
  size: u32,
  points: u32,
  iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
@group(0) @binding(2) var<storage, read> places: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> work: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

/// a / b; a divisor of 0, which is an eigenvalue, counts as 1e-10.
fn quotient(a: vec2f, b: vec2f) -> vec2f {
  let square = dot(b, b);
  if (square < 1e-20f) { return a * 1e10f; }
  return vec2f(a.x * b.x + a.y * b.y, a.y * b.x - a.x * b.y) / square;
}

/// The norm of a point's vector; its squares may be too large for float32, so it is scaled first.
fn length_of(point: u32) -> f32 {
  var largest = 1e-30f;
  for (var i = 0u; i < params.size; i++) {
    let value = abs(work[i * params.points + point]);
    largest = max(largest, max(value.x, value.y));
  }
  var square = 0f;
  for (var i = 0u; i < params.size; i++) {
    let value = work[i * params.points + point] / largest;
    square += dot(value, value);
  }
  return largest * sqrt(square);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let point = (group.x + params.origin.x) * 64u + local.x;
  if (point >= params.points) { return; }
  let z = places[point];
  let size = params.size;
  for (var i = 0u; i < size; i++) { work[i * params.points + point] = vec2f(1f, 0f); }
  var norm = sqrt(f32(size));
  for (var iteration = 0u; iteration < params.iterations; iteration++) {
    var scale = 1f / norm;
    for (var i = 0u; i < size; i++) {
      var sum = scale * work[i * params.points + point];
      for (var j = 0u; j < i; j++) { sum += matrix[i * size + j] * work[j * params.points + point]; }
      work[i * params.points + point] = quotient(sum, z - vec2f(matrix[i * size + i], 0f));
    }
    norm = length_of(point);
    result[point] = norm;
    scale = 1f / norm;
    for (var back = 0u; back < size; back++) {
      let i = size - 1u - back;
      var sum = scale * work[i * params.points + point];
      for (var j = i + 1u; j < size; j++) { sum += matrix[j * size + i] * work[j * params.points + point]; }
      work[i * params.points + point] = quotient(sum, vec2f(z.x - matrix[i * size + i], -z.y));
    }
    norm = length_of(point);
  }
}
