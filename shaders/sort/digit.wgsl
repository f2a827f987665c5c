// How numbers become keys whose order as unsigned integers is the order asked for, and the digits of keys.

/// Values of a digit: of four bits where the lanes of a workgroup share a block of keys, of eight where each has its own.
@if(!serial) const DIGITS = 16u;
@if(serial) const DIGITS = 256u;

/// The bits of a number as a key: negative float32 numbers are turned around, all others moved above them.
fn encode(bits: u32) -> u32 {
  var key = bits;
  @if(float) key = select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
  @if(signed) key = bits ^ 0x80000000u;
  @if(descending) key = ~key;
  return key;
}

fn decode(key: u32) -> u32 {
  var bits = key;
  @if(descending) bits = ~key;
  @if(float) bits = select(~bits, bits & 0x7fffffffu, bits >> 31u == 1u);
  @if(signed) bits = bits ^ 0x80000000u;
  return bits;
}

fn digit_of(key: u32, shift: u32) -> u32 {
  return (key >> shift) & (DIGITS - 1u);
}
