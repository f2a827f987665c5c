/** What the state-space lab shows: what poles can do, a series recalled from a state, errors as it grows, a table. */
import type { Diagonalization } from '../algorithms/eigen-decomposition';
import { hippoLegS, legendreSum } from '../algorithms/hippo';
import { relativeResiduals } from '../algorithms/least-squares';
import {
  discretize,
  initialPoles,
  placeSystem,
  stateSpaceKernel,
  type DiagonalSystem,
} from '../algorithms/state-space';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { matmul } from '../kernels/matmul';
import { resolventNorms } from '../kernels/resolvent';
import type { BarsFrame, HeatmapFrame, LineFrame, ScatterFrame, TableFrame } from './frames';
import type { NumericMatrix } from './parameters';
import {
  kernelsOf,
  makeSystems,
  names,
  transferErrors,
  unit,
  type Systems,
  type TransferErrors,
} from './state-space-systems';

/** How far poles of each initialisation reach: a delayed, blurred copy of the input by the best read-out, residual by delay. */
export function delayResiduals(systems: Systems, seed: number) {
  const [states, points, horizon, width] = [systems.hippo.input.length, 512, 4, 0.1];
  const time = Array.from({ length: points }, (_, l) => ((l + 0.5) * horizon) / points);
  const delays = Array.from({ length: 12 }, (_, at) => 0.25 * (at + 1));
  const targets = delays.map((delay) => Float64Array.from(time, (t) => Math.exp(-0.5 * ((t - delay) / width) ** 2)));
  const poles = {
    [names.diagonal]: systems.diagonal.poles,
    [names.perturbed]: systems.perturbed.poles,
    'S4D-Lin': initialPoles('linear', states),
    'S4D-Inv': initialPoles('inverse', states),
    random: initialPoles('random', states, seed),
  };
  const lines = Object.entries(poles).map(([series, list]) => {
    const columns: Float64Array[] = [];
    for (let at = 0; at < list.length; at += 2) {
      const [re = NaN, im = NaN] = list.subarray(at, at + 2);
      columns.push(Float64Array.from(time, (t) => Math.exp(t * re) * Math.cos(t * im)));
      if (im !== 0) columns.push(Float64Array.from(time, (t) => Math.exp(t * re) * Math.sin(t * im)));
    }
    return { series, x: delays, y: relativeResiduals(columns, targets) };
  });
  const mean = (name: string): number => {
    const { y = [] } = lines.find(({ series }) => series === name) ?? {};
    return y.reduce((sum, value) => sum + value / y.length, 0);
  };
  return { lines, ratio: mean('random') / mean(names.diagonal) };
}

/** Poles in the complex plane. */
export function poleClouds({ hippo, ...forms }: Systems): readonly ScatterFrame[] {
  const cloud = ({ poles }: DiagonalSystem): Float32Array<ArrayBuffer> => {
    const pairs: number[] = [];
    for (let at = 0; at < poles.length; at += 2) {
      const [re = NaN, im = NaN] = poles.subarray(at, at + 2);
      pairs.push(re, im, ...(im === 0 ? [] : [re, -im]));
    }
    return Float32Array.from(pairs);
  };
  return [
    { series: 'HiPPO-LegS', points: Float32Array.from(Array.from(hippo.input, (_, i) => [-(i + 1), 0]).flat()) },
    // S4D's reach N² / pi up: what is near the others is shown.
    { series: names.diagonal, points: nearby(cloud(forms.diagonal), 3 * hippo.input.length) },
    { series: names.perturbed, points: cloud(forms.perturbed) },
  ];
}

function nearby(points: Float32Array<ArrayBuffer>, reach: number): Float32Array<ArrayBuffer> {
  return points.filter((_, at) => Math.abs(points[at | 1] ?? 0) <= reach);
}

