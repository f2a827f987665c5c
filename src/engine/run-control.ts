/** The worker's end of a run's port: what the page asked for, how many frames it still has to draw, what it is told. */
import { CancelledError } from '../device/errors';
import { parseParameters } from '../labs/validate';
import type { ParameterDeclarations, ParameterValues } from '../labs/parameters';
import type { RunCommand, RunEvent } from './protocol';

/** How many frames may be under way to the page before the lab is pulled again. */
const framesInFlight = 3;

/** What a run needs of a MessagePort. */
export type RunPort = Pick<MessagePort, 'postMessage' | 'onmessage' | 'close'>;

export class RunControl {
  readonly #port: RunPort | undefined;
  readonly #sendsFrames: boolean;
  readonly #cancel = new AbortController();
  readonly #unacknowledged = new Set<number>();
  readonly #wakers = new Set<() => void>();
  readonly #liveListeners = new Set<(changed: ParameterValues) => void>();
  #sequence = 0;
  #isPaused = false;
  #stepsGranted = 0;
  #pausedSince = 0;
  #pausedMs = 0;
  #isOver = false;
  #values: ParameterValues;

  /** Without a port nobody steers the run; with `sendsFrames: false` its frames are dropped. */
  constructor(values: ParameterValues, port?: RunPort, options: { readonly sendsFrames?: boolean } = {}) {
    this.#values = values;
    this.#port = port;
    this.#sendsFrames = options.sendsFrames ?? true;
    if (port !== undefined) {
      port.onmessage = ({ data }: MessageEvent<RunCommand>) => {
        this.#obey(data);
      };
    }
  }

  /** Aborted when the page cancels. */
  get cancelled(): AbortSignal {
    return this.#cancel.signal;
  }

  /** The values as asked for, with live changes so far. */
  get values(): ParameterValues {
    return this.#values;
  }

  /** Time spent paused, in milliseconds. */
  get pausedMs(): number {
    return this.#pausedMs + (this.#isPaused ? performance.now() - this.#pausedSince : 0);
  }

  /** Cancels the run and tells the page at once. */
  cancel(): void {
    if (this.#cancel.signal.aborted) return;
    this.#cancel.abort(new CancelledError());
    this.end({ type: 'cancelled' });
  }

  /** Calls `listener` with what every live change brings, until the returned function is called. */
  onLive(listener: (changed: ParameterValues) => void): () => void {
    this.#liveListeners.add(listener);
    return () => this.#liveListeners.delete(listener);
  }

  /** Resolves when the lab may be pulled: few frames are unacknowledged, and the run is not paused. Rejects on abort. */
  async turn(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#unacknowledged.size < framesInFlight) {
        if (!this.#isPaused) return;
        if (this.#stepsGranted > 0) {
          this.#stepsGranted -= 1;
          return;
        }
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wakers.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wakers.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  /** Sends frames; their buffers belong to the page from here on. */
  sendFrames(frames: Extract<RunEvent, { readonly type: 'frames' }>['frames'], buffers: readonly ArrayBuffer[]): void {
    if (this.#port === undefined || !this.#sendsFrames || this.#isOver) return;
    const sequence = ++this.#sequence;
    this.#unacknowledged.add(sequence);
    this.#port.postMessage({ type: 'frames', sequence, frames } satisfies RunEvent, [...buffers]);
  }

  /** Says something about the run. Nothing is said after its end. */
  tell(event: Exclude<RunEvent, { readonly type: 'frames' }>): void {
    if (!this.#isOver) this.#port?.postMessage(event satisfies RunEvent);
  }

  /** The last word. */
  end(event: Extract<RunEvent, { readonly type: 'finished' | 'cancelled' | 'failed' }>): void {
    this.tell(event);
    this.#isOver = true;
  }

  /** Sets the values of the next run that this control steers. */
  reset(values: ParameterValues): void {
    this.#values = values;
  }

  /** Forgets the frames of an attempt that was given up. */
  forgetFrames(): void {
    this.#unacknowledged.clear();
    this.#wake();
  }

  /** Takes the live parameters among `values`, made valid; the rest of a patch is ignored. */
  static liveValues(declarations: ParameterDeclarations, values: ParameterValues): ParameterValues {
    const live = Object.fromEntries(
      Object.entries(declarations).filter(([, { live, kind }]) => live === true && kind !== 'data'),
    );
    const given = Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(live, name)));
    const parsed = parseParameters(live, given, given).values;
    return Object.fromEntries(Object.entries(parsed).filter(([name]) => Object.hasOwn(given, name)));
  }

  #obey(command: RunCommand): void {
    switch (command.type) {
      case 'acknowledge':
        this.#unacknowledged.delete(command.sequence);
        break;
      case 'pause':
        this.#pause();
        break;
      case 'resume':
        if (!this.#isPaused) break;
        this.#pausedMs += performance.now() - this.#pausedSince;
        this.#isPaused = false;
        this.#stepsGranted = 0;
        this.tell({ type: 'resumed' });
        break;
      case 'step':
        this.#pause();
        this.#stepsGranted += 1;
        break;
      case 'live':
        this.#values = { ...this.#values, ...command.values };
        for (const listener of this.#liveListeners) listener(command.values);
        break;
      case 'cancel':
        this.cancel();
        break;
      default:
        command satisfies never;
    }
    this.#wake();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#pausedSince = performance.now();
    this.tell({ type: 'paused' });
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }
}
