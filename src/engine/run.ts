/**
 * One run of one lab: read its data, ask for its memory, pull its generator as the page draws, and begin again on a new
 * device when this one is lost. Whatever way it ends, its session is closed.
 */
import { CancelledError, DeviceLostError, InvalidInputError, unlessAborted } from '../device/errors';
import type { AnyLab, CheckedFrames, RunContext } from '../labs/define';
import type { FigureDeclarations, StatusFrame } from '../labs/frames';
import type {
  DataChoice,
  DataKind,
  NamedTensors,
  NumericMatrix,
  ParameterDeclarations,
  Photograph,
  ResolvedValues,
} from '../labs/parameters';
import { parseParameters } from '../labs/validate';
import { checkFrames, transferables } from './frame-check';
import { checkMemory } from './preflight';
import { ProgressMeter } from './progress';
import { RunControl } from './run-control';
import type { DeviceSupervisor, Lease } from './supervisor';

/** Reads a sample or a person's file. Rejects with `InvalidInputError` or `UnsupportedError` for what cannot be read. */
export type DataReader = (
  choice: DataChoice,
  accepts: DataKind,
) => Promise<{
  readonly value: Photograph | NumericMatrix | NamedTensors | undefined;
  readonly notes: readonly string[];
}>;

/** What runs are given by the engine. */
export interface RunEnvironment {
  readonly supervisor: DeviceSupervisor;
  readonly readData: DataReader;
}

/** The memory of what a person brought. */
function buffersOf(value: Photograph | NumericMatrix | NamedTensors | undefined): readonly ArrayBufferLike[] {
  if (value === undefined) return [];
  if ('tensors' in value) return [...value.tensors.values()].map(({ values }) => values.buffer);
  return ['pixels' in value ? value.pixels.buffer : value.values.buffer];
}

/** How a run came to its end. */
export interface RunResult {
  readonly result: unknown;
  readonly status: StatusFrame | null;
  /** Wall time of the attempt that came through, without pauses. */
  readonly totalMs: number;
  readonly lease: Lease;
}

type Resolved = ResolvedValues<ParameterDeclarations>;

/** How long a cancelled lab may take to unwind before its tensors are taken away. */
const unwindMs = 20;
/** How long frames may be made without other messages being looked at. */
const turnMs = 12;

/** Runs a lab to its end. Rejects with a typed error; `CancelledError` if the control was cancelled. */
export async function executeRun(
  environment: RunEnvironment,
  lab: AnyLab,
  control: RunControl,
  interactive: boolean,
): Promise<RunResult> {
  for (;;) {
    control.cancelled.throwIfAborted();
    const lease = await environment.supervisor.acquire();
    try {
      return await new Attempt(environment, lab, control, interactive, lease).run();
    } catch (error) {
      const isLost = lease.lost.aborted || error instanceof DeviceLostError;
      if (control.cancelled.aborted || !isLost) throw error;
      // The supervisor learns of the loss from the device itself, which may be a moment later than the run did.
      await aborted(lease.lost, 2000);
      if (!lease.lost.aborted) throw error;
      control.forgetFrames();
      control.tell({ type: 'restarting', reason: 'The GPU device was lost; the run begins again on a new one.' });
    }
  }
}

class Attempt {
  readonly #environment: RunEnvironment;
  readonly #lab: AnyLab;
  readonly #control: RunControl;
  readonly #interactive: boolean;
  readonly #lease: Lease;
  readonly #abort = new AbortController();
  readonly #progress = new ProgressMeter();
  readonly #startMs = performance.now();
  #lastTaskMs = performance.now();
  #status: StatusFrame | null = null;

  constructor(environment: RunEnvironment, lab: AnyLab, control: RunControl, interactive: boolean, lease: Lease) {
    this.#environment = environment;
    this.#lab = lab;
    this.#control = control;
    this.#interactive = interactive;
    this.#lease = lease;
  }

