/** What a mixture of experts needs around its products: choosing, limiting, placing in a padded buffer, and adding up. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import { matrixShape, type Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import type { TopK } from './top-k';

/** Which experts every token goes to. A pair is a token and one of its slots: pair = token * slots + slot. */
export interface Assignment<T extends Tensor = Tensor> {
  /** The expert of each pair, u32 `[pairs]`; the number of experts where a slot has none. */
  readonly experts: T;
  /** What the expert's output is multiplied by, f32 `[pairs]`. */
  readonly gates: T;
}

/** Options of `chooseExperts`. */
export interface ChoiceOptions {
  /** How many experts there are. */
  readonly experts: number;
  /** Keeps the fewest candidates whose weights add up to this; 1 (the default) keeps all. */
  readonly threshold?: number;
  /** Divides the gates of a token by their sum. Default false. */
  readonly normalize?: boolean;
  /** Groups that the experts are split into: row r chose among those of group r % prototypes. Default 1. */
  readonly prototypes?: number;
}

/**
 * Candidates of `topK`, weights `[rows, slots]` best first, become an assignment: as few of them as reach the threshold,
 * but at least one. Throws `InvalidInputError` for a threshold outside (0, 1] and for prototypes that do not divide the experts.
 */
export const chooseExperts = defineKernel({
  name: 'chooseExperts',
  summary: 'The fewest candidates [rows, slots] whose weights reach a threshold, with their gates: [rows * slots].',
  shaders: ['experts/choose'],
  cost(candidates: TopK, options: ChoiceOptions) {
    checkChoice(candidates, options);
    return { flops: 2 * candidates.values.size, bytes: 16 * candidates.values.size };
  },
  webgpu(gpu, { values, indices }, { experts, threshold = 1, normalize = false, prototypes = 1 }): Assignment {
    const [rows, slots] = matrixShape(values, 'candidates');
    const chosen = { experts: gpu.empty([values.size], 'u32'), gates: gpu.empty([values.size]) };
    gpu.dispatch({
      shader: 'experts/choose',
      conditions: { normalize },
      uniforms: {
        rows: u32(rows),
        slots: u32(slots),
        experts: u32(experts),
        prototypes: u32(prototypes),
        threshold: f32(reachable(threshold)),
      },
      reads: [values, indices],
      writes: [chosen.experts, chosen.gates],
      workgroups: [Math.ceil(rows / 64)],
    });
    return chosen;
  },
  reference(cpu, { values, indices }, options): Assignment {
    checkChoice({ values, indices }, options);
    const { experts, threshold = 1, normalize = false, prototypes = 1 } = options;
    const [rows, slots] = matrixShape(values, 'candidates');
    const chosen = { experts: cpu.full([values.size], experts, 'u32'), gates: cpu.full([values.size], 0) };
    for (let row = 0; row < rows; row++) {
      let [kept, total] = [0, 0];
      while (kept < slots && (kept === 0 || total < reachable(threshold))) {
        total += values.data[row * slots + kept] ?? 0;
        kept += 1;
      }
      for (let pair = row * slots; pair < row * slots + kept; pair++) {
        chosen.experts.data[pair] = (indices.data[pair] ?? 0) + (row % prototypes) * (experts / prototypes);
        chosen.gates.data[pair] = (values.data[pair] ?? 0) / (normalize ? total : 1);
      }
    }
    return chosen;
  },
});

/** Pairs sorted by expert: what `countingSort` makes of an assignment. */
export interface SortedPairs {
  readonly keys: Tensor;
  readonly permutation: Tensor;
  readonly offsets: Tensor;
}

/**
 * The experts of all pairs u32 `[pairs]` when none takes more than `capacity`: of an expert's pairs the first ones in order
 * stay, the others are dropped. Throws `InvalidInputError` for a capacity that is not a positive integer.
 */
