// One pass of a Stockham Fourier transform with the large radix 2^RADIX_BITS (Govindaraju et al. 2008): TRANSFORMS
// transforms of that size a workgroup, each in workgroup memory with radix 8, eight numbers an invocation, and a first
// step of 2 or 4 where the size is no power of 8; or with `serial` sizes of 4 or 8, one an invocation. A transform takes numbers that lie `stride` apart, `done` of the length is
// transformed already, and no reordering is left over.
import constants::{RADIX_BITS, TRANSFORMS, INVOCATIONS};
import package::fourier::turn::{multiply, root};
import package::fourier::butterflies::{transform_4, transform_8};

struct Params {
  origin: vec3u,
  transforms: u32, // of this pass, over the whole batch
  bits: u32, // log2 of the length
  done_bits: u32, // log2 of what earlier passes have transformed
  scale: f32,
  row: u32, // real numbers in a row of x that is padded, or of a result that is cropped
}
@group(0) @binding(0) var<uniform> params: Params;
@if(!padded) @group(0) @binding(1) var<storage, read> x: array<vec2f>;
@if(padded) @group(0) @binding(1) var<storage, read> x: array<f32>;
@if(!cropped) @group(0) @binding(2) var<storage, read_write> result: array<vec2f>;
@if(cropped) @group(0) @binding(2) var<storage, read_write> result: array<f32>;

const SIZE = 1u << u32(RADIX_BITS);
const EIGHTHS = u32(RADIX_BITS) / 3u;
const FIRST_BITS = u32(RADIX_BITS) % 3u;

@if(!serial) var<workgroup> values: array<vec2f, 8 * INVOCATIONS>;

/// Where the p-th number of a transform lies in workgroup memory.
fn cell(transform: u32, p: u32) -> u32 {
  @if(strided) return p * u32(TRANSFORMS) + transform;
  @if(!strided) return transform * SIZE + p;
}

/// Which transform and which of its `count` butterflies the q-th one is: neighbours in memory go to neighbours.
fn butterfly(q: u32, count: u32) -> vec2u {
  @if(strided) return vec2u(q % u32(TRANSFORMS), q / u32(TRANSFORMS));
  @if(!strided) return vec2u(q / count, q % count);
}

/// A number of a row, or zero behind what there is.
fn fetch(batch: u32, at: u32) -> vec2f {
  @if(!padded) return x[(batch << params.bits) + at];
  @if(padded) {
    var value = vec2f(0f);
    if (2u * at < params.row) {
      value.x = x[batch * params.row + 2u * at];
    }
    if (2u * at + 1u < params.row) {
      value.y = x[batch * params.row + 2u * at + 1u];
    }
    return value;
  }
}

fn put(batch: u32, at: u32, value: vec2f) {
  let scaled = value * params.scale;
  @if(!cropped) result[(batch << params.bits) + at] = scaled;
  @if(cropped) {
    if (2u * at < params.row) {
      result[batch * params.row + 2u * at] = scaled.x;
    }
    if (2u * at + 1u < params.row) {
      result[batch * params.row + 2u * at + 1u] = scaled.y;
    }
  }
}

/// The p-th number that a transform takes, times its root of unity.
fn load(transform: u32, p: u32) -> vec2f {
  if (transform >= params.transforms) {
    return vec2f(0f);
  }
  let stride_bits = params.bits - u32(RADIX_BITS);
  let j = transform & ((1u << stride_bits) - 1u);
  var value = fetch(transform >> stride_bits, j + (p << stride_bits));
  if (params.done_bits > 0u) {
    value = multiply(value, root(p * (j & ((1u << params.done_bits) - 1u)), u32(RADIX_BITS) + params.done_bits));
  }
  return value;
}

fn store(transform: u32, p: u32, value: vec2f) {
  if (transform >= params.transforms) {
    return;
  }
  let stride_bits = params.bits - u32(RADIX_BITS);
  let j = transform & ((1u << stride_bits) - 1u);
  let within = j & ((1u << params.done_bits) - 1u);
  put(transform >> stride_bits, ((j - within) << u32(RADIX_BITS)) + within + (p << params.done_bits), value);
}

/// The transform of eight numbers, the t-th of them times exp(-2 pi i within t / 2^(bits + 3)).
fn turn_and_transform_8(x: array<vec2f, 8>, within: u32, bits: u32) -> array<vec2f, 8> {
  var own = x;
  if (bits > 0u) {
    let w1 = root(within, bits + 3u);
    let w2 = multiply(w1, w1);
    let w4 = multiply(w2, w2);
    own[1] = multiply(own[1], w1);
    own[2] = multiply(own[2], w2);
    own[3] = multiply(own[3], multiply(w1, w2));
    own[4] = multiply(own[4], w4);
    own[5] = multiply(own[5], multiply(w1, w4));
    own[6] = multiply(own[6], multiply(w2, w4));
    own[7] = multiply(own[7], multiply(multiply(w1, w2), w4));
  }
  return transform_8(own);
}

