// Four queries against four keys, as 4x4 matrices with a column per query and a row per key.

const NEXT = vec4u(0u, 1u, 2u, 3u);

@if(squaredDistance)
fn squared_distances(query: vec4f, keys: mat4x4f) -> vec4f {
  let a = query - keys[0];
  let b = query - keys[1];
  let c = query - keys[2];
  let d = query - keys[3];
  return vec4f(dot(a, a), dot(b, b), dot(c, c), dot(d, d));
}

/// What four components add to the similarities (or squared distances) of four queries and four keys, given as columns.
@if(squaredDistance)
fn similarities(queries: mat4x4f, keys: mat4x4f) -> mat4x4f {
  return mat4x4f(
    squared_distances(queries[0], keys),
    squared_distances(queries[1], keys),
    squared_distances(queries[2], keys),
    squared_distances(queries[3], keys),
  );
}
@else
fn similarities(queries: mat4x4f, keys: mat4x4f) -> mat4x4f {
  return transpose(keys) * queries;
}

/// The largest logit of each query.
fn column_maxima(logits: mat4x4f) -> vec4f {
  let rows = transpose(logits);
  return max(max(rows[0], rows[1]), max(rows[2], rows[3]));
}

/// Each column times its own factor.
fn scale_columns(columns: mat4x4f, factors: vec4f) -> mat4x4f {
  return mat4x4f(columns[0] * factors.x, columns[1] * factors.y, columns[2] * factors.z, columns[3] * factors.w);
}
