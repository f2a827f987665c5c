// The logits of all queries and keys, stored: the first of the three steps of attention as it is written down.
// An invocation makes a 4x4 block, a workgroup 32 queries by 32 keys.
import package::attention::blocks::{NEXT, similarities};
import package::attention::operands::{params, query_block, key_block};
import package::attention::logits::block_logits;

@group(0) @binding(5) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let head = params.first_head + workgroup.z;
  let query = params.first_query + 4u * (8u * workgroup.y + local.x);
  let key = 4u * (8u * workgroup.x + local.y);
  let key_count = params.split_keys;
  let queries_at = vec4u(query) + NEXT;
  let keys_at = vec4u(key) + NEXT;
  let query_rows = head * params.query_head + min(queries_at, vec4u(params.end_query - 1u)) * params.query_row;
  let key_rows = (head / params.group) * params.key_head + min(keys_at, vec4u(key_count - 1u)) * params.key_row;
  let depth = (params.dimension + 3u) / 4u;
  var products = mat4x4f();
  for (var chunk = 0u; chunk < depth; chunk++) {
    products += similarities(query_block(query_rows, chunk), key_block(key_rows, chunk));
  }
  let block = block_logits(products, head, queries_at, keys_at, true);
  for (var i = 0u; i < 4u && query + i < params.end_query; i++) {
    let start = (head * (params.end_query - params.first_query) + query + i - params.first_query) * key_count;
    for (var j = 0u; j < 4u && key + j < key_count; j++) {
      scores[start + key + j] = block[i][j];
    }
  }
}
