/** Triple detection: attention over pairs tells every token, ordinary attention hardly more than chance. */
import { describe, expect, it } from 'vitest';
import { accuracy, detectWithPairs, detectWithSingles, makeTriples } from '../../src/algorithms/triple-detection';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

describe('triple detection', () => {
  it('labels a token by whether two others complete it to a multiple of the modulus', () => {
    const { sequences, labels, modulus, length } = makeTriples(12, 20, 3);
    expect(modulus).toBe(104);
    sequences.forEach((numbers, at) => {
      for (let token = 0; token < length; token++) {
        const found = Array.from(numbers).some((one) =>
          Array.from(numbers).some((other) => ((numbers[token] ?? 0) + one + other) % modulus === 0),
        );
        expect(labels[at]?.[token]).toBe(found ? 1 : 0);
      }
    });
    const share = labels.flatMap((tokens) => Array.from(tokens)).reduce((sum, value) => sum + value, 0) / (12 * 20);
    expect(Math.abs(share - 0.5)).toBeLessThan(0.15);
  });

  it.each([
    ['GPU', 8],
    ['GPU', 32],
    ['reference device', 12],
  ] as const)('is solved by attention over pairs: %s, %i tokens', async (name, length) => {
    const task = makeTriples(length, 8, 5);
    const found = await detectWithPairs(name === 'GPU' ? gpu : cpu, task);
    expect(found.map((tokens) => Array.from(tokens))).toEqual(task.labels.map((tokens) => Array.from(tokens)));
  });

  it('is not solved by ordinary attention and a linear read-out', async () => {
    const task = makeTriples(32, 64, 5);
    const found = await detectWithSingles(gpu, task, 1);
    const right = accuracy(found, task.labels.slice(32));
    expect(right).toBeLessThan(0.75);
  });
});
