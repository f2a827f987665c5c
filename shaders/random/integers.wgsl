// Whole numbers from 0 to below - 1, or all 32 bits where below is 0: four per invocation.
import package::common::philox::{multiply_high, random_words};

struct Params { origin: vec3u, size: u32, seed: u32, stream: u32, below: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let block = (group.x + params.origin.x) * 256u + local;
  let words = random_words(block, params.seed, params.stream);
  var values = words;
  if (params.below != 0u) {
    for (var i = 0u; i < 4u; i++) {
      values[i] = multiply_high(words[i], params.below);
    }
  }
  let first = 4u * block;
  for (var i = 0u; i < 4u && first + i < params.size; i++) {
    result[first + i] = values[i];
  }
}
