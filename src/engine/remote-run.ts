/** A run as the page holds it: its port, its acknowledgements, and a second life when the worker dies under it. */
import { transfer } from 'comlink';
import { deserializeError, EngineError, serializeError, TessellaError } from '../device/errors';
import type { FigureDeclarations, Frames } from '../labs/frames';
import type { ParameterValues } from '../labs/parameters';
import type { RunCommand, RunEvent, RunRequest } from './protocol';
import type { WorkerLife } from './worker-host';

/** What a run says beside its frames. `started` comes again after `restarting`: figures begin anew at each `started`. */
export type RunNotice =
  | Exclude<RunEvent, { readonly type: 'frames' | 'failed' }>
  | { readonly type: 'failed'; readonly error: TessellaError };

/** What the page does with a run. */
export interface RunHandlers {
  /** Draws. The run goes on once this returned, or once the promise it returns settled. */
  onFrames?(frames: Frames<FigureDeclarations>): void | Promise<void>;
  onNotice?(notice: RunNotice): void;
}

/** How a run ended. */
export type RunOutcome = Extract<RunNotice, { readonly type: 'finished' | 'cancelled' | 'failed' }>;

/** A run under way. */
export interface RunHandle {
  readonly runId: number;
  readonly lab: string;
  /** Resolves when the run ended in any way; never rejects. */
  readonly ended: Promise<RunOutcome>;
  /** Stops pulling steps until `resume` or `step`. */
  pause(): void;
  resume(): void;
  /** One step, then paused again. */
  step(): void;
  /** Ends the run; no frame is drawn after this call. Safe to call twice and after the end. */
  cancel(): void;
  /** Sets live parameters; they reach the run at its next step. Others are ignored. */
  live(values: ParameterValues): void;
}

/** The handle that `EngineClient.run` gives out. */
export class RemoteRun implements RunHandle {
  readonly ended: Promise<RunOutcome>;
  #request: RunRequest;
  readonly #handlers: RunHandlers;
  #settle: (outcome: RunOutcome) => void = () => undefined;
  #port: MessagePort | undefined;
  #state: 'active' | 'cancelling' | 'ended' = 'active';
  #paused = false;

  constructor(request: RunRequest, handlers: RunHandlers) {
    this.#request = request;
    this.#handlers = handlers;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get runId(): number {
    return this.#request.runId;
  }

  get lab(): string {
    return this.#request.lab;
  }

  pause(): void {
    this.#paused = true;
    this.#send({ type: 'pause' });
  }

  resume(): void {
    this.#paused = false;
    this.#send({ type: 'resume' });
  }

  step(): void {
    this.#paused = true;
    this.#send({ type: 'step' });
  }

  cancel(): void {
    if (this.#state !== 'active') return;
    this.#state = 'cancelling';
    this.#send({ type: 'cancel' });
  }

  live(values: ParameterValues): void {
    // Kept as well, so that a restarted run begins where the sliders are.
    this.#request = { ...this.#request, values: { ...this.#request.values, ...values } };
    this.#send({ type: 'live', values });
  }

  /** Runs to the end, once more if the worker dies. Resolves when the run ended. */
  async drive(live: () => WorkerLife): Promise<void> {
    try {
      for (let lives = 1; ; lives++) {
        // Whoever cancels before the worker was asked is not made to wait for it.
        if (this.#state !== 'active') break;
        const life = live();
        const reason = await Promise.race([this.#attempt(life), life.died]);
        this.#disconnect();
        if (this.#isOver() || reason === undefined) break;
        if (lives >= 2) {
          this.#end({
            type: 'failed',
            error: new EngineError(`${reason} It did so twice in this run: choose smaller sizes.`),
          });
          return;
        }
        this.#notify({ type: 'restarting', reason: `${reason} The run begins again in a new one.` });
      }
      this.#end({ type: 'cancelled' });
    } catch (error) {
      const typed = error instanceof TessellaError ? error : deserializeError(serializeError(error));
      this.#end({ type: 'failed', error: typed });
    }
  }

  /** Starts the run on one worker; resolves when it ended there. */
  async #attempt(life: WorkerLife): Promise<undefined> {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<RunEvent>) => {
      this.#receive(data);
    };
    await life.api.start(this.#request, transfer(port2, [port2]));
    if (this.#paused) this.#send({ type: 'pause' });
    await this.ended;
    return undefined;
  }

  #receive(event: RunEvent): void {
    switch (event.type) {
      case 'frames':
        this.#draw(event);
        return;
      case 'failed':
        this.#end(
          this.#state === 'cancelling'
            ? { type: 'cancelled' }
            : { type: 'failed', error: deserializeError(event.error) },
        );
        return;
      case 'finished':
      case 'cancelled':
        this.#end(event);
        return;
      default:
        this.#notify(event);
    }
  }

  #draw({ frames, sequence }: Extract<RunEvent, { readonly type: 'frames' }>): void {
    const acknowledge = (): void => {
      this.#send({ type: 'acknowledge', sequence });
    };
    if (this.#state !== 'active') return;
    let drawn: void | Promise<void> = undefined;
    try {
      drawn = this.#handlers.onFrames?.(frames);
    } catch (error) {
      // A figure that cannot draw must not stop the run; the page hears of it.
      reportError(error);
    }
    if (drawn instanceof Promise)
      void drawn
        .catch((error: unknown) => {
          reportError(error);
        })
        .then(acknowledge);
    else acknowledge();
  }

  #notify(notice: RunNotice): void {
    if (this.#state !== 'active' && notice.type !== 'cancelled') return;
    this.#hand(notice);
  }

  #end(outcome: RunOutcome): void {
    if (this.#isOver()) return;
    const told: RunOutcome =
      this.#state === 'cancelling' && outcome.type !== 'failed' ? { type: 'cancelled' } : outcome;
    this.#state = 'ended';
    this.#disconnect();
    this.#hand(told);
    this.#settle(told);
  }

  /** A page that fails to show something must not keep the run from its end. */
  #hand(notice: RunNotice): void {
    try {
      this.#handlers.onNotice?.(notice);
    } catch (error) {
      reportError(error);
    }
  }

  #isOver(): boolean {
    return this.#state === 'ended';
  }

  #send(command: RunCommand): void {
    this.#port?.postMessage(command);
  }

  #disconnect(): void {
    this.#port?.close();
    this.#port = undefined;
  }
}