export const limitLoads = defineKernel({
  name: 'limitLoads',
  summary: 'Drops the pairs beyond each expert’s capacity: sorted pairs become experts [pairs].',
  shaders: ['experts/limit'],
  cost(sorted: SortedPairs, capacity: number) {
    checkCapacity(capacity);
    return { flops: sorted.keys.size, bytes: 16 * sorted.keys.size };
  },
  webgpu(gpu, { keys, permutation, offsets }, capacity): Tensor {
    const out = gpu.empty([keys.size], 'u32');
    gpu.dispatch({
      shader: 'experts/limit',
      uniforms: { pairs: u32(keys.size), experts: u32(offsets.size - 1), capacity: u32(capacity) },
      reads: [keys, permutation, offsets],
      writes: [out],
      workgroups: [Math.ceil(keys.size / 64)],
    });
    return out;
  },
  reference(cpu, { keys, permutation, offsets }, capacity): Tensor {
    checkCapacity(capacity);
    const [out, experts] = [cpu.empty([keys.size], 'u32'), offsets.size - 1];
    keys.data.forEach((expert, place) => {
      const isTaken = place - (offsets.data[expert] ?? 0) < capacity;
      out.data[permutation.data[place] ?? 0] = isTaken ? expert : experts;
    });
    return out;
  },
});

/** What stands in a padded buffer, u32 `[experts * capacity]` each; 2^32 - 1 where a place stays empty. */
export interface PaddedPlaces<T extends Tensor = Tensor> {
  readonly pairs: T;
  readonly tokens: T;
}

/**
 * Gives every expert `capacity` places and says which pair and which token stands at each. Pairs beyond it have no place.
 * Throws `InvalidInputError` for a capacity or slots that are not positive integers.
 */
export const paddedPlaces = defineKernel({
  name: 'paddedPlaces',
  summary: 'The pair and the token at each place of a buffer [experts, capacity].',
  shaders: ['experts/places'],
  cost(_permutation: Tensor, offsets: Tensor, capacity: number, slots: number) {
    checkCapacity(capacity);
    checkSlots(slots);
    return { flops: 0, bytes: 12 * (offsets.size - 1) * capacity };
  },
  webgpu(gpu, permutation, offsets, capacity, slots): PaddedPlaces {
    const places = (offsets.size - 1) * capacity;
    const out = { pairs: gpu.empty([places], 'u32'), tokens: gpu.empty([places], 'u32') };
    gpu.dispatch({
      shader: 'experts/places',
      uniforms: { places: u32(places), capacity: u32(capacity), slots: u32(slots) },
      reads: [permutation, offsets],
      writes: [out.pairs, out.tokens],
      workgroups: [Math.ceil(places / 64)],
    });
    return out;
  },
  reference(cpu, permutation, offsets, capacity, slots): PaddedPlaces {
    checkCapacity(capacity);
    checkSlots(slots);
    const places = (offsets.size - 1) * capacity;
    const out = { pairs: cpu.full([places], 0xffff_ffff, 'u32'), tokens: cpu.full([places], 0xffff_ffff, 'u32') };
    for (let place = 0; place < places; place++) {
      const expert = Math.floor(place / capacity);
      const source = (offsets.data[expert] ?? 0) + (place % capacity);
      if (source >= (offsets.data[expert + 1] ?? 0)) continue;
      out.pairs.data[place] = permutation.data[source] ?? 0;
      out.tokens.data[place] = Math.floor((permutation.data[source] ?? 0) / slots);
    }
    return out;
  },
});

/**
 * Adds up the outputs of each token's experts times their gates, in the order of its slots: outputs `[pairs, width]` become
 * `[pairs / slots, width]`. Pairs of no expert are not read. Throws `InvalidInputError` for sizes that do not fit.
 */
