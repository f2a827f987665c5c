/**
 * Holds the worker and its proxy for good (a collected proxy hangs the calls in flight), listens for its heartbeat, and
 * puts a new one in its place when it dies.
 */
import { wrap, type Remote } from 'comlink';
import { EngineError } from '../device/errors';
import { keepTypedErrors } from './comlink-errors';
import type { EngineApi } from './protocol';

/** How the worker is made and watched; every field has a default fit for pages. */
export interface WorkerHostOptions {
  /** Makes the worker. */
  readonly createWorker?: () => Worker;
  /** Time between two pings: 2,000. */
  readonly heartbeatMs?: number;
  /** Unanswered for so many heartbeats, a worker that once answered is dead: 5. */
  readonly missedBeats?: number;
  /** The same for one that has not answered yet; it may still be loading: 30. */
  readonly missedBeatsAtStart?: number;
  /** How often it may die within `deathWindowMs` before the host gives up: 3. */
  readonly maximumDeaths?: number;
  /** 120,000. */
  readonly deathWindowMs?: number;
}

/** One life of the worker. */
export interface WorkerLife {
  readonly number: number;
  readonly api: Remote<EngineApi>;
  /** Resolves, never rejects, when this worker is dead; with the reason in words. */
  readonly died: Promise<string>;
}

interface HeldLife extends WorkerLife {
  readonly worker: Worker;
  end(reason: string): void;
  answered: boolean;
  outstanding: boolean;
  missed: number;
}

keepTypedErrors();

export class WorkerHost {
  readonly #options: Required<WorkerHostOptions>;
  #life: HeldLife | undefined;
  #lives = 0;
  #deaths: number[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #patience = 1;

  constructor(options: WorkerHostOptions = {}) {
    this.#options = {
      createWorker: () =>
        new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'tessella engine' }),
      heartbeatMs: 2000,
      missedBeats: 5,
      missedBeatsAtStart: 30,
      maximumDeaths: 3,
      deathWindowMs: 120_000,
      ...options,
    };
  }

  /** The living worker; starts one where there is none. Throws `EngineError` after repeated deaths. */
  life(): WorkerLife {
    if (this.#life !== undefined) return this.#life;
    const { maximumDeaths, deathWindowMs } = this.#options;
    this.#deaths = this.#deaths.filter((time) => performance.now() - time < deathWindowMs);
    if (this.#deaths.length >= maximumDeaths) {
      throw new EngineError(
        `The engine stopped ${String(this.#deaths.length)} times in a short while: reload the page, and choose smaller sizes if it happens again.`,
        { deaths: this.#deaths.length },
      );
    }
    return this.#start();
  }

  /** The reference device computes in long stretches; a longer silence is then no death. */
  setPatience(factor: number): void {
    this.#patience = factor;
  }

  /** Stops the worker as a crash would, without telling anyone; the heartbeat finds out. */
  kill(): void {
    this.#life?.worker.terminate();
  }

  /** Stops everything for good. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#life?.end('The engine was closed.');
    this.#life = undefined;
  }

  #start(): HeldLife {
    const worker = this.#options.createWorker();
    let settle: (reason: string) => void = () => undefined;
    const died = new Promise<string>((resolve) => {
      settle = resolve;
    });
    const life: HeldLife = {
      number: ++this.#lives,
      worker,
      api: wrap<EngineApi>(worker),
      died,
      answered: false,
      outstanding: false,
      missed: 0,
      end: (reason) => {
        worker.terminate();
        settle(reason);
      },
    };
    worker.addEventListener('error', (event) => {
      // An error after the first answer is a bug that the heartbeat judges; before it, the worker never came up.
      if (!life.answered)
        this.#bury(life, `The engine's worker did not start: ${event.message || 'its script did not load'}.`);
    });
    this.#life = life;
    this.#patience = 1;
    this.#timer ??= setInterval(() => {
      this.#beat();
    }, this.#options.heartbeatMs);
    this.#ping(life);
    return life;
  }

  #beat(): void {
    const life = this.#life;
    if (life === undefined) return;
    if (!life.outstanding) {
      this.#ping(life);
      return;
    }
    life.missed += 1;
    const allowed = life.answered ? this.#options.missedBeats * this.#patience : this.#options.missedBeatsAtStart;
    // Beats are counted, not time: a laptop that slept wakes with one missed beat.
    if (life.missed >= allowed) this.#bury(life, 'The engine stopped answering.');
  }

  #ping(life: HeldLife): void {
    life.outstanding = true;
    life.missed = 0;
    void life.api.ping().then(
      () => {
        life.answered = true;
        life.outstanding = false;
      },
      () => {
        life.outstanding = false;
      },
    );
  }

  #bury(life: HeldLife, reason: string): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    this.#deaths.push(performance.now());
    clearInterval(this.#timer);
    this.#timer = undefined;
    life.end(reason);
  }
}
