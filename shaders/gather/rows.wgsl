// Moves whole rows of a matrix, bits as they are. Gathering: row i of the result is the row that index i names, or zeros
// where there is no such row. With `scatter`: row i goes where index i names, or nowhere. With `quads` a column is four
// columns side by side.
import constants::COLUMNS;

@if(!quads) alias Value = u32;
@if(quads) alias Value = vec4u;

const ROWS = 256u / u32(COLUMNS);

struct Params {
  origin: vec3u,
  count: u32, // indices
  rows: u32, // rows that an index may name
  width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<Value>;

@compute @workgroup_size(COLUMNS, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group + params.origin;
  let row = workgroup.y * ROWS + local.y;
  let column = workgroup.x * u32(COLUMNS) + local.x;
  if (row >= params.count || column >= params.width) {
    return;
  }
  let named = indices[row];
  let is_there = named < params.rows;
  @if(!scatter) {
    var value = Value(0u);
    if (is_there) {
      value = x[named * params.width + column];
    }
    result[row * params.width + column] = value;
  }
  @if(scatter) {
    if (is_there) {
      result[named * params.width + column] = x[row * params.width + column];
    }
  }
}
