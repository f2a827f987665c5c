/** How fast a run goes and how long it still takes, from the steps that its status names. */
import type { StatusFrame } from '../labs/frames';
import type { RunEvent } from './protocol';

/** Recent steps only: the first ones compile shaders and would make every estimate too long. */
const samplesKept = 32;

export class ProgressMeter {
  readonly #samples: { readonly step: number; readonly timeMs: number }[] = [];

  /** Takes a status at a time on a clock that stands still while the run is paused. Null where there is nothing to say. */
  update(status: StatusFrame | undefined, timeMs: number): Extract<RunEvent, { readonly type: 'progress' }> | null {
    if (status?.step === undefined) return null;
    const { step } = status;
    const steps = status.steps ?? null;
    const last = this.#samples.at(-1);
    // A run that begins another stage counts from the start again.
    if (last !== undefined && step < last.step) this.#samples.length = 0;
    this.#samples.push({ step, timeMs });
    if (this.#samples.length > samplesKept) this.#samples.shift();
    const first = this.#samples[0] ?? { step, timeMs };
    const millisecondsPerStep = step > first.step ? (timeMs - first.timeMs) / (step - first.step) : 0;
    const remainingMs =
      steps === null || millisecondsPerStep === 0 ? null : Math.max(0, steps - step) * millisecondsPerStep;
    return { type: 'progress', step, steps, millisecondsPerStep, remainingMs };
  }
}