export const combineSlots = defineKernel({
  name: 'combineSlots',
  summary: 'The gated sum of the outputs of each token’s experts: [pairs, width] becomes [tokens, width].',
  shaders: ['experts/combine'],
  cost(outputs: Tensor, assignment: Assignment, slots: number, _experts: number) {
    const { tokens, width } = combineShape(outputs, assignment, slots, slots);
    return { flops: 2 * outputs.size, bytes: 4 * (outputs.size + 2 * tokens * slots + tokens * width) };
  },
  webgpu(gpu, outputs, { experts, gates }, slots, count): Tensor {
    const { tokens, width } = combineShape(outputs, { experts, gates }, slots, slots);
    const out = gpu.empty([tokens, width]);
    gpu.dispatch({
      shader: 'experts/combine',
      uniforms: { tokens: u32(tokens), width: u32(width), slots: u32(slots), experts: u32(count) },
      reads: [outputs, experts, gates],
      writes: [out],
      workgroups: [Math.ceil(width / 32), Math.ceil(tokens / 8)],
    });
    return out;
  },
  reference(cpu, outputs, { experts, gates }, slots, count): Tensor {
    const { tokens, width } = combineShape(outputs, { experts, gates }, slots, slots);
    const out = cpu.full([tokens, width], 0);
    experts.data.forEach((expert, pair) => {
      if (expert >= count) return;
      const [row, gate] = [Math.floor(pair / slots) * width, gates.data[pair] ?? 0];
      for (let c = 0; c < width; c++)
        out.data[row + c] = (out.data[row + c] ?? 0) + gate * (outputs.data[pair * width + c] ?? 0);
    });
    return out;
  },
});

/**
 * Adds one expert's outputs for all tokens `[tokens, width]` to `sum`, in place, times the gates of the tokens that chose it.
 * Throws `InvalidInputError` for sizes that do not fit.
 */
export const addExpert = defineKernel({
  name: 'addExpert',
  summary: 'Adds the gated outputs [tokens, width] of one expert to a sum, in place.',
  shaders: ['experts/combine'],
  cost(sum: Tensor, outputs: Tensor, assignment: Assignment, slots: number, _expert: number) {
    combineShape(outputs, assignment, slots, 1);
    checkSum(sum, outputs);
    return { flops: 2 * outputs.size, bytes: 4 * (3 * outputs.size + 2 * assignment.experts.size) };
  },
  webgpu(gpu, sum, outputs, { experts, gates }, slots, expert): void {
    const { tokens, width } = combineShape(outputs, { experts, gates }, slots, 1);
    gpu.dispatch({
      shader: 'experts/combine',
      conditions: { single: true },
      uniforms: { tokens: u32(tokens), width: u32(width), slots: u32(slots), experts: u32(expert) },
      reads: [outputs, experts, gates],
      writes: [sum],
      workgroups: [Math.ceil(width / 32), Math.ceil(tokens / 8)],
    });
  },
  reference(_cpu, sum, outputs, { experts, gates }, slots, expert): void {
    checkSum(sum, outputs);
    const { width } = combineShape(outputs, { experts, gates }, slots, 1);
    experts.data.forEach((chosen, pair) => {
      if (chosen !== expert) return;
      const [row, gate] = [Math.floor(pair / slots) * width, gates.data[pair] ?? 0];
      for (let c = row; c < row + width; c++) sum.data[c] = (sum.data[c] ?? 0) + gate * (outputs.data[c] ?? 0);
    });
  },
});

/**
 * The Euclidean length of each row of x `[rows * columns, width]`, `columns` of them a row of the result: `[rows, columns]`.
 * Throws `InvalidInputError` where the rows do not divide.
 */
