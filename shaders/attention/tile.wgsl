// The weights of a tile in workgroup memory: 4 * HALVES * LANES owned rows (HALVES times four a lane) by 4 * GROUPS streamed rows.
import package::attention::blocks::NEXT;
import constants::LANES;
import constants::GROUPS;
import constants::HALVES;

/// Rows that a workgroup owns, and rows that it looks at in one step.
const BLOCK_OWNED = 4u * u32(HALVES) * u32(LANES);
const BLOCK_STREAMED = 4u * u32(GROUPS);

/// By streamed row, part of the block, lane: the weights of the lane's four owned rows.
var<workgroup> weights: array<vec4f, BLOCK_STREAMED * u32(HALVES) * u32(LANES)>;

/// Four streamed rows' weights of the lane's part: a column per owned row, a row per streamed row.
fn weights_of(streamed: u32, half: u32, lane: u32) -> mat4x4f {
  let at = vec4u((u32(HALVES) * streamed + half) * u32(LANES) + lane) + NEXT * (u32(HALVES) * u32(LANES));
  return transpose(mat4x4f(weights[at.x], weights[at.y], weights[at.z], weights[at.w]));
}

fn keep_weights(streamed: u32, half: u32, lane: u32, by_streamed: mat4x4f) {
  let at = vec4u((u32(HALVES) * streamed + half) * u32(LANES) + lane) + NEXT * (u32(HALVES) * u32(LANES));
  weights[at.x] = by_streamed[0];
  weights[at.y] = by_streamed[1];
  weights[at.z] = by_streamed[2];
  weights[at.w] = by_streamed[3];
}
