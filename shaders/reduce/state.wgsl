// What a reduction carries along: a running sum, a running maximum, or a maximum with the sum of exponentials below it.
@if(logSumExp) alias State = vec2f; // (maximum, sum of exp(x - maximum)); the sum is 0 for no elements and at least 1 otherwise
@if(!logSumExp) alias State = f32;

// Below every other float32, and finite: WGSL does not promise infinities.
const LOWEST = -3.4028234663852886e38f;

fn identity() -> State {
  @if(sum) return 0f;
  @if(maximum) return LOWEST;
  @if(logSumExp) return vec2f(LOWEST, 0f);
}

fn include(state: State, x: f32) -> State {
  @if(sum) return state + x;
  @if(maximum) return max(state, x);
  @if(logSumExp) return merge(state, vec2f(x, 1f));
}

fn merge(a: State, b: State) -> State {
  @if(sum) return a + b;
  @if(maximum) return max(a, b);
  @if(logSumExp) {
    // An empty side must not reach the subtraction.
    if (a.y == 0f) { return b; }
    if (b.y == 0f) { return a; }
    let difference = b.x - a.x;
    let factor = exp(-abs(difference));
    return select(vec2f(a.x, a.y + b.y * factor), vec2f(b.x, b.y + a.y * factor), difference > 0f);
  }
}

fn finish(state: State) -> f32 {
  @if(!logSumExp) return state;
  @if(logSumExp) return state.x + log(state.y);
}
