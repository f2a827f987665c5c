// One pass of a radix sort: moves each key of a block, with its payload, behind all keys of a smaller digit and all earlier
// keys of its own. In a block of 1,024 each invocation ranks 16 neighbours one after the other, after a scan over the counts
// of all invocations, digit by digit: so equal digits keep their order. With `serial` one invocation takes a whole block.
import constants::BLOCK;
import package::sort::digit::{DIGITS, encode, decode, digit_of};

struct Params {
  origin: vec3u,
  size: u32,
  blocks: u32,
  largest: u32,
  shift: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> payload: array<u32>;
@group(0) @binding(3) var<storage, read> starts: array<u32>; // [digits, blocks]
@group(0) @binding(4) var<storage, read_write> sorted_keys: array<u32>;
@group(0) @binding(5) var<storage, read_write> sorted_payload: array<u32>;

fn key_at(at: u32) -> u32 {
  var key = keys[at];
  @if(first) key = encode(min(key, params.largest));
  return key;
}

fn move_to(at: u32, key: u32, place: u32) {
  @if(!last) sorted_keys[place] = key;
  @if(last) sorted_keys[place] = decode(key);
  @if(first && positions) sorted_payload[place] = at;
  @if(!first || !positions) sorted_payload[place] = payload[at];
}

@if(serial) var<private> next: array<u32, DIGITS>;

@if(serial) @compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = (group.x + params.origin.x) * 4u + lane;
  if (block >= params.blocks) {
    return;
  }
  for (var digit = 0u; digit < DIGITS; digit++) {
    next[digit] = starts[digit * params.blocks + block];
  }
  let end = min((block + 1u) * BLOCK, params.size);
  for (var at = block * BLOCK; at < end; at++) {
    let key = key_at(at);
    let digit = digit_of(key, params.shift);
    let place = next[digit];
    next[digit] = place + 1u;
    move_to(at, key, place);
  }
}

@if(!serial) var<workgroup> counts: array<u32, 1024>; // [digits, 64 invocations]
@if(!serial) var<workgroup> run_sums: array<u32, 64>;

@if(!serial) @compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = group.x + params.origin.x;
  let begin = block * BLOCK + lane * 16u;
  var own: array<u32, 16>;
  for (var digit = 0u; digit < DIGITS; digit++) {
    counts[digit * 64u + lane] = 0u;
  }
  for (var k = 0u; k < 16u; k++) {
    if (begin + k < params.size) {
      let key = key_at(begin + k);
      own[k] = key;
      counts[digit_of(key, params.shift) * 64u + lane] += 1u;
    }
  }
  workgroupBarrier();

  // Exclusive prefix sums of the counts of each digit: 16 neighbours an invocation, four invocations a digit.
  var sum = 0u;
  for (var k = 0u; k < 16u; k++) {
    sum += counts[lane * 16u + k];
  }
  run_sums[lane] = sum;
  workgroupBarrier();
  var offset = 0u;
  for (var k = lane / 4u * 4u; k < lane; k++) {
    offset += run_sums[k];
  }
  for (var k = 0u; k < 16u; k++) {
    let count = counts[lane * 16u + k];
    counts[lane * 16u + k] = offset;
    offset += count;
  }
  workgroupBarrier();
  for (var k = 0u; k < 16u; k++) {
    if (begin + k < params.size) {
      let digit = digit_of(own[k], params.shift);
      let rank = counts[digit * 64u + lane];
      counts[digit * 64u + lane] = rank + 1u;
      move_to(begin + k, own[k], starts[digit * params.blocks + block] + rank);
    }
  }
}
