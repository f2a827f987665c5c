/**
 * What a light Schroedinger bridge (Korotin, Gushchin, Burnaev 2024) is made of: mixtures of Gaussians whose log-sums,
 * shares, gradients and weighted moments are one kernel each, because every term is the exponential of a quadratic.
 */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import {
  checkWeights,
  formShape,
  modelShape,
  requirePositive,
  type MixtureForms,
  type MixtureFunction,
  type MixtureModel,
} from './mixture-model';
import { formsOf, lossGradientOf, termOf } from './mixture-reference';
import { rowWorkgroup } from './row-workgroup';

/**
 * The terms of one of a model's functions. `normalizer`: log c(x0) = log sum alpha exp((x0 S x0 + 2 r x0) / 2 epsilon).
 * `potential`: log v(x1) of the mixture of N(r, epsilon S). `bridge`: up to a common function of x, the log of the mixture at
 * time t whose gradient times epsilon is the drift (t = 1 included: nothing is divided by 1 - t).
 */
export const mixtureForms = defineKernel({
  name: 'mixtureForms',
  summary: 'The terms of a mixture model as quadratics: [components, 1 + d + q] becomes [components, 1 + 2 d + q].',
  shaders: ['mixture/forms'],
  cost: (model: MixtureModel, of: MixtureFunction) => {
    const { components, dimension, quadratic } = modelShape(model);
    requirePositive(of.epsilon, 'epsilon');
    if (of.kind === 'bridge' && !(of.time >= 0 && of.time <= 1))
      throw new InvalidInputError(`The time must be from 0 to 1, not ${String(of.time)}.`, { field: 'time' });
    return {
      flops: 6 * components * dimension * quadratic,
      bytes: 4 * components * (2 + 3 * dimension + 2 * quadratic),
    };
  },
  webgpu(gpu, model, of): MixtureForms {
    const { components, dimension, quadratic, full } = modelShape(model);
    const values = gpu.empty([components, 1 + 2 * dimension + quadratic]);
    gpu.dispatch({
      shader: 'mixture/forms',
      conditions: { full, normalizer: false, potential: false, bridge: false, [of.kind]: true },
      constants: { DIMENSION: dimension, QUADRATIC: quadratic },
      uniforms: {
        components: u32(components),
        epsilon: f32(of.epsilon),
        time: f32(of.kind === 'bridge' ? of.time : 0),
      },
      reads: [model.parameters],
      writes: [values],
      workgroups: [Math.ceil(components / 64)],
    });
    return { values, dimension, covariance: model.covariance };
  },
  reference(cpu, model, of): MixtureForms {
    const { components, dimension, quadratic } = modelShape(model);
    const values = cpu.empty([components, 1 + 2 * dimension + quadratic]);
    for (let k = 0; k < components; k++) values.data.set(formsOf(model, k, of), (k * values.size) / components);
    return { values, dimension, covariance: model.covariance };
  },
});

/** What `mixtureWeights` gives. */
export interface MixtureWeights {
  /** log sum_k exp q_k(x), `[points]`. */
  readonly logSums: Tensor;
  /** Each term's share of the sum, `[points, components]`. */
  readonly weights: Tensor;
}

/** The log of the sum of a mixture's terms at each point, and each term's share of it (the responsibilities). */
export const mixtureWeights = defineKernel({
  name: 'mixtureWeights',
  summary: 'log sum_k exp q_k(x) at each point, and the share of each component: [points], [points, components].',
  shaders: ['mixture/weights'],
  cost: (x: Tensor, forms: MixtureForms) => {
    const { points, components, dimension, quadratic } = formShape(x, forms);
    return {
      flops: points * components * (3 * dimension + 4 * quadratic + 30),
      bytes: 4 * (x.size + forms.values.size + points + 3 * points * components),
    };
  },
  webgpu(gpu, x, forms): MixtureWeights {
    const { points, components, dimension, quadratic, full } = formShape(x, forms);
    const { lanes, rows } = rowWorkgroup(gpu, components);
    const result = { logSums: gpu.empty([points]), weights: gpu.empty([points, components]) };
    gpu.dispatch({
      shader: 'mixture/weights',
      conditions: { full },
      constants: { DIMENSION: dimension, QUADRATIC: quadratic, LANES: lanes, POINTS: rows },
      uniforms: { points: u32(points), components: u32(components) },
      reads: [x, forms.values],
      writes: [result.logSums, result.weights],
      workgroups: [Math.ceil(points / rows)],
    });
    return result;
  },
  reference(cpu, x, forms): MixtureWeights {
    const { points, components } = formShape(x, forms);
    const logSums = cpu.empty([points]);
    const weights = cpu.empty([points, components]);
    for (let i = 0; i < points; i++) {
      const terms = Float64Array.from({ length: components }, (_, k) => termOf(x.data, i, forms, k).value);
      const largest = terms.reduce((a, b) => Math.max(a, b));
      const sum = terms.reduce((total, value) => total + Math.exp(value - largest), 0);
      logSums.data[i] = largest + Math.log(sum);
      weights.data.set(
        terms.map((value) => Math.exp(value - largest) / sum),
        i * components,
      );
    }
    return { logSums, weights };
  },
});

