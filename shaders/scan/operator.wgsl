// What a scan carries along: a sum, a maximum, or a linear map h -> a h + b as (a, b), with complex numbers as pairs.
@if(float) alias Number = f32;
@if(signed) alias Number = i32;
@if(unsigned) alias Number = u32;

@if(!recurrence) alias State = Number;
@if(recurrence && !complex) alias State = vec2f;
@if(recurrence && complex) alias State = vec4f;

/// One number of the input or the result.
@if(!complex) alias Element = Number;
@if(complex) alias Element = vec2f;

fn identity() -> State {
  @if(sum) return State(0);
  @if(maximum && float) return -3.4028234663852886e38f;
  @if(maximum && signed) return i32(-2147483648);
  @if(maximum && unsigned) return 0u;
  @if(recurrence && !complex) return vec2f(1f, 0f);
  @if(recurrence && complex) return vec4f(1f, 0f, 0f, 0f);
}

/// What both stretches do, one after the other. Associative; the linear maps do not commute.
fn merge(before: State, after: State) -> State {
  @if(sum) return before + after;
  @if(maximum) return max(before, after);
  @if(recurrence && !complex) return vec2f(after.x * before.x, apply(after, before.y));
  @if(recurrence && complex) return vec4f(product(after.xy, before.xy), apply(after, before.zw));
}

/// a h + b.
@if(recurrence && !complex) fn apply(map: vec2f, h: f32) -> f32 {
  return map.x * h + map.y;
}
@if(recurrence && complex) fn apply(map: vec4f, h: vec2f) -> vec2f {
  return product(map.xy, h) + map.zw;
}
@if(recurrence && complex) fn product(x: vec2f, y: vec2f) -> vec2f {
  return vec2f(x.x * y.x - x.y * y.y, x.x * y.y + x.y * y.x);
}
