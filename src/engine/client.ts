/** The page's side of the engine: commands, runs, and a worker that is put back on its feet when it falls. */
import { transfer, type Remote } from 'comlink';
import { EngineError } from '../device/errors';
import type { ParameterValues } from '../labs/parameters';
import type { ClaimResult, EngineApi, EngineStatus, KernelView, LabManifest, LabSummary, RunEvent } from './protocol';
import { RemoteRun, type RunHandle, type RunHandlers, type RunNotice } from './remote-run';
import { WorkerHost, type WorkerHostOptions, type WorkerLife } from './worker-host';

export type { RunHandle, RunHandlers, RunNotice, RunOutcome } from './remote-run';

/** Which run to start. */
export interface RunInput {
  readonly lab: string;
  /** Missing ones take their default. */
  readonly values: ParameterValues;
  /** Whether the run listens for live changes after its result: true. */
  readonly interactive?: boolean;
  /** The run that this one takes the place of. It is cancelled; of several waiting the latest wins. */
  readonly replaces?: RunHandle;
}

/** Options of `prove`. */
export interface ProveOptions {
  readonly onProgress?: (notice: RunNotice) => void;
  /** Gives the claim up; the result then carries a `CancelledError`. */
  readonly signal?: AbortSignal;
}

/** How the engine is started; tests shorten the heartbeat or bring a worker of their own. */
export type EngineClientOptions = WorkerHostOptions;

/** How much longer a silence may be where the reference device computes on the worker's own thread. */
const referencePatience = 12;

let shared: EngineClient | undefined;

/** One engine. Pages use `EngineClient.shared()`, so that all elements on a page share a worker and a device. */
export class EngineClient {
  readonly #host: WorkerHost;
  readonly #runs = new Set<RemoteRun>();
  readonly #listeners = new Set<(status: EngineStatus) => void>();
  #status: EngineStatus | undefined;
  #watched: WorkerLife | undefined;
  #nextRunId = 1;

  constructor(options: EngineClientOptions = {}) {
    this.#host = new WorkerHost(options);
  }

  /** The page's engine. Nothing is started before the first call that needs it. */
  static shared(): EngineClient {
    shared ??= new EngineClient();
    return shared;
  }

  /** Puts another engine in the shared one's place, for tests; undefined goes back to a fresh one. */
  static replaceShared(client: EngineClient | undefined): void {
    shared = client;
  }

  /** The status as last heard, or undefined before the engine has a device. */
  get status(): EngineStatus | undefined {
    return this.#status;
  }

  /** Calls `listener` with the current status, if there is one, and at every change. Returns what ends it. */
  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener);
    if (this.#status !== undefined) listener(this.#status);
    else void this.refreshStatus().catch(() => undefined);
    return () => this.#listeners.delete(listener);
  }

  /** Asks for the status; opens the device if there is none yet. */
  async refreshStatus(): Promise<EngineStatus> {
    const status = await this.#call((api) => api.status());
    this.#setStatus(status);
    return status;
  }

  /** All labs, by family and title. */
  catalogue(): Promise<readonly LabSummary[]> {
    return this.#call((api) => api.catalogue());
  }

  /** Everything about a lab but its code. Rejects with `InvalidInputError` for one that does not exist. */
  describe(lab: string): Promise<LabManifest> {
    return this.#call((api) => api.describe(lab));
  }

  /** The kernels of a lab, with sources and last timings. */
  kernels(lab: string): Promise<readonly KernelView[]> {
    return this.#call((api) => api.kernels(lab));
  }

  /** Starts a run. Never throws: what goes wrong comes as the notice `failed` and in `ended`. */
  run(input: RunInput, handlers: RunHandlers = {}): RunHandle {
    const run = new RemoteRun(
      {
        runId: this.#nextRunId++,
        lab: input.lab,
        values: input.values,
        interactive: input.interactive ?? true,
        ...(input.replaces === undefined ? {} : { replaces: input.replaces.runId }),
      },
      handlers,
    );
    input.replaces?.cancel();
    this.#runs.add(run);
    void run.ended.then(() => this.#runs.delete(run));
    void run.drive(() => this.#life());
    return run;
  }

  /** Tries a claim. Resolves whatever happens to the claim; rejects for a lab or a claim that does not exist. */
  async prove(lab: string, claim: string, size: 'quick' | 'full', options: ProveOptions = {}): Promise<ClaimResult> {
    const { onProgress, signal } = options;
    return this.#call(async (api) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<RunEvent>) => {
        if (data.type !== 'frames' && data.type !== 'failed') onProgress?.(data);
      };
      const cancel = () => {
        port1.postMessage({ type: 'cancel' });
      };
      signal?.addEventListener('abort', cancel);
      if (signal?.aborted) cancel();
      try {
        return await api.prove(lab, claim, size, transfer(port2, [port2]));
      } finally {
        signal?.removeEventListener('abort', cancel);
        port1.close();
      }
    });
  }

  /** Destroys the GPU device as a driver reset would; runs begin again on a new one. */
  loseDevice(): Promise<void> {
    return this.#call((api) => api.loseDevice());
  }

  /** Kills the worker as a crash would; the heartbeat finds out and runs begin again on a new one. */
  killWorker(): void {
    this.#host.kill();
  }

  /** Ends every run and the worker. */
  close(): void {
    for (const run of this.#runs) run.cancel();
    this.#host.close();
  }

  #life(): WorkerLife {
    const life = this.#host.life();
    if (this.#watched !== life) {
      this.#watched = life;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<EngineStatus>) => {
        if (this.#watched === life) this.#setStatus(data);
      };
      life.api.watch(transfer(port2, [port2])).catch(() => undefined);
    }
    return life;
  }

  #setStatus(status: EngineStatus): void {
    this.#status = status;
    this.#host.setPatience(status.device.kind === 'reference' ? referencePatience : 1);
    for (const listener of this.#listeners) listener(status);
  }

  /** Makes a call, and makes it once more if the worker died under it. */
  async #call<T>(make: (api: Remote<EngineApi>) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const life = this.#life();
      const death = life.died.then((reason) => ({ reason }));
      const answer = await Promise.race([make(life.api).then((value) => ({ value })), death]);
      if ('value' in answer) return answer.value;
      if (attempt >= 2) throw new EngineError(`${answer.reason} It did so twice: reload the page.`);
    }
  }
}