/** The gradient of the log-sum at each point, times `scale`: `[points, d]`. With `bridge` forms and epsilon, the drift. */
export const mixtureGradient = defineKernel({
  name: 'mixtureGradient',
  summary: 'The gradient of the log of a mixture at each point, [points, d], from the shares of its components.',
  shaders: ['mixture/gradient'],
  cost: (x: Tensor, forms: MixtureForms, weights: Tensor, scale: number) => {
    const { points, components, dimension, quadratic } = formShape(x, forms);
    checkWeights(weights, points, components);
    if (!Number.isFinite(scale)) throw new InvalidInputError('The scale must be a number.', { field: 'scale' });
    return {
      flops: points * components * (2 * dimension + 3 * quadratic),
      bytes: 4 * (2 * x.size + forms.values.size + points * components),
    };
  },
  webgpu(gpu, x, forms, weights, scale): Tensor {
    const { points, components, dimension, quadratic, full } = formShape(x, forms);
    const result = gpu.empty([points, dimension]);
    gpu.dispatch({
      shader: 'mixture/gradient',
      conditions: { full },
      constants: { DIMENSION: dimension, QUADRATIC: quadratic },
      uniforms: { points: u32(points), components: u32(components), scale: f32(scale) },
      reads: [x, forms.values, weights],
      writes: [result],
      workgroups: [Math.ceil(result.size / 64)],
    });
    return result;
  },
  reference(cpu, x, forms, weights, scale): Tensor {
    const { points, components, dimension } = formShape(x, forms);
    const result = cpu.empty([points, dimension]);
    for (let i = 0; i < points; i++) {
      for (let k = 0; k < components; k++) {
        const share = scale * (weights.data[i * components + k] ?? 0);
        termOf(x.data, i, forms, k).slope.forEach((slope, axis) => {
          result.data[i * dimension + axis] = (result.data[i * dimension + axis] ?? 0) + share * slope;
        });
      }
    }
    return result;
  },
});

/** Means over the points of `w`, `w (x - o)` and `w (x - o)(x - o)^T` (its diagonal where S is diagonal): `[components, 1 + d + q]`. */
export const mixtureMoments = defineKernel({
  name: 'mixtureMoments',
  summary: 'Weighted moments of points about each component’s origin: [components, 1 + d + q].',
  shaders: ['mixture/moments'],
  cost: (x: Tensor, forms: MixtureForms, weights: Tensor) => {
    const { points, components, dimension, quadratic } = formShape(x, forms);
    checkWeights(weights, points, components);
    return {
      flops: points * components * (1 + 3 * dimension + 5 * quadratic),
      bytes: 4 * (x.size + forms.values.size + points * components + components * (1 + dimension + quadratic)),
    };
  },
  webgpu(gpu, x, forms, weights): Tensor {
    const { points, components, dimension, quadratic, full } = formShape(x, forms);
    const moments = gpu.empty([components, 1 + dimension + quadratic]);
    gpu.dispatch({
      shader: 'mixture/moments',
      conditions: { full },
      constants: { DIMENSION: dimension, QUADRATIC: quadratic },
      uniforms: { points: u32(points), components: u32(components) },
      reads: [x, forms.values, weights],
      writes: [moments],
      workgroups: [1 + dimension + quadratic, components],
    });
    return moments;
  },
  reference(cpu, x, forms, weights): Tensor {
    const { points, components, dimension, quadratic, full } = formShape(x, forms);
    const perComponent = 1 + dimension + quadratic;
    const moments = cpu.empty([components, perComponent]);
    for (let k = 0; k < components; k++) {
      for (let i = 0; i < points; i++) {
        const share = (weights.data[i * components + k] ?? 0) / points;
        const { offset } = termOf(x.data, i, forms, k);
        const products = full
          ? Array.from(offset).flatMap((left) => Array.from(offset, (right) => left * right))
          : Array.from(offset, (value) => value * value);
        [1, ...offset, ...products].forEach((value, at) => {
          moments.data[k * perComponent + at] = (moments.data[k * perComponent + at] ?? 0) + share * value;
        });
      }
    }
    return moments;
  },
});

/** The weighted moments that a gradient is made of. */
export interface LossMoments {
  /** Of x0, about 0, with the shares of `normalizer`. */
  readonly source: Tensor;
  /** Of x1, about the centres, with the shares of `potential`. */
  readonly target: Tensor;
}

/** The gradient of `mean log c(x0) - mean log v(x1)` in a model's parameters, of the parameters' shape. */
export const mixtureLossGradient = defineKernel({
  name: 'mixtureLossGradient',
  summary: 'The gradient of mean log c(x0) - mean log v(x1) in log weights, centres and factors.',
  shaders: ['mixture/loss_gradient'],
  cost: (model: MixtureModel, moments: LossMoments, potential: MixtureForms, epsilon: number) => {
    const { components, dimension, quadratic } = modelShape(model);
    requirePositive(epsilon, 'epsilon');
    for (const [field, { size }] of Object.entries(moments)) {
      if (size !== model.parameters.size)
        throw new InvalidInputError('The moments do not belong to this model.', { field });
    }
    return {
      flops: 6 * components * dimension * quadratic,
      bytes: 4 * (4 * model.parameters.size + potential.values.size),
    };
  },
  webgpu(gpu, model, moments, potential, epsilon): Tensor {
    const { components, dimension, quadratic, full } = modelShape(model);
    const gradient = gpu.empty(model.parameters.shape);
    gpu.dispatch({
      shader: 'mixture/loss_gradient',
      conditions: { full },
      constants: { DIMENSION: dimension, QUADRATIC: quadratic },
      uniforms: { components: u32(components), epsilon: f32(epsilon) },
      reads: [model.parameters, moments.source, moments.target, potential.values],
      writes: [gradient],
      workgroups: [Math.ceil(components / 64)],
    });
    return gradient;
  },
  reference(cpu, model, moments, _potential, epsilon): Tensor {
    const { components } = modelShape(model);
    const gradient = cpu.empty(model.parameters.shape);
    for (let k = 0; k < components; k++) {
      gradient.data.set(
        lossGradientOf(model, k, moments.source.data, moments.target.data, epsilon),
        (k * gradient.size) / components,
      );
    }
    return gradient;
  },
});
