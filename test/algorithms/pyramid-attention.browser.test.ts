/** Attention over a pyramid of scales: against masked attention in float64, fast against exact, bad input. */
import { expect, it } from 'vitest';
import { polynomialPyramidAttention, pyramidAttention, type Pyramid } from '../../src/algorithms/pyramid-attention';
import { InvalidInputError } from '../../src/device/errors';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();

function pyramidOf(sides: readonly number[], bound: number): Pyramid {
  const [dimension, valueDimension] = [3, 2];
  const draw = (rows: number, columns: number, seed: number) => float32s(rows * columns, seed, -bound, bound);
  return {
    dimension,
    valueDimension,
    scales: sides.map((side, at) => ({
      queries: draw(side * side, dimension, 3 * at),
      keys: draw(side * side, dimension, 3 * at + 1),
      values: draw(side * side, valueDimension, 3 * at + 2),
    })),
  };
}

it('lets a token see its own scale and every coarser one', async () => {
  const pyramid = pyramidOf([1, 2, 5], 1);
  const { scales, dimension, valueDimension } = pyramid;
  for (const device of [gpu, cpu]) {
    using _scope = device.scope();
    const results = pyramidAttention(device, pyramid);
    expect(results.map(({ shape }) => shape)).toEqual([
      [1, 2],
      [4, 2],
      [25, 2],
    ]);
    for (const [at, result] of results.entries()) {
      const seen = scales.slice(0, at + 1);
      const keys = seen.flatMap((scale) => Array.from(scale.keys));
      const values = seen.flatMap((scale) => Array.from(scale.values));
      const read = await result.read();
      for (let query = 0; query < read.length / valueDimension; query++) {
        const weights = Array.from({ length: keys.length / dimension }, (_, key) => {
          let logit = 0;
          for (let k = 0; k < dimension; k++)
            logit += (scales[at]?.queries[query * dimension + k] ?? 0) * (keys[key * dimension + k] ?? 0);
          return Math.exp(logit / dimension);
        });
        const sum = weights.reduce((total, weight) => total + weight, 0);
        for (let column = 0; column < valueDimension; column++) {
          const mean = weights.reduce(
            (total, weight, key) => total + weight * (values[key * valueDimension + column] ?? 0),
            0,
          );
          expect(Math.abs((read[query * valueDimension + column] ?? NaN) - mean / sum)).toBeLessThanOrEqual(1e-6);
        }
      }
    }
  }
});

it.each(['GPU', 'reference device'])('is what polynomials converge to on the %s', async (name) => {
  const device = name === 'GPU' ? gpu : cpu;
  using _scope = device.scope();
  const pyramid = pyramidOf([1, 3, 6], 1);
  const exact = pyramidAttention(device, pyramid);
  const fast = polynomialPyramidAttention(device, pyramid, { degree: 8 });
  for (const [at, result] of exact.entries()) {
    const [truth, value] = [await result.read(), (await fast[at]?.read()) ?? []];
    truth.forEach((entry, index) => expect(Math.abs(entry - (value[index] ?? NaN))).toBeLessThanOrEqual(2e-6));
  }
});

it('names what does not fit', () => {
  const pyramid = pyramidOf([1, 2], 1);
  expect(() => pyramidAttention(cpu, { ...pyramid, scales: [] })).toThrow(/at least one scale/);
  const broken = pyramid.scales.map((scale) => ({ ...scale, values: scale.values.slice(1) }));
  expect(() => polynomialPyramidAttention(cpu, { ...pyramid, scales: broken }, { degree: 2 })).toThrow(
    InvalidInputError,
  );
});
