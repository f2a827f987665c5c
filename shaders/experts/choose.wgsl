// Which experts a token goes to, of candidates that stand best first: as few as add up to the threshold, at least one. The
// others of its slots get the number of experts, which is none of them.
struct Params {
  origin: vec3u,
  rows: u32,
  slots: u32,
  experts: u32,
  prototypes: u32, // groups of experts; row r chooses in group r % prototypes
  threshold: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read_write> experts: array<u32>;
@group(0) @binding(4) var<storage, read_write> gates: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + params.origin.x) * 64u + local.x;
  if (row >= params.rows) {
    return;
  }
  let start = row * params.slots;
  var total = weights[start];
  var kept = 1u;
  while (kept < params.slots && total < params.threshold) {
    total += weights[start + kept];
    kept += 1u;
  }
  let base = row % params.prototypes * (params.experts / params.prototypes);
  for (var slot = 0u; slot < params.slots; slot++) {
    let is_kept = slot < kept;
    experts[start + slot] = select(params.experts, base + candidates[start + slot], is_kept);
    var gate = weights[start + slot];
    @if(normalize) gate /= total;
    gates[start + slot] = select(0f, gate, is_kept);
  }
}
