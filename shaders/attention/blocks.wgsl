// Four queries against four keys, as 4x4 matrices with a column per query and a row per key.

/// A masked logit. Finite, because WGSL promises nothing about infinities.
const MASKED = -3.4e38f;
/// Where a running maximum starts: so far above MASKED that exp(MASKED - maximum) is 0 in a row that sees no key at all.
const FIRST_MAXIMUM = -3e38f;

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

/// The same number added to a row: what a key brings along.
fn add_to_rows(logits: mat4x4f, bias: vec4f) -> mat4x4f {
  return mat4x4f(logits[0] + bias, logits[1] + bias, logits[2] + bias, logits[3] + bias);
}

/// One query's logits at keys `key` to `key + 3`, masked outside [query - before, query + after] and from `end_key` on.
fn masked(logits: vec4f, query: i32, key: i32, before: i32, after: i32, end_key: i32) -> vec4f {
  let position = vec4i(key) + vec4i(NEXT);
  let visible = (position >= vec4i(query - before)) & (position <= vec4i(query + after)) & (position < vec4i(end_key));
  return select(vec4f(MASKED), logits, visible);
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
