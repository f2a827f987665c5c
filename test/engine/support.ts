/** Starts runs on an engine without a worker and keeps what they say. */
import type { Remote } from 'comlink';
import type { TessellaError } from '../../src/device/errors';
import type { RunHandlers, RunInput, RunNotice } from '../../src/engine/client';
import type { Engine } from '../../src/engine/engine';
import type { EngineApi, RunRequest } from '../../src/engine/protocol';
import { RemoteRun } from '../../src/engine/remote-run';
import type { FigureDeclarations, Frames, LineFrame } from '../../src/labs/frames';

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Polls until `condition` holds; throws after `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Waited ${String(timeoutMs)} ms in vain until ${what}.`);
    await sleep(2);
  }
}

/** A run with everything that it said so far. */
export class Recorded {
  readonly frames: Frames<FigureDeclarations>[] = [];
  readonly notices: RunNotice[] = [];

  readonly handlers: RunHandlers = {
    onFrames: (frames) => {
      this.frames.push(frames);
    },
    onNotice: (notice) => {
      this.notices.push(notice);
    },
  };

  /** The y values of a line figure's frames. */
  values(figure = 'count'): number[] {
    return this.frames.flatMap((frames) => {
      const frame = frames[figure] as LineFrame | undefined;
      return typeof frame?.y === 'number' ? [frame.y] : [];
    });
  }

  kinds(): string[] {
    return this.notices.map(({ type }) => type).filter((type) => type !== 'progress');
  }

  /** The error it failed with; throws if it did not fail. */
  error(): TessellaError {
    const failed = this.notices.find((notice) => notice.type === 'failed');
    if (failed?.type !== 'failed') throw new Error(`It did not fail, but said: ${this.kinds().join(', ')}.`);
    return failed.error;
  }
}

let nextRunId = 1;

/** Starts a run on an engine in this very thread, through real ports. */
export function startRun(engine: Engine, input: RunInput, handlers: RunHandlers): RemoteRun {
  const request: RunRequest = {
    runId: nextRunId++,
    lab: input.lab,
    values: input.values,
    interactive: input.interactive ?? false,
    ...(input.replaces === undefined ? {} : { replaces: input.replaces.runId }),
  };
  const run = new RemoteRun(request, handlers);
  // The engine stands in for its proxy: the same methods, without a worker between.
  const life = { number: 1, api: engine as unknown as Remote<EngineApi>, died: new Promise<string>(() => undefined) };
  input.replaces?.cancel();
  void run.drive(() => life);
  return run;
}