export const rowNorms = defineKernel({
  name: 'rowNorms',
  summary: 'The length of each row: [rows * columns, width] becomes [rows, columns].',
  shaders: ['experts/norms'],
  cost(x: Tensor, columns: number) {
    const [rows] = normsShape(x, columns);
    return { flops: 2 * x.size, bytes: 4 * (x.size + rows) };
  },
  webgpu(gpu, x, columns): Tensor {
    const [rows, width] = matrixShape(x, 'x');
    const out = gpu.empty([rows / columns, columns]);
    gpu.dispatch({
      shader: 'experts/norms',
      uniforms: { rows: u32(rows), width: u32(width) },
      reads: [x],
      writes: [out],
      workgroups: [Math.ceil(rows / 64)],
    });
    return out;
  },
  reference(cpu, x, columns): Tensor {
    const [rows, width] = normsShape(x, columns);
    const lengths = Float64Array.from({ length: rows }, (_, row) =>
      Math.hypot(...x.data.subarray(row * width, (row + 1) * width)),
    );
    return cpu.tensor(lengths, [rows / columns, columns]);
  },
});

/** Rounding must not let weights that add up to one reach a threshold of one early. */
const reachable = (threshold: number): number => (threshold === 1 ? 2 : threshold);

function checkChoice({ values, indices }: TopK, { experts, threshold = 1, prototypes = 1 }: ChoiceOptions): void {
  const [, slots] = matrixShape(values, 'candidates');
  if (indices.size !== values.size || values.type !== 'f32' || indices.type !== 'u32') {
    throw new InvalidInputError('Candidates are f32 weights and as many u32 indices: take them from topK.', {
      field: 'candidates',
    });
  }
  if (!(threshold > 0 && threshold <= 1)) {
    throw new InvalidInputError(`The threshold must be above 0 and at most 1, but is ${String(threshold)}.`, {
      field: 'threshold',
    });
  }
  const group = experts / prototypes;
  if (!Number.isInteger(experts) || experts < 1 || !Number.isInteger(group) || !Number.isInteger(prototypes)) {
    throw new InvalidInputError(
      `${String(experts)} experts cannot be split into ${String(prototypes)} prototypes of one size: take a divisor.`,
      { field: 'prototypes' },
    );
  }
  if (slots > group) throw tooManyExperts(slots, group);
}

/** More experts asked for than there are. */
export function tooManyExperts(k: number, experts: number): InvalidInputError {
  return new InvalidInputError(
    `${String(k)} experts for a token cannot be chosen of ${String(experts)}: lower k or add experts.`,
    { field: 'k', most: experts },
  );
}

function checkCapacity(capacity: number): void {
  if (Number.isInteger(capacity) && capacity >= 1) return;
  throw new InvalidInputError(`An expert's capacity must be a positive integer, but is ${String(capacity)}.`, {
    field: 'capacity',
  });
}

function checkSlots(slots: number): void {
  if (Number.isInteger(slots) && slots >= 1) return;
  throw new InvalidInputError(`slots must be a positive integer, but is ${String(slots)}.`, { field: 'slots' });
}

function checkSum(sum: Tensor, outputs: Tensor): void {
  if (sum.size === outputs.size && sum !== outputs) return;
  throw new InvalidInputError('The sum must be another tensor of as many elements as the outputs.', { field: 'sum' });
}

function normsShape(x: Tensor, columns: number): [rows: number, width: number] {
  const [rows, width] = matrixShape(x, 'x');
  if (!Number.isInteger(columns) || columns < 1 || rows % columns !== 0) {
    throw new InvalidInputError(`${String(rows)} lengths cannot be put into rows of ${String(columns)}.`, {
      field: 'columns',
    });
  }
  return [rows, width];
}

/** `perToken` is how many rows of outputs a token has. */
function combineShape(outputs: Tensor, { experts, gates }: Assignment, slots: number, perToken: number) {
  checkSlots(slots);
  const [rows, width] = matrixShape(outputs, 'outputs');
  const tokens = rows / perToken;
  if (experts.size !== tokens * slots || gates.size !== experts.size || experts.type !== 'u32') {
    throw new InvalidInputError(
      `${String(rows)} rows of outputs do not fit ${String(experts.size)} experts and ${String(gates.size)} gates in slots of ${String(slots)}.`,
      { field: 'outputs' },
    );
  }
  return { tokens, width };
}
