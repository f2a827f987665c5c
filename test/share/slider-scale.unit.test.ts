import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integer, real } from '../../src/labs/parameters';
import { lastPosition, parseNumber, positionOf, valueAt } from '../../src/share/slider-scale';

const parameters = [
  real({ label: 'x', min: 1e-4, max: 1, scale: 'log', default: 0.05 }),
  real({ label: 'x', min: 3e-7, max: 0.02, scale: 'log', default: 1e-6 }),
  real({ label: 'x', min: -2, max: 2, default: 0 }),
  integer({ label: 'x', min: 16, max: 16384, scale: 'log', default: 64 }),
  integer({ label: 'x', min: 3, max: 100, scale: 'log', default: 64 }),
  integer({ label: 'x', min: 1, max: 10, step: 3, default: 1 }),
];

describe('sliders', () => {
  it('come back to the position they were at', () => {
    for (const parameter of parameters) {
      for (let position = 0; position <= lastPosition(parameter); position += 1) {
        expect(positionOf(parameter, valueAt(parameter, position))).toBe(position);
      }
    }
  });

  it('rise from the minimum to the maximum', () => {
    for (const parameter of parameters) {
      const stops = Array.from({ length: lastPosition(parameter) + 1 }, (_, position) => valueAt(parameter, position));
      expect(stops[0]).toBe(parameter.min);
      expect(stops.at(-1)).toBe(parameter.max);
      expect(stops).toEqual([...stops].sort((a, b) => a - b));
    }
  });

  it('stand at powers of ten and of two', () => {
    const [logarithmic, , , sizes] = parameters;
    if (logarithmic === undefined || sizes === undefined) throw new Error('parameters are missing');
    expect([0, 50, 100, 150, 200].map((position) => valueAt(logarithmic, position))).toEqual([
      1e-4, 1e-3, 0.01, 0.1, 1,
    ]);
    expect(Array.from({ length: 11 }, (_, position) => valueAt(sizes, position))).toEqual([
      16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
    ]);
  });
});

describe('numbers as people type them', () => {
  it.each([
    ['1e-6', 1e-6],
    [' 0.05 ', 0.05],
    ['0,05', 0.05],
    ['16,384', 16384],
    ['16 384', 16384],
    ['-2.5', -2.5],
    ['−2', -2],
    ['.5', 0.5],
    ['1E3', 1000],
  ])('%s is read', (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it.each(['', 'abc', '1e', '0x10', 'Infinity', '1.2.3', '--1', '5 apples'])('%s is refused', (text) => {
    expect(parseNumber(text)).toBeNaN();
  });

  it('reads back every number as JavaScript writes it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => parseNumber(String(value)) === value),
    );
  });
});
