/**
 * Cuts a dispatch into boxes of workgroups that take about a given time, from the cost model corrected by what was
 * measured. Long submits freeze the screen, cannot be cancelled, and make browsers take the GPU away.
 */
import type { Cost } from './device';

/** A box of workgroups. */
export interface WorkBox {
  readonly origin: readonly [number, number, number];
  readonly size: readonly [number, number, number];
}

export const groupCount = ({ size }: WorkBox): number => size[0] * size[1] * size[2];

/** Cuts a box in two along its longest axis. Undefined for a single workgroup. */
export function halve(box: WorkBox): readonly [WorkBox, WorkBox] | undefined {
  const { size } = box;
  return halveAxis(box, size[0] >= size[1] && size[0] >= size[2] ? 0 : size[1] >= size[2] ? 1 : 2);
}

/** Cuts a box in two along every axis that can be cut: a shader that forgets where its piece begins then shows it. */
export function halveEveryAxis(box: WorkBox): readonly WorkBox[] {
  return ([0, 1, 2] as const).reduce<readonly WorkBox[]>(
    (boxes, axis) => boxes.flatMap((part) => halveAxis(part, axis) ?? [part]),
    [box],
  );
}

function halveAxis(box: WorkBox, axis: 0 | 1 | 2): readonly [WorkBox, WorkBox] | undefined {
  const { origin, size } = box;
  const length = size[axis];
  if (length < 2) return undefined;
  const first = Math.ceil(length / 2);
  const replace = (values: WorkBox['size'], value: number): WorkBox['size'] =>
    axis === 0
      ? [value, values[1], values[2]]
      : axis === 1
        ? [values[0], value, values[2]]
        : [values[0], values[1], value];
  return [
    { origin, size: replace(size, first) },
    { origin: replace(origin, origin[axis] + first), size: replace(size, length - first) },
  ];
}

/** Whether one dispatch call may be this large. */
export function fits(box: WorkBox, maxWorkgroupsPerDimension: number): boolean {
  return box.size.every((length) => length <= maxWorkgroupsPerDimension);
}

/** First guesses, on the safe side, until something was measured. */
export interface RateGuess {
  readonly flopsPerMs: number;
  readonly bytesPerMs: number;
  /** What a dispatch costs that does nothing. */
  readonly overheadMs: number;
}

export const softwareRates: RateGuess = { flopsPerMs: 1e6, bytesPerMs: 2e6, overheadMs: 0.1 };
export const hardwareRates: RateGuess = { flopsPerMs: 2e8, bytesPerMs: 2e7, overheadMs: 0.01 };

/** Estimates how long work takes and learns from measurements, per kernel and shader. */
export class WorkEstimator {
  #guess: RateGuess;
  #corrections = new Map<string, number>();

  constructor(guess: RateGuess) {
    this.#guess = guess;
  }

  /** Whether this work was ever measured. */
  isCalibrated(key: string): boolean {
    return this.#corrections.has(key);
  }

  /** Estimated milliseconds for a part of a cost. */
  estimateMs(key: string, cost: Cost, part: number): number {
    const { flopsPerMs, bytesPerMs, overheadMs } = this.#guess;
    const work = Math.max((cost.flops * part) / flopsPerMs, (cost.bytes * part) / bytesPerMs);
    return overheadMs + work * (this.#corrections.get(key) ?? 1);
  }

  /** Learns from a submit that took `measuredMs` and had been estimated part by part. */
  learn(parts: readonly { readonly key: string; readonly estimatedMs: number }[], measuredMs: number): void {
    const total = parts.reduce((sum, { estimatedMs }) => sum + estimatedMs, 0);
    // Below about a millisecond the measurement is the latency of the queue, not of the work.
    if (total <= 0 || (measuredMs < 1 && total < 1)) return;
    const ratio = Math.min(1e4, Math.max(1e-4, measuredMs / total));
    const shares = new Map<string, number>();
    for (const { key, estimatedMs } of parts) shares.set(key, (shares.get(key) ?? 0) + estimatedMs / total);
    for (const [key, share] of shares) {
      const before = this.#corrections.get(key);
      // The first measurement counts whole; later ones are averaged in, so that one slow submit does not rule.
      const weight = (before === undefined ? 1 : 0.3) * share;
      this.#corrections.set(key, (before ?? 1) * ratio ** weight);
    }
  }
}
