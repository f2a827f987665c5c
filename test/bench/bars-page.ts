/** The page that the bars are measured on: the element as an author has it, and the engine behind it for its memory. */
import '../../src/embed';
import { EngineClient, type RunHandle } from '../../src/engine/client';
import type { ParameterValues } from '../../src/labs/parameters';

/** What the script calls in the page. All times are milliseconds. */
export interface BarsPage {
  /** The names of all labs. */
  labs(): Promise<readonly string[]>;
  /** Shows a lab and waits for its result. Returns the longest task of the main thread while it ran; 0 if none took 50 ms. */
  longestTask(lab: string): Promise<number>;
  /** From the move of a slider to the start of the new run's frames. */
  sliderLatency(lab: string, parameter: string, values: readonly number[]): Promise<readonly number[]>;
  /** From the call of `cancel` to the engine's word that the run is over. */
  cancelLatency(lab: string, values: ParameterValues, afterMs: readonly number[]): Promise<readonly number[]>;
  /** Mounts and unmounts the element so often, then says how many GPU buffers live on. */
  mountAndUnmount(lab: string, times: number): Promise<number>;
  /** Makes so many runs, one after another, then says how many GPU buffers live on. */
  runs(lab: string, values: ParameterValues, times: number): Promise<number>;
}

declare global {
  var barsPage: BarsPage;
}

const engine = EngineClient.shared();
const stage = document.querySelector('main') ?? document.body;

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function show(lab: string): HTMLElementTagNameMap['tessella-lab'] {
  const element = document.createElement('tessella-lab');
  element.setAttribute('lab', lab);
  stage.replaceChildren(element);
  return element;
}

/** Resolves when the element is in one of these states. */
async function until(element: HTMLElementTagNameMap['tessella-lab'], ...states: string[]): Promise<void> {
  while (!states.includes(element.state)) {
    if (element.state === 'failed') throw new Error(`The lab ${element.lab} failed.`);
    await new Promise((resolve) => {
      element.addEventListener('tessella-status', resolve, { once: true });
    });
  }
}

/** Waits until everything under way is over, then counts. */
async function liveBuffers(): Promise<number> {
  let count = Infinity;
  for (let attempt = 0; attempt < 50 && count > 0; attempt++) {
    await delay(200);
    count = (await engine.refreshStatus()).memory.liveBuffers;
  }
  return count;
}

function started(
  lab: string,
  values: ParameterValues,
  replaces?: RunHandle,
): { handle: RunHandle; drawing: Promise<void> } {
  const { promise, resolve } = deferred();
  const handle = engine.run(
    { lab, values, interactive: false, ...(replaces === undefined ? {} : { replaces }) },
    {
      onFrames: () => {
        resolve();
      },
    },
  );
  return { handle, drawing: Promise.race([promise, handle.ended.then(() => undefined)]) };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

globalThis.barsPage = {
  labs: async () => (await engine.catalogue()).map(({ id }) => id),

  async longestTask(lab) {
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) => {
      tasks.push(...list.getEntries().map(({ duration }) => duration));
    });
    const element = show(lab);
    await until(element, 'running', 'listening', 'finished');
    // The bar is about runs: what comes before is the page being built.
    observer.observe({ type: 'longtask', buffered: false });
    await until(element, 'listening', 'finished');
    await delay(500);
    observer.disconnect();
    return Math.max(0, ...tasks);
  },

  async sliderLatency(lab, parameter, values) {
    const element = show(lab);
    await until(element, 'running', 'listening', 'finished');
    const times: number[] = [];
    for (const value of values) {
      await delay(700);
      const from = performance.now();
      const fresh = new Promise<void>((resolve) => {
        const heard = (): void => {
          if (element.state !== 'running') return;
          element.removeEventListener('tessella-status', heard);
          resolve();
        };
        element.addEventListener('tessella-status', heard);
      });
      element.values = { [parameter]: value };
      await fresh;
      times.push(performance.now() - from);
    }
    return times;
  },

  async cancelLatency(lab, values, afterMs) {
    const times: number[] = [];
    // What another element still runs would count as this run's.
    stage.replaceChildren();
    await liveBuffers();
    for (const wait of afterMs) {
      const { handle, drawing } = started(lab, values);
      await drawing;
      await delay(wait);
      const from = performance.now();
      handle.cancel();
      await handle.ended;
      // `ended` may be the page's own word: the engine is free when it holds nothing of the run any more.
      while ((await engine.refreshStatus()).memory.liveBuffers > 0) await delay(5);
      times.push(performance.now() - from);
    }
    return times;
  },

  async mountAndUnmount(lab, times) {
    for (let index = 0; index < times; index++) {
      show(lab);
      // Some are taken away before they know their lab, some in mid-run.
      await delay((index % 8) * 25);
      stage.replaceChildren();
      await delay(index % 2 === 0 ? 0 : 70);
    }
    return liveBuffers();
  },

  async runs(lab, values, times) {
    for (let index = 0; index < times; index++) {
      const { handle } = started(lab, values);
      const outcome = await handle.ended;
      if (outcome.type !== 'finished') throw new Error(`Run ${index + 1} of ${lab} ${outcome.type}.`);
    }
    return liveBuffers();
  },
};
