/** The kernels of mixture models against their float64 references, for diagonal and full matrices. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import type { Device, Tensor } from '../../src/device';
import { adamStep } from '../../src/kernels/adam';
import {
  mixtureForms,
  mixtureGradient,
  mixtureLossGradient,
  mixtureMoments,
  mixtureWeights,
} from '../../src/kernels/gaussian-mixture';
import type { MixtureForms, MixtureFunction, MixtureModel } from '../../src/kernels/mixture-model';
import { conditionalSample, gatherRows } from '../../src/kernels/mixture-sampling';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
const unit = 2 ** -24;
const epsilon = 0.25;

/** Components past one workgroup of lanes, a single one, dimensions on both sides of a vec4, points past a workgroup. */
const shapes = [
  { dimension: 1, components: 1, points: 5, covariance: 'diagonal' },
  { dimension: 2, components: 300, points: 70, covariance: 'diagonal' },
  { dimension: 11, components: 7, points: 33, covariance: 'diagonal' },
  { dimension: 2, components: 65, points: 131, covariance: 'full' },
  { dimension: 5, components: 3, points: 65, covariance: 'full' },
] as const;
type Shape = (typeof shapes)[number];

function place(
  device: Device,
  { dimension: d, components, points, covariance }: Shape,
): { model: MixtureModel; x: Tensor } {
  const stride = 1 + d + (covariance === 'full' ? d * d : d);
  // Factors near the identity times 0.6: condition numbers stay below about 30.
  const parameters = float32s(components * stride, 7).map((value, at) => {
    const index = at % stride;
    return index <= d ? value : 0.3 * value - (covariance === 'diagonal' || (index - 1 - d) % (d + 1) === 0 ? 0.5 : 0);
  });
  if (covariance === 'full') {
    for (let k = 0; k < components; k++)
      for (let i = 0; i < d; i++) for (let j = i + 1; j < d; j++) parameters[k * stride + 1 + d + i * d + j] = 0;
  }
  const model = { parameters: device.tensor(parameters, [components, stride]), dimension: d, covariance };
  return { model, x: device.tensor(float32s(points * d, 8, -2, 2), [points, d]) };
}

/** The same float32 numbers on another device. */
async function copy(device: Device, tensor: Tensor): Promise<Tensor> {
  return device.tensor(Float32Array.from(await tensor.read()), tensor.shape);
}
const copyForms = async (device: Device, forms: MixtureForms): Promise<MixtureForms> => ({
  ...forms,
  values: await copy(device, forms.values),
});

async function largestDifference(made: Tensor, expected: Tensor): Promise<{ difference: number; scale: number }> {
  const [x, y] = [await made.read(), await expected.read()];
  expect(x.length).toBe(y.length);
  let difference = 0;
  let scale = 0;
  x.forEach((value, i) => {
    const error = Math.abs(value - (y[i] ?? NaN));
    difference = Number.isNaN(error) ? Infinity : Math.max(difference, error);
    scale = Math.max(scale, Math.abs(y[i] ?? NaN));
  });
  return { difference, scale };
}

const functions: readonly MixtureFunction[] = [
  { kind: 'normalizer', epsilon },
  { kind: 'potential', epsilon },
  { kind: 'bridge', epsilon, time: 0 },
  { kind: 'bridge', epsilon, time: 0.7 },
  { kind: 'bridge', epsilon, time: 1 },
];

