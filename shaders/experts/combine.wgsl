// The outputs of a token's experts, each times its gate, added up slot by slot: a gather, so no two invocations write one
// place. With `single`: the outputs of one expert for all tokens, added to what is there.
struct Params {
  origin: vec3u,
  tokens: u32,
  width: u32,
  slots: u32,
  experts: u32, // how many there are; with `single`: which one
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> outputs: array<f32>;
@group(0) @binding(2) var<storage, read> experts: array<u32>;
@group(0) @binding(3) var<storage, read> gates: array<f32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(32, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let token = workgroup.y * 8u + local.y;
  let column = workgroup.x * 32u + local.x;
  if (token >= params.tokens || column >= params.width) {
    return;
  }
  let at = token * params.width + column;
  var sum = 0f;
  @if(single) sum = result[at];
  for (var pair = token * params.slots; pair < (token + 1u) * params.slots; pair++) {
    @if(!single) {
      if (experts[pair] < params.experts) {
        sum += gates[pair] * outputs[pair * params.width + column];
      }
    }
    @if(single) {
      if (experts[pair] == params.experts) {
        sum += gates[pair] * outputs[at];
      }
    }
  }
  result[at] = sum;
}
