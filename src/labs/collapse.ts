/** Representations on the sphere that collapse in different ways, and what each property of a uniformity metric asks. */
import { symmetricEigen } from '../algorithms/symmetric-eigen';
import { uniformityMetrics, type UniformityMetrics } from '../algorithms/uniformity';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { Philox } from '../kernels/random';
import type { NumericMatrix } from './parameters';

/** Points one after the other. */
export interface Representations {
  readonly values: Float32Array<ArrayBuffer>;
  readonly count: number;
  readonly dimension: number;
}

/** Ways to collapse. */
export const collapseLabels = {
  dimensions: 'dimensions: some coordinates are zero',
  features: 'features: some coordinates repeat others',
  instances: 'instances: some points repeat others',
  constant: 'constant: all points draw near one',
} as const;
export type Collapse = keyof typeof collapseLabels;

/** A person's rows, or Gaussian ones, which are uniform on the sphere once scaled. Throws `InvalidInputError` for bad rows. */
export function makeRepresentations(
  file: NumericMatrix | undefined,
  count: number,
  dimension: number,
  seed: number,
): Representations {
  if (file === undefined) {
    const random = new Philox(seed);
    return { values: Float32Array.from({ length: count * dimension }, () => random.normal()), count, dimension };
  }
  if (file.rows < 2 || file.columns < 2)
    throw new InvalidInputError('Representations need two rows and two columns or more.', { field: 'representations' });
  const rows = Math.min(file.rows, count);
  return unitRows({
    values: Float32Array.from(file.values.slice(0, rows * file.columns)),
    count: rows,
    dimension: file.columns,
  });
}

/** Each row over its length; one without direction is refused when measured. */
function unitRows({ values, count, dimension }: Representations): Representations {
  const lengths = Array.from({ length: count }, (_, i) =>
    Math.hypot(...values.slice(i * dimension, (i + 1) * dimension)),
  );
  return {
    values: values.map((value, at) => value / Math.max(1e-30, lengths[Math.floor(at / dimension)] ?? NaN)),
    count,
    dimension,
  };
}

/** The same points collapsed: at level 0 as they were, at level 1 all the same (or in one dimension). */
export function collapse(points: Representations, kind: Collapse, level: number): Representations {
  const { count, dimension } = points;
  const kept = Math.max(1, Math.round((1 - level) * dimension));
  const rows = Math.max(1, Math.round((1 - level) * count));
  const source = unitRows(points).values;
  const at = (i: number, k: number): number => source[i * dimension + k] ?? NaN;
  const value = (i: number, k: number): number => {
    switch (kind) {
      case 'dimensions':
        return k < kept ? at(i, k) : 0;
      case 'features':
        return at(i, k % kept);
      case 'instances':
        return at(i % rows, k);
      case 'constant':
        return (1 - level) * at(i, k) + level * at(0, k);
      default:
        return kind satisfies never;
    }
  };
  return {
    values: source.map((_, index) => value(Math.floor(index / dimension), index % dimension)),
    count,
    dimension,
  };
}

/** Measures points on a device. */
export function measureUniformity(
  device: Device,
  { values, count, dimension }: Representations,
): Promise<UniformityMetrics> {
  return uniformityMetrics(device.tensor(values, [count, dimension]));
}

/** What is done to representations, and whether a metric of uniformity should then stay or fall. */
export const properties = {
  permutation: { label: 'points in another order', expects: 'same' },
  scaling: { label: 'points scaled by different factors', expects: 'same' },
  instances: { label: 'every point twice', expects: 'same' },
  features: { label: 'every coordinate twice', expects: 'less uniform' },
  zeros: { label: 'as many coordinates more, all zero', expects: 'less uniform' },
} as const;
export type Property = keyof typeof properties;

/** Points with one of these things done to them. */
function transform({ values, count, dimension }: Representations, property: Property): Representations {
  const at = (i: number, k: number): number => values[i * dimension + k] ?? NaN;
  const make = (rows: number, columns: number, value: (i: number, k: number) => number): Representations => ({
    values: Float32Array.from({ length: rows * columns }, (_, index) =>
      value(Math.floor(index / columns), index % columns),
    ),
    count: rows,
    dimension: columns,
  });
  switch (property) {
    case 'permutation':
      return make(count, dimension, (i, k) => at(count - 1 - i, k));
    case 'scaling':
      return make(count, dimension, (i, k) => (0.25 + (i % 7)) * at(i, k));
    case 'instances':
      return make(2 * count, dimension, (i, k) => at(i % count, k));
    case 'features':
      return make(count, 2 * dimension, (i, k) => at(i, k % dimension));
    case 'zeros':
      return make(count, 2 * dimension, (i, k) => (k < dimension ? at(i, k) : 0));
    default:
      return property satisfies never;
  }
}

/** How both metrics move under one property; positive is less uniform. */
export interface PropertyChange {
  readonly property: Property;
  readonly wasserstein: number;
  readonly potential: number;
}

/** Below this a change is rounding, in float32 on metrics of the order of one. */
const roundingChange = 2e-4;

/** Whether a change is what the property asks for. */
export function satisfies(property: Property, change: number): boolean {
  return properties[property].expects === 'same' ? Math.abs(change) <= roundingChange : change > roundingChange;
}

/** All five properties, tried on a device. */
export async function tryProperties(device: Device, points: Representations): Promise<readonly PropertyChange[]> {
  using _scope = device.scope();
  const before = await measureUniformity(device, points);
  const changes: PropertyChange[] = [];
  for (const property of ['permutation', 'scaling', 'instances', 'features', 'zeros'] as const) {
    using _inner = device.scope();
    const after = await measureUniformity(device, transform(points, property));
    changes.push({
      property,
      wasserstein: after.wasserstein - before.wasserstein,
      potential: after.potential - before.potential,
    });
  }
  return changes;
}

/** The rows of the table of properties. */
export function propertyRows(changes: readonly PropertyChange[]): Record<string, string>[] {
  const words = (property: Property, change: number): string =>
    `${change.toExponential(1)}, ${satisfies(property, change) ? 'as asked' : 'not so'}`;
  return changes.map(({ property, wasserstein, potential }) => ({
    change: properties[property].label,
    expects: properties[property].expects,
    wasserstein: words(property, wasserstein),
    potential: words(property, potential),
  }));
}

/** Eigenvalues are found on the CPU, so only of covariances of this size or less. */
const largestSpectrum = 128;

/** The rows of the table of numbers. */
export function numbersOf(metrics: UniformityMetrics, dimension: number): Record<string, string | number>[] {
  const { wasserstein, potential, covariance, residual, iterations } = metrics;
  const spectrum = dimension > largestSpectrum ? undefined : symmetricEigen(covariance, dimension).values;
  return [
    { quantity: 'Wasserstein distance, 0 to 1.41', value: wasserstein },
    { quantity: 'log of the mean potential, −4 to 0', value: potential },
    {
      quantity: 'rank of the covariance',
      value: spectrum?.filter((value) => value > 1e-6).length ?? `up to ${largestSpectrum} dimensions only`,
    },
    { quantity: 'steps of Newton and Schulz', value: iterations },
    { quantity: 'residual of the root, relative', value: residual },
  ];
}
