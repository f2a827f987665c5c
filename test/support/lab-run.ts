/** Runs labs as the engine does, on any device, and keeps what they show. */
import type { Device } from '../../src/device';
import type { CheckedFrames, RunContext } from '../../src/labs/define';
import type { FigureDeclarations, Frames } from '../../src/labs/frames';
import type { ParameterDeclarations, ResolvedValues } from '../../src/labs/parameters';

/** Runs a lab to its end: its result, and every frame it showed. */
export async function runLab<P extends ParameterDeclarations, F extends FigureDeclarations, Result>(
  device: Device,
  lab: { run(context: RunContext<P, F>): AsyncGenerator<CheckedFrames, Result> },
  params: ResolvedValues<P>,
  nextChange: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<{ readonly result: Result; readonly shown: readonly Frames<F>[] }> {
  const session = device.session();
  const shown: Frames<F>[] = [];
  const frame = (frames: Frames<F>): CheckedFrames => {
    shown.push(frames);
    return frames as CheckedFrames;
  };
  const steps = lab.run({ device: session, params, signal: new AbortController().signal, frame, nextChange });
  try {
    let next = await steps.next();
    while (next.done !== true) next = await steps.next();
    return { result: next.value, shown };
  } finally {
    session.close();
  }
}