describe.each(shapes)('$components $covariance components in $dimension dimensions', (shape) => {
  it.each(functions)('writes the terms of $kind as quadratics', async (of) => {
    using _gpu = gpu.scope();
    using _cpu = cpu.scope();
    const made = mixtureForms(place(gpu, shape).model, of).values;
    const { difference, scale } = await largestDifference(made, mixtureForms(place(cpu, shape).model, of).values);
    // An inverse costs 3 d condition numbers of rounding units, and WGSL's exp 4 more in each factor.
    expect(difference).toBeLessThanOrEqual((3 * shape.dimension + 8) * 30 * unit * scale);
  });

  it('sums, weighs, differentiates and averages what the terms say', async () => {
    using _gpu = gpu.scope();
    using _cpu = cpu.scope();
    const { x } = place(gpu, shape);
    const { model, x: y } = place(cpu, shape);
    for (const of of functions.slice(1, 4)) {
      const theirs = mixtureForms(model, of);
      const forms = await copyForms(gpu, theirs);
      const rounded = await copyForms(cpu, theirs);
      const made = mixtureWeights(x, forms);
      const expected = mixtureWeights(y, rounded);
      const sums = await largestDifference(made.logSums, expected.logSums);
      // A term adds d + d^2 products of at most the size of the largest form times 2 * 4.
      const largest = Array.from(await rounded.values.read()).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const terms = 1 + shape.dimension * (1 + (shape.covariance === 'full' ? shape.dimension : 1));
      const tolerance = terms * largest * 16 * unit;
      expect(sums.difference).toBeLessThanOrEqual(tolerance + 8 * unit * sums.scale);
      expect((await largestDifference(made.weights, expected.weights)).difference).toBeLessThanOrEqual(
        2 * tolerance + 1e-6,
      );

      const weights = await copy(gpu, expected.weights);
      const theirWeights = await copy(cpu, expected.weights);
      const slope = await largestDifference(
        mixtureGradient(x, forms, weights, epsilon),
        mixtureGradient(y, rounded, theirWeights, epsilon),
      );
      expect(slope.difference).toBeLessThanOrEqual((shape.components + 2 * terms) * unit * largest * 4);
      const moments = await largestDifference(
        mixtureMoments(x, forms, weights),
        mixtureMoments(y, rounded, theirWeights),
      );
      expect(moments.difference).toBeLessThanOrEqual(16 * unit * Math.max(1, moments.scale));
    }
  });

  it('has the gradient of the loss that the reference has', async () => {
    using _gpu = gpu.scope();
    using _cpu = cpu.scope();
    const stride = place(cpu, shape).model.parameters.shape[1] ?? 0;
    const gradients = [gpu, cpu].map((device) => {
      const { model } = place(device, shape);
      const moments = (seed: number): Tensor => {
        const values = float32s(shape.components * stride, seed, 0.1, 0.5);
        // Second moments are symmetric.
        const d = shape.dimension;
        if (shape.covariance === 'full') {
          for (let k = 0; k < shape.components; k++)
            for (let i = 0; i < d; i++)
              for (let j = 0; j < i; j++)
                values[k * stride + 1 + d + j * d + i] = values[k * stride + 1 + d + i * d + j] ?? NaN;
        }
        return device.tensor(values, [shape.components, stride]);
      };
      const potential = mixtureForms(model, { kind: 'potential', epsilon });
      return mixtureLossGradient(model, { source: moments(1), target: moments(2) }, potential, epsilon);
    });
    const [made, expected] = gradients;
    if (made === undefined || expected === undefined) throw new Error('two gradients');
    const { difference, scale } = await largestDifference(made, expected);
    expect(difference).toBeLessThanOrEqual((3 * shape.dimension + 8) * 60 * unit * scale);
  });

  it('draws the same component and point from the same numbers', async () => {
    using _gpu = gpu.scope();
    using _cpu = cpu.scope();
    const [made, expected] = [gpu, cpu].map((device) => {
      const { model, x } = place(device, shape);
      const { points, components, dimension } = shape;
      const weights = device.tensor(new Float32Array(points * components).fill(1 / components), [points, components]);
      const uniforms = device.tensor(float32s(points, 5, 0.01, 0.99), [points]);
      const noise = device.tensor(float32s(points * dimension, 6, -2, 2), [points, dimension]);
      return conditionalSample(model, x, { weights, uniforms, noise, epsilon });
    });
    if (made === undefined || expected === undefined) throw new Error('two draws');
    const [x, y] = [await made.read(), await expected.read()];
    const bad = x.filter((value, i) => !(Math.abs(value - (y[i] ?? NaN)) <= 64 * unit * (1 + Math.abs(value)))).length;
    // A uniform number within rounding of a cumulated weight may fall on either side.
    expect(bad).toBeLessThanOrEqual(2 * shape.dimension);
  });
});

it('gathers rows, and takes a step of Adam like the reference', async () => {
  using _gpu = gpu.scope();
  using _cpu = cpu.scope();
  const results = await Promise.all(
    [gpu, cpu].map(async (device) => {
      const rows = gatherRows(device.tensor(float32s(21, 1), [7, 3]), device.tensor([6, 0, 6, 2], [4], 'u32'));
      const parameters = device.tensor(float32s(301, 2), [301]);
      const moments = device.full([301, 2], 0);
      for (let step = 1; step <= 3; step++)
        adamStep(parameters, device.tensor(float32s(301, 2 + step), [301]), moments, { learningRate: 0.1, step });
      return { rows: Array.from(await rows.read()), parameters: await parameters.read() };
    }),
  );
  const [made, expected] = results;
  expect(made?.rows).toEqual(expected?.rows);
  made?.parameters.forEach((value, i) => {
    // Steps of 0.1 whose quotients cost a few rounding units of at most 3.
    expect(Math.abs(value - (expected?.parameters[i] ?? NaN))).toBeLessThanOrEqual(64 * unit);
  });
});

it('refuses what does not fit together', () => {
  using _gpu = gpu.scope();
  const { model, x } = place(gpu, shapes[1]);
  expect(() => mixtureForms(model, { kind: 'normalizer', epsilon: 0 })).toThrow(InvalidInputError);
  expect(() => mixtureForms(model, { kind: 'bridge', epsilon, time: 1.1 })).toThrow(InvalidInputError);
  expect(() => mixtureForms({ ...model, dimension: 3 }, { kind: 'normalizer', epsilon })).toThrow(InvalidInputError);
  expect(() => mixtureForms({ ...model, covariance: 'full' }, { kind: 'normalizer', epsilon })).toThrow(
    InvalidInputError,
  );
  const forms = mixtureForms(model, { kind: 'normalizer', epsilon });
  expect(() => mixtureWeights(gpu.full([4, 3], 0), forms)).toThrow(InvalidInputError);
  expect(() => mixtureMoments(x, forms, gpu.full([2, 2], 0))).toThrow(InvalidInputError);
  expect(() => {
    adamStep(x, x, x, { learningRate: 1, step: 1 });
  }).toThrow(InvalidInputError);
});
