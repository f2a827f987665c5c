/** The unbalanced lab's parts: its masses, one solution with what figures need of it, and how it is checked. */
import {
  solveUnbalanced,
  type UnbalancedOptions,
  type UnbalancedProblem,
  type UnbalancedResult,
} from '../algorithms/unbalanced';
import { openReferenceDevice } from '../device';
import type { Device } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { planPicture } from '../kernels/transport-dual';
import type { HeatmapFrame, ImageFrame, StatusFrame, TableFrame } from './frames';
import {
  gaussianMass,
  inkOf,
  massPicture,
  placesOf,
  pointMasses,
  shapeMass,
  withTotal,
  type MassGrid,
} from './mass-pictures';
import type { NumericMatrix, Photograph } from './parameters';

/** Where masses come from. */
export const kinds = {
  gaussians: 'two Gaussians on a line',
  shapes: 'shapes',
  photographs: 'photographs, as ink',
  points: 'points on a map, or painted',
} as const;
export const penalties = { 'kullback-leibler': 'Kullback-Leibler', 'total-variation': 'total variation' } as const;
export const references = { product: 'a ⊗ b', ones: '1 everywhere' } as const;

const endings = {
  converged: 'converged',
  'not-converged': 'did not converge',
  'precision-limited': 'precision-limited',
} as const satisfies Readonly<Record<UnbalancedResult['status'], string>>;

/** Source and target; the target's masses sum to `ratio` of the source's. */
export function massesOf(
  kind: keyof typeof kinds,
  size: number,
  ratio: number,
  photographs: readonly [Photograph, Photograph],
  points: readonly [NumericMatrix | undefined, NumericMatrix | undefined],
): readonly [source: MassGrid, target: MassGrid] {
  switch (kind) {
    case 'gaussians':
      return [gaussianMass(size, 0.25, 0.06), withTotal(gaussianMass(size, 0.65, 0.1), ratio)];
    case 'shapes':
      return [shapeMass('heart', size), withTotal(shapeMass('disks', size), ratio)];
    case 'photographs':
      return [inkOf(photographs[0], size), withTotal(inkOf(photographs[1], size), ratio)];
    case 'points': {
      const [source, target] = pointMasses(given(points), size, 'sourcePoints') as [MassGrid, MassGrid];
      return [source, withTotal(target, ratio)];
    }
    default:
      return kind satisfies never;
  }
}

function given(points: readonly (NumericMatrix | undefined)[]): NumericMatrix[] {
  return points.map((matrix) => {
    if (matrix !== undefined) return matrix;
    throw new InvalidInputError('There are no points: choose some for source and target, or paint them.', {
      field: 'sourcePoints',
    });
  });
}

/** The problem of two grids of mass: squared distances, the longer side is 1. */
const problemOf = (source: MassGrid, target: MassGrid): UnbalancedProblem => ({
  x: placesOf(source),
  y: placesOf(target),
  dimension: 2,
  rowMasses: source.masses,
  columnMasses: target.masses,
});

/** A solution and its pictures. */
export interface MassSolution {
  readonly result: Omit<UnbalancedResult, 'pairs' | 'potentials'>;
  /** L1 distance of P 1 from a exp(-f / rho), where Kullback-Leibler puts it. */
  readonly stationarity: number;
  readonly frames: {
    readonly masses: readonly ImageFrame[];
    readonly plan: HeatmapFrame;
    readonly numbers: TableFrame;
    readonly status: StatusFrame;
  };
}

/** Solves once, and draws it. */
export async function solveMasses(
  device: Device,
  [source, target]: readonly [MassGrid, MassGrid],
  options: UnbalancedOptions & { readonly rho: number },
): Promise<MassSolution> {
  using _scope = device.scope();
  const { pairs, potentials, ...result } = await solveUnbalanced(device, problemOf(source, target), options);
  const [rows, columns] = [potentials.rows.size, potentials.columns.size];
  const sides = [Math.min(128, rows), Math.min(128, columns)] as const;
  const values = Float32Array.from(await planPicture(pairs, potentials, options.epsilon, [...sides]).read());
  const { rho, reference } = options;
  const missing = ({ masses }: MassGrid, marginal: Float64Array): string =>
    marginal.reduce((sum, mass, i) => sum + Math.max(0, (masses[i] ?? 0) - mass), 0).toPrecision(3);
  const quantities = {
    'mass transported': result.mass,
    'transport cost ⟨P, C⟩': result.transportCost,
    'KL(P | R)': result.planDivergence,
    'rho · penalty of the source side': rho * result.rowDivergence,
    'rho · penalty of the target side': rho * result.columnDivergence,
    objective: result.objective,
    'share of the mass that one more iteration would create or destroy': result.change,
    iterations: result.iteration,
  };
  const warning =
    'The potentials still change by more than the tolerance: raise epsilon, or take the numbers with care.';
  return {
    result,
    stationarity: stationarityOf(result, source.masses, rho),
    frames: {
      masses: [
        massPicture('source', source, result.rowMarginal, `${missing(source, result.rowMarginal)} given up`),
        massPicture('target', target, result.columnMarginal, `${missing(target, result.columnMarginal)} not reached`),
      ],
      plan: { rows: sides[0], columns: sides[1], values, of: [rows, columns], pooling: 'max' },
      numbers: {
        rows: Object.entries(quantities).map(([quantity, value]) => ({ quantity, value })),
        source: `${device.info.label}; reference measure ${references[reference]}`,
      },
      status: {
        state: result.status,
        text: `${endings[result.status]} in ${String(result.iteration)} iterations, ${result.mass.toPrecision(3)} moved`,
        ...(result.status === 'converged' ? {} : { warning }),
      },
    },
  };
}

/** The same problem in float64 on the CPU: relative difference of the transported mass. */
export async function massDifference(
  device: Device,
  [source, target]: readonly [MassGrid, MassGrid],
  options: UnbalancedOptions,
  mass: number,
): Promise<number> {
  const reference = openReferenceDevice().session(device.signal);
  const truth = await solveUnbalanced(reference, problemOf(source, target), { ...options, tolerance: 1e-10 });
  reference.close();
  return Math.abs(mass / truth.mass - 1);
}

function stationarityOf(
  { rowMarginal, rowPotential }: Pick<UnbalancedResult, 'rowMarginal' | 'rowPotential'>,
  masses: Float64Array,
  rho: number,
): number {
  return rowMarginal.reduce((sum, mass, i) => {
    const given = masses[i] ?? 0;
    return sum + Math.abs(mass - (given > 0 ? given * Math.exp(-(rowPotential[i] ?? NaN) / rho) : 0));
  }, 0);
}
