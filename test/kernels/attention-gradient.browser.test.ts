/** Gradients of attention: the float64 reference against finite differences, and the kernels against the reference. */
import { describe, expect, test } from 'vitest';
import type { Device } from '../../src/device/device';
import { InvalidInputError } from '../../src/device/errors';
import { ReferenceTensor } from '../../src/device/reference-device';
import type { Tensor } from '../../src/device/tensor';
import { attention } from '../../src/kernels/attention';
import { attentionGradient } from '../../src/kernels/attention-gradient';
import { largestDifference, normals, operandsOf, unit, type AttentionCase } from '../support/attention';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

type Names = 'queries' | 'keys' | 'values' | 'bias' | 'sinks';

/** All gradients of a case on a device; the loss is <seeded normal numbers, result>. */
async function gradients(device: Device, each: AttentionCase, withBias = false) {
  using scope = device.scope();
  const { q, k, v, options } = operandsOf(device, each);
  const { shape } = attention(q, k, v, { ...options, variant: 'flash' });
  const outputs = device.tensor(
    normals(
      shape.reduce((a, b) => a * b),
      9,
    ),
    shape,
  );
  const made = attentionGradient(q, k, v, outputs, { ...options, withBias });
  const read: Partial<Record<Names, Float64Array>> = {};
  for (const name of ['queries', 'keys', 'values', 'bias', 'sinks'] as const) {
    const tensor = made[name];
    if (tensor !== undefined) read[name] = Float64Array.from(await device.read(tensor));
  }
  return read;
}

/** Everything at once, small. */
const everything: AttentionCase = {
  title: 'grouped heads, bias, mask, sinks, soft cap, window, padding',
  queries: [4, 37, 8],
  keys: [2, 41, 8],
  values: [2, 41, 8],
  pairs: [4, 37, 41],
  mask: [37, 41],
  sinks: 4,
  options: { softCap: 2, causal: true, window: 25, firstPosition: 3, keyLengths: [41, 30] },
};

const cases: readonly AttentionCase[] = [
  everything,
  { title: 'size 300, values of 5', queries: [19, 300], keys: [23, 300], values: [23, 5] },
  { title: 'heads in columns', queries: [45, 28], keys: [31, 14], values: [31, 6], options: { heads: 4, keyHeads: 2 } },
  {
    title: 'queries that see no key',
    queries: [90, 8],
    keys: [20, 8],
    values: [20, 8],
    options: { window: 3 },
  },
];

describe('the gradient of attention', () => {
  test('in float64 it is what finite differences say', async () => {
    const each: AttentionCase = {
      ...everything,
      queries: [4, 5, 3],
      keys: [2, 7, 3],
      values: [2, 7, 2],
      pairs: [4, 5, 7],
      mask: [5, 7],
      options: { softCap: 2, causal: true, window: 5, firstPosition: 3, keyLengths: [7, 6] },
    };
    const exact = await gradients(cpu, each, true);
    using scope = cpu.scope();
    const { q, k, v, options } = operandsOf(cpu, each);
    const outputs = normals(4 * 5 * 2, 9);
    const numbersOf = (tensor: Tensor): Float64Array => {
      if (!(tensor instanceof ReferenceTensor) || !(tensor.data instanceof Float64Array))
        throw new TypeError('not float64');
      return tensor.data;
    };
    const loss = (): number =>
      numbersOf(attention(q, k, v, options)).reduce((sum, value, index) => sum + value * (outputs[index] ?? 0), 0);
    const operands = { queries: q, keys: k, values: v, bias: options.bias, sinks: options.sinks };
    for (const [name, tensor] of Object.entries(operands)) {
      if (tensor === undefined) throw new TypeError(name);
      const data = numbersOf(tensor);
      const numeric = data.map((value, index) => {
        const h = 1e-5;
        data[index] = value + h;
        const above = loss();
        data[index] = value - h;
        const below = loss();
        data[index] = value;
        return (above - below) / (2 * h);
      });
      // Central differences: h^2 times third derivatives (some tens here), and cancellation of 1e-16 * 10 / h.
      expect(largestDifference(exact[name as Names] ?? [], numeric), name).toBeLessThanOrEqual(3e-8);
    }
  });

  test.each(cases)('$title: the kernels are the reference to float32 rounding', async (each) => {
    const expected = await gradients(cpu, each, each === everything);
    const made = await gradients(gpu, each, each === everything);
    expect(Object.keys(made)).toEqual(Object.keys(expected));
    const heads = each.queries.length === 3 ? 1 : (each.options?.heads ?? 1);
    const dimension = (each.queries.at(-1) ?? 1) / heads;
    const rows = Math.max(each.queries.at(-2) ?? 1, each.keys.at(-2) ?? 1);
    for (const [name, values] of Object.entries(expected)) {
      const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      // Logits of normal numbers err by (d + 3) units of their size (sqrt(d) scale), weights by as much relatively; a change and
      // its mean by dv + keys units of at most six; each gradient sums as many terms as there are rows.
      const logits = (dimension + 3) * Math.max(1, Math.sqrt(dimension));
      expect(largestDifference(made[name as Names] ?? [], values), name).toBeLessThanOrEqual(
        unit * size * (2 * logits + 4 * rows + 60),
      );
    }
  });

  test('rows that see no key have no gradient, and get none', async () => {
    const { queries } = await gradients(gpu, {
      title: '',
      queries: [90, 8],
      keys: [20, 8],
      values: [20, 8],
      options: { window: 3 },
    });
    expect(queries?.subarray(0, 8).some((value) => value !== 0)).toBe(true);
    expect(queries?.subarray(23 * 8).every((value) => value === 0)).toBe(true);
  });

  test('is the same each time', async () => {
    const [first, again] = [await gradients(gpu, everything), await gradients(gpu, everything)];
    expect(again.keys).toEqual(first.keys);
    expect(again.queries).toEqual(first.queries);
  });

  test('refuses squared distances and a gradient of another shape', () => {
    using scope = gpu.scope();
    const x = gpu.tensor(normals(12, 1), [3, 4]);
    expect(() => attentionGradient(x, x, x, x, { metric: 'squared-distance' })).toThrow(InvalidInputError);
    expect(() => attentionGradient(x, x, x, gpu.empty([4, 3]))).toThrow(/\[3, 4\]/);
  });
});