/** log10 of the smallest singular value of z I - A for the HiPPO matrix, from -size - 2 to 4 along the real axis. */
export async function pseudospectrum(device: Device, size: number): Promise<HeatmapFrame> {
  using _scope = device.scope();
  const [rows, columns] = [40, 56];
  const places = Float32Array.from({ length: 2 * rows * columns }, (_, at) => {
    const point = at >> 1;
    return at % 2 === 0
      ? -size - 2 + ((size + 6) * (point % columns)) / (columns - 1)
      : size * (1 - (2 * Math.floor(point / columns)) / (rows - 1));
  });
  const matrix = device.tensor(Float32Array.from(hippoLegS(size).state), [size, size]);
  const norms = await resolventNorms(matrix, device.tensor(places, [rows * columns, 2]), { iterations: 8 }).read();
  return {
    rows,
    columns,
    rowRange: [size, -size],
    columnRange: [-size - 2, 4],
    values: Float32Array.from(norms, (norm) => -Math.log10(norm)),
  };
}

/** One column of a table, standardised: its last 4,096 values. Throws `InvalidInputError` for fewer than 8 or a constant. */
export function seriesOf(table: NumericMatrix | undefined, column: number) {
  if (table === undefined || table.rows < 8)
    throw new InvalidInputError(
      `A series needs at least 8 rows, and ${table?.name ?? 'no table'} has ${table?.rows ?? 0}: choose another table.`,
      { field: 'series' },
    );
  const at = Math.min(column, table.columns - 1);
  const values = Float64Array.from({ length: table.rows }, (_, row) => table.values[row * table.columns + at] ?? NaN);
  const name = table.columnNames?.[at] ?? `column ${at}`;
  const last = values.slice(-4096);
  const mean = last.reduce((sum, value) => sum + value / last.length, 0);
  const deviation = Math.sqrt(last.reduce((sum, value) => sum + (value - mean) ** 2 / last.length, 0));
  // A constant leaves the rounding of its mean.
  if (!(deviation > 1e-12 * Math.abs(mean)))
    throw new InvalidInputError(
      `${name} of ${table.name} has one value only: ${table.columns > 1 ? 'choose another column' : 'bring another table'}.`,
      { field: table.columns > 1 ? 'column' : 'series' },
    );
  const warning = `${table.name} has ${table.columns} columns: this is the last one, column ${at}.`;
  return {
    name,
    ...(at < column && { warning }),
    mean,
    deviation,
    values: last.map((value) => (value - mean) / deviation),
  };
}

/**
 * A series of 3 units of time compressed into the state that HiPPO is in at its end, and read back from it by Legendre
 * polynomials: the past, weighted exp(-age), and the relative error under that weight.
 */
export async function rememberSeries(device: Device, system: DiagonalSystem, values: Float64Array) {
  using _scope = device.scope();
  const [states, length] = [system.states, values.length];
  const step = 3 / length;
  const rows = Array.from({ length: states }, (_, at) => unit(states, at));
  const kernels = stateSpaceKernel(placeSystem(device, discretize(system, step), rows), length);
  const past = device.tensor(Float32Array.from(values).reverse(), [length, 1]);
  const coefficients = await matmul(kernels, past).read();
  const recalled = values.map((_, at) => legendreSum(coefficients, (length - 0.5 - at) * step));
  let [off, all] = [0, 0];
  for (let at = 0; at < length; at++) {
    const weight = Math.exp(-(length - 0.5 - at) * step);
    off += weight * ((recalled[at] ?? NaN) - (values[at] ?? NaN)) ** 2;
    all += weight * (values[at] ?? NaN) ** 2;
  }
  return { recalled, error: Math.sqrt(off / all) };
}

/** What is measured at one number of states. */
export interface Growth {
  readonly size: number;
  /** Worst errors of the transfer functions. */
  readonly diagonal: number;
  readonly perturbed: number;
  /** Relative errors of the kernels under zero-order hold. */
  readonly kernel: number;
  readonly perturbedKernel: number;
  /** Relative errors of what is recalled of a series. */
  readonly recalled: Readonly<Record<keyof typeof names, number>>;
}

