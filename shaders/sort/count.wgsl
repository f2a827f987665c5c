// How many keys of each block have each value of a digit: [digits, blocks], so that the exclusive prefix sums over all of
// it say where each block's keys of each digit begin (Satish, Harris and Garland 2009). A workgroup takes a block, or with
// `serial` one invocation.
import constants::BLOCK;
import package::sort::digit::{DIGITS, encode, digit_of};

struct Params {
  origin: vec3u,
  size: u32,
  blocks: u32,
  largest: u32, // keys above it count as this one
  shift: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;

fn digit_at(at: u32) -> u32 {
  var key = keys[at];
  @if(first) key = encode(min(key, params.largest));
  return digit_of(key, params.shift);
}

@if(!serial) var<workgroup> counts: array<atomic<u32>, DIGITS>;
@if(serial) var<private> own: array<u32, DIGITS>;

@if(serial) @compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = (group.x + params.origin.x) * 4u + lane;
  if (block >= params.blocks) {
    return;
  }
  let end = min((block + 1u) * BLOCK, params.size);
  for (var at = block * BLOCK; at < end; at++) {
    own[digit_at(at)] += 1u;
  }
  for (var digit = 0u; digit < DIGITS; digit++) {
    result[digit * params.blocks + block] = own[digit];
  }
}

@if(!serial) @compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = group.x + params.origin.x;
  if (lane < DIGITS) {
    atomicStore(&counts[lane], 0u);
  }
  workgroupBarrier();
  for (var k = 0u; k < 16u; k++) {
    let at = block * BLOCK + k * 64u + lane;
    if (at < params.size) {
      atomicAdd(&counts[digit_at(at)], 1u);
    }
  }
  workgroupBarrier();
  if (lane < DIGITS) {
    result[lane * params.blocks + block] = atomicLoad(&counts[lane]);
  }
}
