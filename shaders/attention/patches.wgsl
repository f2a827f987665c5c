// The square patch around each pixel as a row of a matrix (im2col), edges repeated, rows filled up with zeros.
struct Params {
  origin: vec3u,
  width: u32,
  height: u32,
  channels: u32,
  patch_size: u32,
  heads: u32,
  row_size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + params.origin.x) * 256u + local;
  let pixel_count = params.width * params.height;
  if (index >= params.heads * pixel_count * params.row_size) { return; }
  let feature = index % params.row_size;
  let pixel = index / params.row_size % pixel_count;
  let head = index / params.row_size / pixel_count;
  let own = params.channels / params.heads;
  var value = 0f;
  if (feature < params.patch_size * params.patch_size * own) {
    let place = feature / own;
    let radius = i32(params.patch_size / 2u);
    let x = i32(pixel % params.width) + i32(place % params.patch_size) - radius;
    let y = i32(pixel / params.width) + i32(place / params.patch_size) - radius;
    let column = u32(clamp(x, 0, i32(params.width) - 1));
    let row = u32(clamp(y, 0, i32(params.height) - 1));
    value = pixels[(row * params.width + column) * params.channels + head * own + feature % own];
  }
  result[index] = value;
}
