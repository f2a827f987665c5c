// The weights of a tile in workgroup memory: 4 * QUADS * LANES owned rows (QUADS times four a lane) by 4 * GROUPS streamed
// rows, or twice as many where they are `large`.
import package::attention::blocks::NEXT;
import constants::LANES;
import constants::GROUPS;
import constants::QUADS;

/// Rows that a workgroup owns, and rows that it looks at in one step.
const BLOCK_OWNED = 4u * u32(QUADS) * u32(LANES);
@if(large) const BLOCK_STREAMED = 8u * u32(GROUPS);
@if(!large) const BLOCK_STREAMED = 4u * u32(GROUPS);

/// By streamed row, quad, lane: the weights of the lane's four owned rows.
var<workgroup> weights: array<vec4f, BLOCK_STREAMED * u32(QUADS) * u32(LANES)>;

/// Four streamed rows' weights of a lane's quad: a column per owned row, a row per streamed row.
fn weights_of(streamed: u32, quad: u32, lane: u32) -> mat4x4f {
  let at = vec4u((u32(QUADS) * streamed + quad) * u32(LANES) + lane) + NEXT * (u32(QUADS) * u32(LANES));
  return transpose(mat4x4f(weights[at.x], weights[at.y], weights[at.z], weights[at.w]));
}

fn keep_weights(streamed: u32, quad: u32, lane: u32, by_streamed: mat4x4f) {
  let at = vec4u((u32(QUADS) * streamed + quad) * u32(LANES) + lane) + NEXT * (u32(QUADS) * u32(LANES));
  weights[at.x] = by_streamed[0];
  weights[at.y] = by_streamed[1];
  weights[at.z] = by_streamed[2];
  weights[at.w] = by_streamed[3];
}
