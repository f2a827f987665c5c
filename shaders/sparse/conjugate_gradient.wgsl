// One step of the conjugate gradient method with a diagonal preconditioner, all of its vector updates and inner products in
// one workgroup, so that the scalars never leave the device. With `start` the first direction from the right-hand side.
// Once the residual is small enough, or the matrix shows a direction without curvature, further steps change nothing.
import constants::LANES;

struct Params {
  origin: vec3u,
  size: u32,
  tolerance: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> diagonal: array<f32>;
/// The right-hand side with `start`, then the matrix times the direction.
@group(0) @binding(2) var<storage, read> image: array<f32>;
@group(0) @binding(3) var<storage, read_write> solution: array<f32>;
@group(0) @binding(4) var<storage, read_write> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> direction: array<f32>;
/// r . z, its value to reach, steps taken, and 1 where a direction had no curvature.
@group(0) @binding(6) var<storage, read_write> scalars: array<f32>;

var<workgroup> lanes: array<f32, u32(LANES)>;

/// The sum over the workgroup, the same for every invocation.
fn total(lane: u32, own: f32) -> f32 {
  workgroupBarrier();
  lanes[lane] = own;
  for (var half = u32(LANES) / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      lanes[lane] += lanes[lane + half];
    }
  }
  return workgroupUniformLoad(&lanes[0]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  @if(start) {
    var own = 0f;
    for (var i = lane; i < params.size; i += u32(LANES)) {
      let r = image[i];
      let z = r / diagonal[i];
      solution[i] = 0f;
      residual[i] = r;
      direction[i] = z;
      own += r * z;
    }
    let product = total(lane, own);
    if (lane == 0u) {
      scalars[0] = product;
      scalars[1] = params.tolerance * params.tolerance * product;
      scalars[2] = 0f;
      scalars[3] = 0f;
    }
  }
  @if(!start) {
    let product = scalars[0];
    let wanted = scalars[1];
    let is_broken = scalars[3] > 0f;
    var own = 0f;
    for (var i = lane; i < params.size; i += u32(LANES)) {
      own += direction[i] * image[i];
    }
    let curvature = total(lane, own);
    let is_done = product <= wanted || is_broken;
    let has_curvature = curvature > 0f;
    let alpha = select(0f, product / max(curvature, 1e-37f), !is_done && has_curvature);
    own = 0f;
    for (var i = lane; i < params.size; i += u32(LANES)) {
      solution[i] += alpha * direction[i];
      let r = residual[i] - alpha * image[i];
      residual[i] = r;
      own += r * (r / diagonal[i]);
    }
    let next = total(lane, own);
    if (!is_done && has_curvature) {
      let beta = next / product;
      for (var i = lane; i < params.size; i += u32(LANES)) {
        direction[i] = residual[i] / diagonal[i] + beta * direction[i];
      }
    }
    if (lane == 0u && !is_done) {
      if (has_curvature) {
        scalars[0] = next;
        scalars[2] += 1f;
      } else {
        scalars[3] = 1f;
      }
    }
  }
}
