/** Seeded numbers for tests (mulberry32): the same on every machine, independent of the generator under test. */

/** Draws in [0, 1). */
export function uniformSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` float32 numbers in [low, high). */
export function float32s(count: number, seed: number, low = -1, high = 1): Float32Array<ArrayBuffer> {
  const draw = uniformSource(seed);
  return new Float32Array(count).map(() => low + (high - low) * draw());
}
