/** What the gradient flow lab says about a flow: its numbers as a table, and divergences that are known beforehand. */
import { sinkhornDivergence, type FlowStep } from '../algorithms/sinkhorn-divergence';
import type { Device } from '../device/device';
import { spreadOf } from './point-shapes';

/** The last step of each flow. */
export interface FlowEnds {
  debiased?: FlowStep;
  biased?: FlowStep;
}

/** Rows for the table; spreads are divided by that of the target. */
export function flowRows({ debiased, biased }: FlowEnds, targetSpread: number): Record<string, string | number>[] {
  const row = (quantity: string, value: (step: FlowStep) => number) => ({
    quantity,
    debiased: debiased ? value(debiased) : '',
    biased: biased ? value(biased) : '',
  });
  return [
    row('Sinkhorn divergence to the target', (step) => step.divergence),
    row('transport cost <P, C> to the target', (step) => step.transportCost),
    row('spread, relative to the target', (step) => spreadOf(step.x) / targetSpread),
    row('speed, root mean square', (step) => step.speed),
  ];
}

const shift = [0.3, -0.2] as const;

/**
 * Two divergences that are known: of a cloud from itself, which is 0 (`self`, relative to its transport cost), and from a copy
 * shifted by t, which is |t|^2 for every epsilon (`shifted`, the relative error).
 */
export async function knownDivergences(
  device: Device,
  x: Float64Array,
  epsilon: number,
): Promise<{ readonly self: number; readonly shifted: number }> {
  const options = { epsilon, maximumIterations: 2000, scaling: 0.5 };
  const self = await sinkhornDivergence(device, { x, y: x, dimension: 2 }, options);
  const moved = x.map((value, at) => value + (shift[at % 2] ?? 0));
  const { divergence } = await sinkhornDivergence(device, { x, y: moved, dimension: 2 }, options);
  return {
    self: Math.abs(self.divergence) / self.transportCost,
    shifted: Math.abs(divergence / (shift[0] ** 2 + shift[1] ** 2) - 1),
  };
}
