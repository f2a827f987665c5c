// Where each line of a sparse matrix starts: the sums of all counts before it, and behind the last the sum of all. One
// workgroup; each invocation adds up a run of neighbours.
struct Params {
  origin: vec3u,
  size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> offsets: array<u32>;

var<workgroup> run_sums: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  let run = (params.size + 255u) / 256u;
  let start = min(lane * run, params.size);
  let end = min(start + run, params.size);
  var sum = 0u;
  for (var k = start; k < end; k++) {
    sum += counts[k];
  }
  run_sums[lane] = sum;
  workgroupBarrier();
  var offset = 0u;
  for (var before = 0u; before < lane; before++) {
    offset += run_sums[before];
  }
  for (var k = start; k < end; k++) {
    offsets[k] = offset;
    offset += counts[k];
  }
  if (lane == 255u) {
    offsets[params.size] = offset;
  }
}