@if(serial) @compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let transform = (group.x + params.origin.x) * u32(INVOCATIONS) + lane;
  if (transform >= params.transforms) {
    return;
  }
  let stride_bits = params.bits - u32(RADIX_BITS);
  let batch = transform >> stride_bits;
  let j = transform & ((1u << stride_bits) - 1u);
  let within = j & ((1u << params.done_bits) - 1u);
  let first = ((j - within) << u32(RADIX_BITS)) + within;
  let apart = 1u << stride_bits;
  let side = 1u << params.done_bits;
  @if(by_4) {
    let w1 = root(within, params.done_bits + 2u);
    let w2 = multiply(w1, w1);
    let own = transform_4(
      fetch(batch, j),
      multiply(fetch(batch, j + apart), w1),
      multiply(fetch(batch, j + 2u * apart), w2),
      multiply(fetch(batch, j + 3u * apart), multiply(w1, w2)),
    );
    put(batch, first, own[0]);
    put(batch, first + side, own[1]);
    put(batch, first + 2u * side, own[2]);
    put(batch, first + 3u * side, own[3]);
  }
  // Without loops: a software adapter looks up each element of an array by a variable index.
  @if(!by_4) {
    let own = turn_and_transform_8(
      array<vec2f, 8>(
        fetch(batch, j), fetch(batch, j + apart), fetch(batch, j + 2u * apart), fetch(batch, j + 3u * apart),
        fetch(batch, j + 4u * apart), fetch(batch, j + 5u * apart), fetch(batch, j + 6u * apart), fetch(batch, j + 7u * apart),
      ),
      within,
      params.done_bits,
    );
    put(batch, first, own[0]);
    put(batch, first + side, own[1]);
    put(batch, first + 2u * side, own[2]);
    put(batch, first + 3u * side, own[3]);
    put(batch, first + 4u * side, own[4]);
    put(batch, first + 5u * side, own[5]);
    put(batch, first + 6u * side, own[6]);
    put(batch, first + 7u * side, own[7]);
  }
}

@if(!serial) @compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let base = (group.x + params.origin.x) * u32(TRANSFORMS);
  for (var k = 0u; k < 8u; k++) {
    let place = butterfly(k * u32(INVOCATIONS) + lane, SIZE);
    values[cell(place.x, place.y)] = load(base + place.x, place.y);
  }
  workgroupBarrier();

  // The step of 2 or 4.
  @if(by_2) {
    var own: array<vec2f, 8>;
    for (var k = 0u; k < 4u; k++) {
      let place = butterfly(k * u32(INVOCATIONS) + lane, SIZE / 2u);
      let a = values[cell(place.x, place.y)];
      let b = values[cell(place.x, place.y + SIZE / 2u)];
      own[2u * k] = a + b;
      own[2u * k + 1u] = a - b;
    }
    workgroupBarrier();
    for (var k = 0u; k < 4u; k++) {
      let place = butterfly(k * u32(INVOCATIONS) + lane, SIZE / 2u);
      values[cell(place.x, 2u * place.y)] = own[2u * k];
      values[cell(place.x, 2u * place.y + 1u)] = own[2u * k + 1u];
    }
    workgroupBarrier();
  }
  @if(by_4) {
    var own: array<array<vec2f, 4>, 2>;
    for (var k = 0u; k < 2u; k++) {
      let place = butterfly(k * u32(INVOCATIONS) + lane, SIZE / 4u);
      own[k] = transform_4(
        values[cell(place.x, place.y)],
        values[cell(place.x, place.y + SIZE / 4u)],
        values[cell(place.x, place.y + SIZE / 2u)],
        values[cell(place.x, place.y + 3u * (SIZE / 4u))],
      );
    }
    workgroupBarrier();
    for (var k = 0u; k < 2u; k++) {
      let place = butterfly(k * u32(INVOCATIONS) + lane, SIZE / 4u);
      for (var t = 0u; t < 4u; t++) {
        values[cell(place.x, 4u * place.y + t)] = own[k][t];
      }
    }
    workgroupBarrier();
  }

  for (var step = 0u; step < EIGHTHS; step++) {
    let bits = FIRST_BITS + 3u * step;
    let place = butterfly(lane, SIZE / 8u);
    let within = place.y & ((1u << bits) - 1u);
    var own: array<vec2f, 8>;
    for (var t = 0u; t < 8u; t++) {
      own[t] = values[cell(place.x, place.y + t * (SIZE / 8u))];
    }
    own = turn_and_transform_8(own, within, bits);
    workgroupBarrier();
    let first = ((place.y - within) << 3u) + within;
    for (var t = 0u; t < 8u; t++) {
      values[cell(place.x, first + (t << bits))] = own[t];
    }
    workgroupBarrier();
  }

  for (var k = 0u; k < 8u; k++) {
    let place = butterfly(k * u32(INVOCATIONS) + lane, SIZE);
    store(base + place.x, place.y, values[cell(place.x, place.y)]);
  }
}
