/** Cutting boxes of workgroups: nothing is lost, nothing runs twice, estimates learn. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits, groupCount, halve, softwareRates, WorkEstimator, type WorkBox } from '../../src/device/work-cutter';

function cutAll(box: WorkBox, most: number): WorkBox[] {
  if (groupCount(box) <= most && fits(box, 65_535)) return [box];
  const halves = halve(box);
  return halves === undefined ? [box] : halves.flatMap((half) => cutAll(half, most));
}

describe('halve', () => {
  it('covers every workgroup exactly once, however it is cut', () => {
    const length = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(length, length, length, fc.integer({ min: 1, max: 40 }), (x, y, z, most) => {
        const seen = new Map<string, number>();
        for (const { origin, size } of cutAll({ origin: [0, 0, 0], size: [x, y, z] }, most)) {
          for (let i = 0; i < size[0]; i++)
            for (let j = 0; j < size[1]; j++)
              for (let k = 0; k < size[2]; k++) {
                const place = `${String(origin[0] + i)} ${String(origin[1] + j)} ${String(origin[2] + k)}`;
                seen.set(place, (seen.get(place) ?? 0) + 1);
              }
        }
        expect(seen.size).toBe(x * y * z);
        expect([...seen.values()].every((times) => times === 1)).toBe(true);
      }),
    );
  });

  it('cannot cut a single workgroup', () => {
    expect(halve({ origin: [5, 0, 0], size: [1, 1, 1] })).toBeUndefined();
  });
});

describe('WorkEstimator', () => {
  const cost = { flops: 1e8, bytes: 1e3 };

  it('takes the first measurement whole and averages later ones in', () => {
    const estimator = new WorkEstimator(softwareRates);
    const estimate = (): number => estimator.estimateMs('a', cost, 1);
    expect(estimator.isCalibrated('a')).toBe(false);
    estimator.learn([{ key: 'a', estimatedMs: estimate() }], 10);
    expect(estimator.isCalibrated('a')).toBe(true);
    expect(estimate()).toBeGreaterThan(9.8);
    expect(estimate()).toBeLessThan(10.3);
    estimator.learn([{ key: 'a', estimatedMs: estimate() }], 20);
    expect(estimate()).toBeGreaterThan(11);
    expect(estimate()).toBeLessThan(14);
  });

  it('does not learn from work so short that only latency was measured', () => {
    const estimator = new WorkEstimator(softwareRates);
    estimator.learn([{ key: 'a', estimatedMs: 0.2 }], 0.5);
    expect(estimator.isCalibrated('a')).toBe(false);
  });
});