  async run(): Promise<RunResult> {
    const signal = this.#abort.signal;
    const onCancel = (): void => {
      this.#abort.abort(new CancelledError());
    };
    const onLost = (): void => {
      this.#abort.abort(this.#lease.lost.reason);
    };
    this.#control.cancelled.addEventListener('abort', onCancel);
    this.#lease.lost.addEventListener('abort', onLost);
    const device = this.#lease.device.session(signal);
    try {
      this.#lease.lost.throwIfAborted();
      const { params, kept, notes } = await unlessAborted(this.#resolve(), signal);
      await unlessAborted(checkMemory(this.#lab, params, device), signal);
      this.#control.tell({
        type: 'started',
        generation: this.#lease.generation,
        device: this.#lease.device.info,
        notes: this.#lease.fallbackReason === null ? notes : [this.#lease.fallbackReason, ...notes],
      });
      const changes = new LiveChanges(this.#lab.params, this.#control, params);
      try {
        const generator = this.#lab.run({
          device,
          params,
          signal,
          frame: (frames) => frames as CheckedFrames,
          nextChange: () => this.#nextChange(changes, signal),
        } satisfies RunContext<ParameterDeclarations, FigureDeclarations>);
        const result = await this.#pull(generator, kept);
        return { result, status: this.#status, totalMs: this.#activeMs(), lease: this.#lease };
      } finally {
        changes.close();
      }
    } finally {
      this.#control.cancelled.removeEventListener('abort', onCancel);
      this.#lease.lost.removeEventListener('abort', onLost);
      device.close();
    }
  }

  /** Validates the values and reads the data. */
  async #resolve(): Promise<{ params: Resolved; kept: ReadonlySet<ArrayBufferLike>; notes: readonly string[] }> {
    const { values, problems } = parseParameters(this.#lab.params, this.#control.values);
    const params: Record<string, unknown> = {};
    const notes = problems.map(({ message }) => message);
    const kept = new Set<ArrayBufferLike>();
    for (const [name, declaration] of Object.entries(this.#lab.params)) {
      const value = values[name];
      if (declaration.kind !== 'data') {
        params[name] = value;
        continue;
      }
      if (typeof value !== 'object')
        throw new InvalidInputError(`${declaration.label} needs a sample or a file.`, { field: name });
      const data = await this.#environment.readData(value, declaration.accepts);
      for (const buffer of buffersOf(data.value)) kept.add(buffer);
      params[name] = data.value;
      notes.push(...data.notes);
    }
    return { params: params as unknown as Resolved, kept, notes };
  }

  async #pull(generator: AsyncGenerator<CheckedFrames, unknown>, kept: ReadonlySet<ArrayBufferLike>): Promise<unknown> {
    const signal = this.#abort.signal;
    try {
      for (let step = 1; ; step++) {
        await this.#control.turn(signal);
        await this.#giveWay();
        const { done, value } = await unlessAborted(generator.next(), signal);
        if (done === true) return value;
        checkFrames(this.#lab.figures, value, value.status?.step ?? step);
        if (value.status !== undefined) this.#status = value.status;
        this.#control.sendFrames(value, transferables(value, kept));
        const progress = this.#progress.update(value.status, this.#activeMs());
        if (progress !== null) this.#control.tell(progress);
      }
    } catch (error) {
      // The lab unwinds its scopes while its session is still open, if it does so promptly. (This waits for its step.)
      const unwound = generator.return(undefined).catch(() => undefined);
      await Promise.race([unwound, delay(unwindMs)]);
      throw error;
    }
  }

  async #nextChange(changes: LiveChanges, signal: AbortSignal): Promise<boolean> {
    if (!this.#interactive) return false;
    if (!changes.isWaiting()) this.#control.tell({ type: 'listening' });
    await unlessAborted(changes.next(), signal);
    return true;
  }

  #activeMs(): number {
    return performance.now() - this.#startMs - this.#control.pausedMs;
  }

  /** Lets messages in now and then: a lab that never waits would otherwise shut them out. */
  async #giveWay(): Promise<void> {
    if (performance.now() - this.#lastTaskMs < turnMs) return;
    await delay(0);
    this.#lastTaskMs = performance.now();
    this.#abort.signal.throwIfAborted();
  }
}

/** Puts live changes into the values that the lab reads, and knows whether there were any. */
class LiveChanges {
  #isPending = false;
  #wake: (() => void) | undefined;
  readonly #stop: () => void;

  constructor(declarations: ParameterDeclarations, control: RunControl, params: Resolved) {
    this.#stop = control.onLive((changed) => {
      Object.assign(params, RunControl.liveValues(declarations, changed));
      this.#isPending = true;
      this.#wake?.();
    });
  }

  /** True if a change is there already. */
  isWaiting(): boolean {
    return this.#isPending;
  }

  /** Resolves at the next change, or at once if there was one since the last call. */
  async next(): Promise<void> {
    if (!this.#isPending) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#isPending = false;
  }

  close(): void {
    this.#stop();
  }
}

async function aborted(signal: AbortSignal, timeoutMs: number): Promise<void> {
  if (signal.aborted) return;
  await Promise.race([
    new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    }),
    delay(timeoutMs),
  ]);
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
