/** Long work on the host that leaves the thread free now and then, so that messages to it (a cancel, a new value) arrive. */
import { throwIfAborted } from '../device/errors';

/** Milliseconds of work between two breaks. */
const turnMs = 12;

/** A function to await between pieces of work, each of a few milliseconds at most; it throws once the signal is aborted. */
export function takingTurns(signal: AbortSignal | undefined): () => Promise<void> {
  let startMs = performance.now();
  return async () => {
    if (performance.now() - startMs < turnMs) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(signal);
    startMs = performance.now();
  };
}
