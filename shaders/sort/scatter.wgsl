// One pass of a radix sort: moves each key of a block of 1,024, with its payload, behind all keys of a smaller digit and all
// earlier keys of its own. Each invocation ranks 16 neighbours one after the other, after a scan over the counts of all
// invocations, digit by digit: so equal digits keep their order.
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

var<workgroup> counts: array<u32, 1024>; // [digits, 64 invocations]
var<workgroup> run_sums: array<u32, 64>;
var<workgroup> group_sums: array<u32, 8>;
var<workgroup> digit_begin: array<u32, DIGITS>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = group.x + params.origin.x;
  let begin = block * 1024u + lane * 16u;
  var own: array<u32, 16>;
  for (var digit = 0u; digit < DIGITS; digit++) {
    counts[digit * 64u + lane] = 0u;
  }
  for (var k = 0u; k < 16u; k++) {
    if (begin + k < params.size) {
      var key = keys[begin + k];
      @if(first) key = encode(min(key, params.largest));
      own[k] = key;
      counts[digit_of(key, params.shift) * 64u + lane] += 1u;
    }
  }
  workgroupBarrier();

  // Exclusive prefix sums of all counts: 16 neighbours an invocation, eight invocations a group, then the groups.
  var sum = 0u;
  for (var k = 0u; k < 16u; k++) {
    sum += counts[lane * 16u + k];
  }
  run_sums[lane] = sum;
  workgroupBarrier();
  if (lane < 8u) {
    var group_sum = 0u;
    for (var k = 0u; k < 8u; k++) {
      group_sum += run_sums[lane * 8u + k];
    }
    group_sums[lane] = group_sum;
  }
  workgroupBarrier();
  var offset = 0u;
  for (var k = 0u; k < lane / 8u; k++) {
    offset += group_sums[k];
  }
  for (var k = lane / 8u * 8u; k < lane; k++) {
    offset += run_sums[k];
  }
  for (var k = 0u; k < 16u; k++) {
    let count = counts[lane * 16u + k];
    counts[lane * 16u + k] = offset;
    offset += count;
  }
  workgroupBarrier();

  // Where each digit begins within the block.
  if (lane < DIGITS) {
    digit_begin[lane] = counts[lane * 64u];
  }
  workgroupBarrier();
  for (var k = 0u; k < 16u; k++) {
    if (begin + k < params.size) {
      let digit = digit_of(own[k], params.shift);
      let rank = counts[digit * 64u + lane];
      counts[digit * 64u + lane] = rank + 1u;
      let target_index = starts[digit * params.blocks + block] + rank - digit_begin[digit];
      @if(!last) sorted_keys[target_index] = own[k];
      @if(last) sorted_keys[target_index] = decode(own[k]);
      @if(first && positions) sorted_payload[target_index] = begin + k;
      @if(!first || !positions) sorted_payload[target_index] = payload[begin + k];
    }
  }
}
