/** An engine for the tests of elements: it answers at once, and the test decides what its runs do. */
import { InvalidInputError } from '../../src/device/errors';
import type { ProveOptions, RunHandle, RunHandlers, RunInput, RunOutcome } from '../../src/engine/client';
import type { ClaimResult, EngineStatus, LabManifest } from '../../src/engine/protocol';
import type { LabEngine } from '../../src/elements/lab-session';
import type { FigureDeclarations, Frames } from '../../src/labs/frames';
import type { ParameterValues } from '../../src/labs/parameters';

/** A run that only records what it was told. */
export class FakeRun implements RunHandle {
  readonly lab: string;
  readonly calls: string[] = [];
  readonly liveValues: ParameterValues[] = [];
  readonly ended = new Promise<RunOutcome>(() => undefined);

  constructor(
    readonly runId: number,
    readonly input: RunInput,
    readonly handlers: RunHandlers,
  ) {
    this.lab = input.lab;
  }

  get values(): ParameterValues {
    return this.input.values;
  }
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
  step(): void {
    this.calls.push('step');
  }
  cancel(): void {
    this.calls.push('cancel');
  }
  live(values: ParameterValues): void {
    this.liveValues.push(values);
  }
  /** A status alone. */
  say(text: string): void {
    void this.handlers.onFrames?.({ status: { state: 'running', text } } as unknown as Frames<FigureDeclarations>);
  }

  /** One step: a frame with an error and a status. */
  frame(text: string): void | Promise<void> {
    const frames = { error: { series: 'a', x: 1, y: 0.5 }, status: { state: 'running', text } };
    return this.handlers.onFrames?.(frames as unknown as Frames<FigureDeclarations>);
  }
  finish(state: 'converged' | 'precision-limited' = 'converged', warning?: string): void {
    const status = { state, text: 'iteration 9', ...(warning === undefined ? {} : { warning }) };
    this.handlers.onNotice?.({ type: 'finished', status, totalMs: 120 });
  }
}

/** Knows one lab. */
export class FakeEngine implements LabEngine {
  readonly runs: FakeRun[] = [];
  proofs: { readonly lab: string; readonly claim: string; readonly size: string; readonly options: ProveOptions }[] =
    [];
  answer = new Promise<ClaimResult>(() => undefined);

  constructor(
    readonly manifest: LabManifest,
    readonly device: Partial<EngineStatus['device']> = {},
  ) {}

  get lastRun(): FakeRun {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error('no run was started');
    return run;
  }

  catalogue(): ReturnType<LabEngine['catalogue']> {
    return Promise.resolve([this.manifest]);
  }

  describe(lab: string): Promise<LabManifest> {
    if (lab === this.manifest.id) return Promise.resolve(this.manifest);
    return Promise.reject(new InvalidInputError(`There is no lab "${lab}"; there are: ${this.manifest.id}.`));
  }

  refreshStatus(): Promise<EngineStatus> {
    return Promise.resolve({
      device: {
        kind: 'webgpu',
        label: 'Fake GPU',
        vendor: 'fake',
        architecture: 'fake',
        isFallback: false,
        features: [],
        limits: {},
        subgroupSizes: null,
        ...this.device,
      },
      generation: 1,
      losses: 0,
      fallbackReason: this.device.kind === 'reference' ? 'This browser has no WebGPU' : null,
      memory: { liveBuffers: 0, liveBytes: 0, pooledBytes: 0, budgetBytes: 1e9, largestTensorBytes: 1e8 },
    });
  }

  run(input: RunInput, handlers: RunHandlers = {}): RunHandle {
    input.replaces?.cancel();
    const run = new FakeRun(this.runs.length, input, handlers);
    this.runs.push(run);
    return run;
  }

  prove(lab: string, claim: string, size: 'quick' | 'full', options: ProveOptions = {}): Promise<ClaimResult> {
    this.proofs.push({ lab, claim, size, options });
    return this.answer;
  }
}
