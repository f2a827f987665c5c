// Cuts the rows of each expert into tiles of at most TILE rows: expert, first row, one past the last. Places of the list that
// are not needed get no rows.
import constants::TILE;

struct Params {
  origin: vec3u,
  experts: u32,
  rows: u32,
  tiles: u32, // places in the list
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read_write> tiles: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let tile = (group.x + params.origin.x) * 64u + local.x;
  if (tile >= params.tiles) {
    return;
  }
  var before = 0u; // tiles of the experts looked at
  var found = vec3u();
  for (var expert = 0u; expert < params.experts; expert++) {
    let begin = min(offsets[expert], params.rows);
    let end = clamp(offsets[expert + 1u], begin, params.rows);
    let count = (end - begin + TILE - 1u) / TILE;
    if (tile - before < count) {
      let first = begin + (tile - before) * TILE;
      found = vec3u(expert, first, min(first + TILE, end));
      break;
    }
    before += count;
  }
  tiles[3u * tile] = found.x;
  tiles[3u * tile + 1u] = found.y;
  tiles[3u * tile + 2u] = found.z;
}