/** Errors at one number of states, with 8 units of time for the kernels. */
async function measureGrowth(
  device: Device,
  options: {
    readonly size: number;
    readonly perturbation: number;
    readonly order: number;
    readonly step: number;
    readonly seed: number;
    readonly series: Float64Array;
  },
): Promise<Growth> {
  const { size, perturbation, order, step, seed, series } = options;
  const systems = await makeSystems(size, perturbation, seed);
  const { worst } = transferErrors(systems, order, 100);
  const { errors } = await kernelsOf(device, systems, order, step, Math.min(1024, Math.ceil(8 / step)));
  const recall = async (system: DiagonalSystem) => (await rememberSeries(device, system, series)).error;
  return {
    size,
    diagonal: worst.diagonal.error,
    perturbed: worst.perturbed.error,
    kernel: errors.diagonal,
    perturbedKernel: errors.perturbed,
    recalled: { diagonal: await recall(systems.diagonal), perturbed: await recall(systems.perturbed) },
  };
}

/** Doubles the number of states from 8 on and shows the errors; what comes of it is all that was measured. */
export async function* growStates(
  device: Device,
  params: Omit<Parameters<typeof measureGrowth>[1], 'size' | 'series'> & { readonly states: number },
  series: Float64Array,
) {
  const growth: Growth[] = [];
  for (let size = 8; size <= params.states; size *= 2) {
    const grown = await measureGrowth(device, { ...params, size, series });
    growth.push(grown);
    const [step, steps] = [Math.log2(size) - 2, Math.floor(Math.log2(params.states)) - 2];
    const status = { state: 'running', text: `N = ${size}`, step, steps } as const;
    yield { convergence: growthLines(grown), recall: recallLines(grown), status };
  }
  return growth;
}

/** A series against its rows. */
export const seriesLine = (series: string, values: Float64Array): LineFrame => {
  return { series, x: Array.from(values, (_, row) => row), y: Array.from(values) };
};

/** What was measured at a number of states, if it was. */
export const at = (growth: readonly Growth[], size: number): Growth | undefined =>
  growth.find((one) => one.size === size);

/** Points of the errors against the number of states. */
const growthLines = ({ size, diagonal, perturbed, kernel, perturbedKernel }: Growth): readonly LineFrame[] => [
  { series: `${names.diagonal}, worst frequency`, x: size, y: diagonal },
  { series: `${names.perturbed}, worst frequency`, x: size, y: perturbed },
  { series: `${names.diagonal}, kernel`, x: size, y: kernel },
  { series: `${names.perturbed}, kernel`, x: size, y: perturbedKernel },
];

/** Points of the error of what is recalled. */
const recallLines = ({ size, recalled }: Growth): readonly LineFrame[] =>
  (['diagonal', 'perturbed'] as const).map((form) => ({ series: names[form], x: size, y: recalled[form] }));

/** The two errors under noise, as bars. */
export const noiseBars = (noise: Readonly<Record<keyof typeof names, number>>): BarsFrame => ({
  bars: [
    { label: names.diagonal, value: noise.diagonal },
    { label: names.perturbed, value: noise.perturbed, highlight: true },
  ],
});

/** The rows of the table. */
export function numberRows({
  diagonal,
  perturbed,
  worst,
  kernels,
  agreement,
}: {
  readonly diagonal: Diagonalization;
  readonly perturbed: Diagonalization;
  readonly worst: TransferErrors['worst'];
  readonly kernels: Readonly<Record<keyof typeof names, number>>;
  readonly agreement: { readonly convolution: number; readonly scan: number };
}): TableFrame['rows'] {
  const forms = { diagonal, perturbed };
  return [
    ...(['diagonal', 'perturbed'] as const).flatMap((form) => [
      { quantity: `${names[form]}: condition of the eigenvectors`, value: forms[form].condition },
      { quantity: `${names[form]}: backward error of A`, value: forms[form].backwardError },
      { quantity: `${names[form]}: worst error of the transfer`, value: worst[form].error },
      { quantity: `${names[form]}: at the frequency, radians a unit`, value: worst[form].frequency },
      { quantity: `${names[form]}: error of the kernel`, value: kernels[form] },
    ]),
    { quantity: 'convolution against float64 steps', value: agreement.convolution },
    { quantity: 'scan against float64 steps', value: agreement.scan },
  ];
}
