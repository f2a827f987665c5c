/**
 * Attention over a pyramid of scales, as visual autoregressive models use it: a token sees all tokens of its own scale and of
 * every coarser one. Exactly that takes side⁴ steps for a picture of side² pixels; with polynomial features each scale's keys are
 * added to a summary of fixed size, and it takes side² (Ke, Li, Liang, Sha, Shi, Song, 2025).
 */
import type { Device, Tensor } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { attention } from '../kernels/attention';
import { combine } from '../kernels/elementwise';
import {
  attendToSummary,
  makeFeatureMap,
  summarizeKeys,
  type KeySummary,
  type PolynomialAttentionOptions,
} from './polynomial-attention';

/** The tokens of one scale, row-major: queries and keys [count, dimension], values [count, value dimension]. */
export interface PyramidScale {
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** Scales from coarse to fine. */
export interface Pyramid {
  readonly dimension: number;
  readonly valueDimension: number;
  readonly scales: readonly PyramidScale[];
}

/** Rows of each scale. Throws `InvalidInputError` for a pyramid whose arrays do not fit. */
function rowsOf({ dimension, valueDimension, scales }: Pyramid): number[] {
  if (scales.length === 0) throw new InvalidInputError('A pyramid needs at least one scale.', { field: 'scales' });
  return scales.map(({ queries, keys, values }, at) => {
    const rows = keys.length / dimension;
    if (
      !Number.isInteger(rows) ||
      rows < 1 ||
      values.length !== rows * valueDimension ||
      queries.length % dimension !== 0
    ) {
      throw new InvalidInputError(
        `Scale ${at + 1} has ${queries.length} numbers of queries, ${keys.length} of keys and ${values.length} of values: they must be rows of ${dimension}, ${dimension} and ${valueDimension}.`,
        { field: 'scales', scale: at + 1 },
      );
    }
    return rows;
  });
}

/** Exact pyramid attention: one result [count, value dimension] for each scale. Logits are scaled by 1 / dimension. */
export function pyramidAttention(device: Device, pyramid: Pyramid): Tensor[] {
  const { dimension, valueDimension, scales } = pyramid;
  const rows = rowsOf(pyramid);
  using scope = device.scope();
  const all = (pick: (scale: PyramidScale) => Float32Array, columns: number): Tensor => {
    const parts = scales.map(pick);
    const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return device.tensor(joined, [joined.length / columns, columns]);
  };
  const [keys, values] = [all((scale) => scale.keys, dimension), all((scale) => scale.values, valueDimension)];
  let visible = 0;
  return scales.map(({ queries }, at) => {
    visible += rows[at] ?? 0;
    const placed = device.tensor(queries, [queries.length / dimension, dimension]);
    return scope.keep(attention(placed, keys, values, { scale: 1 / dimension, keyLengths: visible }));
  });
}

/** The same through polynomial features, in time linear in the tokens. */
export function polynomialPyramidAttention(
  device: Device,
  pyramid: Pyramid,
  options: Omit<PolynomialAttentionOptions, 'scale'>,
): Tensor[] {
  const { dimension, valueDimension, scales } = pyramid;
  const rows = rowsOf(pyramid);
  using scope = device.scope();
  const features = makeFeatureMap(device, dimension, options);
  let seen: KeySummary | undefined;
  return scales.map((scale, at) => {
    const count = rows[at] ?? 0;
    const own = summarizeKeys(
      features,
      device.tensor(scale.keys, [count, dimension]),
      device.tensor(scale.values, [count, valueDimension]),
    );
    seen =
      seen === undefined
        ? own
        : { values: combine(seen.values, own.values, 'add'), counts: combine(seen.counts, own.counts, 'add') };
    const queries = device.tensor(scale.queries, [scale.queries.length / dimension, dimension]);
    return scope.keep(attendToSummary(features, queries, seen));
  });
}
