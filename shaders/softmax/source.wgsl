// Rows of logits in quads of columns. Where rows are a multiple of four long a quad is one load; the arithmetic is the same.
@if(wide) @group(0) @binding(1) var<storage, read> x: array<vec4f>;
@if(!wide) @group(0) @binding(1) var<storage, read> x: array<f32>;

/// Four columns of the row that begins at element `start`. Columns past the end repeat the last one.
fn load(start: u32, quad: u32, columns: u32) -> vec4f {
  @if(wide) return x[start / 4u + quad];
  @if(!wide) {
    let column = min(4u * quad + vec4u(0u, 1u, 2u, 3u), vec4u(columns - 1u));
    return vec4f(x[start + column.x], x[start + column.y], x[start + column.z], x[start + column.w]);
  }
}

/// Which of the four columns there are.
fn inside(quad: u32, columns: u32) -> vec4<bool> {
  return 4u * quad + vec4u(0u, 1u, 2u, 3u) < vec4u(columns);
}
