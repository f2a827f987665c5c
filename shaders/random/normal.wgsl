// Standard normal numbers: four per invocation.
import package::common::philox::random_words;
import package::common::box_muller::normals_from_words;

struct Params { origin: vec3u, size: u32, seed: u32, stream: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let block = (group.x + params.origin.x) * 256u + local;
  let words = random_words(block, params.seed, params.stream);
  let values = vec4f(normals_from_words(words.x, words.y), normals_from_words(words.z, words.w));
  let first = 4u * block;
  for (var i = 0u; i < 4u && first + i < params.size; i++) {
    result[first + i] = values[i];
  }
}
