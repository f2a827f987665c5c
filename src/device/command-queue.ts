/**
 * The recorded commands of one session and their way to the GPU: compile what is missing, cut by cost, submit about
 * 50 ms at a time with the signal looked at in between, learn from how long it took, name the kernel that failed.
 */
import type { PooledBuffer } from './buffer-pool';
import type { Cost } from './device';
import { CancelledError, ShaderError, throwIfAborted, unlessAborted } from './errors';
import { slotsPerSubmit, type BoundBuffer, type GpuContext } from './gpu-context';
import type { CompiledPipeline, PipelineRequest } from './pipelines';
import { packUniforms, uniformSizeBytes, type Uniforms } from './uniforms';
import { fits, groupCount, halve, halveEveryAxis, type WorkBox } from './work-cutter';

const submitBudgetMs = 50;
/** A kernel that was never measured starts with a small piece. */
const firstPieceBudgetMs = 10;

/** A recorded dispatch. */
export interface DispatchCommand {
  readonly kernel: string;
  readonly pipeline: PipelineRequest;
  readonly buffers: readonly BoundBuffer[];
  readonly uniforms: Uniforms;
  readonly workgroups: readonly [number, number, number];
  readonly cost: Cost;
}

type Command =
  | { readonly type: 'dispatch'; readonly dispatch: DispatchCommand; readonly compiled: Promise<CompiledPipeline> }
  | { readonly type: 'upload'; readonly to: PooledBuffer; readonly data: ArrayBufferView<ArrayBuffer> }
  | { readonly type: 'clear'; readonly to: PooledBuffer; readonly sizeBytes: number }
  | { readonly type: 'copy'; readonly from: PooledBuffer; readonly to: PooledBuffer; readonly sizeBytes: number };

/** GPU time of what a timed flush ran. */
export interface TimedSubmits {
  /** Sum over the submits, from GPU timestamps; values that the browser reported as zero or less are left out. */
  readonly milliseconds: number;
  /** How many submits reported nothing usable. */
  readonly dropped: number;
}

interface Piece {
  readonly dispatch: DispatchCommand;
  readonly compiled: CompiledPipeline;
  readonly box: WorkBox;
  readonly key: string;
  readonly estimatedMs: number;
}

/** A submit under construction. */
class Batch {
  readonly pieces: Piece[] = [];
  readonly copies: ((encoder: GPUCommandEncoder) => void)[] = [];
  estimatedMs = 0;
}

/** Records and runs the commands of one session, in order. */
export class CommandQueue {
  #context: GpuContext;
  #signal: AbortSignal | undefined;
  #recorded: Command[] = [];
  #released: PooledBuffer[] = [];
  #tail: Promise<unknown> = Promise.resolve();
  /** How many flushes and reads are under way. */
  #pending = 0;
  #closed = false;
  #lastDoneMs = 0;

  constructor(context: GpuContext, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#signal = signal;
  }

  dispatch(dispatch: DispatchCommand): void {
    const compiled = this.#context.pipelines.get(dispatch.pipeline);
    compiled.catch(() => undefined);
    this.#recorded.push({ type: 'dispatch', dispatch, compiled });
  }

  upload(to: PooledBuffer, data: ArrayBufferView<ArrayBuffer>): void {
    this.#recorded.push({ type: 'upload', to, data });
  }

  clear(to: PooledBuffer, sizeBytes: number): void {
    this.#recorded.push({ type: 'clear', to, sizeBytes });
  }

  copy(from: PooledBuffer, to: PooledBuffer, sizeBytes: number): void {
    this.#recorded.push({ type: 'copy', from, to, sizeBytes });
  }

  /** Gives a buffer back to the pool once everything recorded so far has been submitted. */
  releaseWhenSubmitted(pooled: PooledBuffer): void {
    if (this.#recorded.length === 0 && this.#pending === 0) this.#context.pool.give(pooled);
    else this.#released.push(pooled);
  }

  /** Submits what is recorded; resolves when all of it is submitted and none of it failed validation. */
  flush(): Promise<void> {
    return this.#enqueue(async (commands) => {
      await this.#run(commands, false);
    });
  }

  /** Submits what is recorded and waits for the GPU. */
  finish(): Promise<void> {
    return this.#enqueue(async (commands) => {
      await this.#run(commands, false);
      await this.#context.guard(this.#context.gpu.queue.onSubmittedWorkDone());
    });
  }

  /** Submits what is recorded with a timestamp at both ends of every submit. */
  flushTimed(): Promise<TimedSubmits | undefined> {
    return this.#enqueue(async (commands) => {
      const isTimed = this.#context.gpu.features.has('timestamp-query');
      const durations = await this.#run(commands, isTimed);
      if (!isTimed) return undefined;
      const usable = durations.filter((milliseconds) => milliseconds > 0);
      return {
        milliseconds: usable.reduce((sum, milliseconds) => sum + milliseconds, 0),
        dropped: durations.length - usable.length,
      };
    });
  }

  /** Submits what is recorded and copies a buffer's first bytes to the host. */
  read(pooled: PooledBuffer, sizeBytes: number): Promise<ArrayBuffer> {
    return this.#enqueue(async (commands) => {
      await this.#run(commands, false);
      const { gpu } = this.#context;
      const staging = gpu.createBuffer({
        label: 'read-back',
        size: sizeBytes,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      try {
        const encoder = gpu.createCommandEncoder();
        encoder.copyBufferToBuffer(pooled.buffer, 0, staging, 0, sizeBytes);
        gpu.queue.submit([encoder.finish()]);
        await this.#context.guard(staging.mapAsync(GPUMapMode.READ));
        throwIfAborted(this.#signal);
        return staging.getMappedRange().slice(0);
      } finally {
        staging.destroy();
      }
    });
  }

  /** Drops what is recorded and gives every released buffer back. */
  close(): void {
    this.#closed = true;
    this.#recorded = [];
    const released = this.#released;
    this.#released = [];
    // Work that is being submitted right now still names these buffers: they go back behind it (the tail never rejects).
    void this.#tail.then(() => {
      this.#give(released);
    });
  }

  #give(released: readonly PooledBuffer[]): void {
    for (const pooled of released) this.#context.pool.give(pooled);
  }

  #enqueue<T>(work: (commands: readonly Command[]) => Promise<T>): Promise<T> {
    const commands = this.#recorded;
    const released = this.#released;
    this.#recorded = [];
    this.#released = [];
    this.#pending += 1;
    const result = this.#tail.then(async () => {
      try {
        return await work(commands);
      } finally {
        this.#pending -= 1;
        this.#give(released);
      }
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #check(): void {
    throwIfAborted(this.#signal);
    if (this.#closed) throw new CancelledError();
    this.#context.throwIfLost();
  }

  async #run(commands: readonly Command[], isTimed: boolean): Promise<number[]> {
    this.#check();
    const { gpu, pool } = this.#context;
    await this.#context.guard(pool.check());
    const durations: Promise<number | undefined>[] = [];
    const failures: Promise<void>[] = [];
    let batch = new Batch();
    const submit = async (): Promise<void> => {
      if (batch.pieces.length === 0 && batch.copies.length === 0) return;
      const full = batch;
      batch = new Batch();
      await this.#context.slot();
      try {
        this.#check();
      } catch (cause) {
        this.#context.release();
        throw cause;
      }
      const { failed, duration } = this.#submit(full, isTimed);
      failures.push(failed);
      durations.push(duration);
      failed.catch(() => undefined);
      duration.catch(() => undefined);
    };

    for (const command of commands) {
      switch (command.type) {
        case 'upload':
          await submit();
          gpu.queue.writeBuffer(command.to.buffer, 0, command.data);
          break;
        case 'clear':
          await submit();
          batch.copies.push((encoder) => {
            encoder.clearBuffer(command.to.buffer, 0, command.sizeBytes);
          });
          break;
        case 'copy':
          await submit();
          batch.copies.push((encoder) => {
            encoder.copyBufferToBuffer(command.from.buffer, 0, command.to.buffer, 0, command.sizeBytes);
          });
          break;
        case 'dispatch':
          await this.#cut(
            command.dispatch,
            // Compiling takes a second on some adapters; a cancelled run does not wait for it.
            await this.#context.guard(unlessAborted(command.compiled, this.#signal)),
            () => batch,
            submit,
            durations,
          );
          break;
        default:
          command satisfies never;
      }
    }
    await submit();
    await this.#context.guard(Promise.all(failures));
    if (!isTimed) return [];
    return (await this.#context.guard(Promise.all(durations))).filter((duration) => duration !== undefined);
  }

  /** Puts a dispatch into submits, in pieces that take about the budget each. */
  async #cut(
    dispatch: DispatchCommand,
    compiled: CompiledPipeline,
    current: () => Batch,
    submit: () => Promise<void>,
    submitted: readonly Promise<unknown>[],
  ): Promise<void> {
    const { estimator, info } = this.#context;
    this.#context.remember(dispatch.kernel, compiled);
    const key = `${dispatch.kernel} ${compiled.label}`;
    const whole: WorkBox = { origin: [0, 0, 0], size: dispatch.workgroups };
    const wholeCount = groupCount(whole);
    const maxWorkgroups = info.limits.maxComputeWorkgroupsPerDimension ?? 65_535;
    const boxes = this.#context.cutsEverything ? [...halveEveryAxis(whole)] : [whole];
    for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
      const isNew = !estimator.isCalibrated(key);
      const budgetMs = isNew ? firstPieceBudgetMs : submitBudgetMs;
      const estimatedMs = estimator.estimateMs(key, dispatch.cost, groupCount(box) / wholeCount);
      const halves = estimatedMs > budgetMs || !fits(box, maxWorkgroups) ? halve(box) : undefined;
      if (halves !== undefined) {
        boxes.push(halves[1], halves[0]);
        continue;
      }
      const batch = current();
      if (
        batch.copies.length > 0 ||
        batch.estimatedMs + estimatedMs > submitBudgetMs ||
        batch.pieces.length >= slotsPerSubmit
      )
        await submit();
      const target = current();
      target.pieces.push({ dispatch, compiled, box, key, estimatedMs });
      target.estimatedMs += estimatedMs;
      if (isNew && boxes.length > 0) {
        // The guess may be far off: measure this piece before cutting the rest.
        await submit();
        await this.#context.guard(submitted.at(-1) ?? Promise.resolve());
      }
    }
  }

  #submit(batch: Batch, isTimed: boolean): { failed: Promise<void>; duration: Promise<number | undefined> } {
    const { gpu } = this.#context;
    gpu.pushErrorScope('validation');
    const encoder = gpu.createCommandEncoder();
    for (const copy of batch.copies) copy(encoder);
    const timer = isTimed && batch.pieces.length > 0 ? new SubmitTimer(gpu) : undefined;
    if (batch.pieces.length > 0) this.#encode(batch.pieces, encoder, timer);
    timer?.resolve(encoder);
    const startMs = performance.now();
    gpu.queue.submit([encoder.finish()]);
    const failed = this.#context.guard(gpu.popErrorScope()).then((error) => {
      if (error === null) return;
      const names = [...new Set(batch.pieces.map(({ dispatch }) => dispatch.kernel))].join(', ');
      throw new ShaderError(`The GPU refused the work of ${names || 'a copy'}: ${error.message}`, { kernel: names });
    });
    const done = this.#context.guard(gpu.queue.onSubmittedWorkDone());
    const duration = done.then(
      async () => {
        const doneMs = performance.now();
        this.#context.release();
        this.#learn(batch, doneMs - Math.max(startMs, this.#lastDoneMs));
        this.#lastDoneMs = doneMs;
        return timer?.milliseconds();
      },
      (cause: unknown) => {
        this.#context.release();
        throw cause;
      },
    );
    return { failed, duration };
  }

  #encode(pieces: readonly Piece[], encoder: GPUCommandEncoder, timer: SubmitTimer | undefined): void {
    const { gpu, uniforms, uniformBytes } = this.#context;
    const view = new DataView(uniformBytes);
    const pass = encoder.beginComputePass(timer === undefined ? {} : { timestampWrites: timer.writes });
    pieces.forEach(({ dispatch, compiled, box }, slot) => {
      packUniforms(view, 256 * slot, box.origin, dispatch.uniforms);
      pass.setPipeline(compiled.pipeline);
      pass.setBindGroup(0, this.#context.bindGroup(compiled, dispatch.buffers, uniformSizeBytes(dispatch.uniforms)), [
        256 * slot,
      ]);
      pass.dispatchWorkgroups(...box.size);
    });
    pass.end();
    gpu.queue.writeBuffer(uniforms, 0, uniformBytes, 0, 256 * pieces.length);
  }

  #learn({ pieces }: Batch, measuredMs: number): void {
    if (pieces.length === 0) return;
    this.#context.estimator.learn(pieces, measuredMs);
    const kernels = new Set(pieces.map(({ dispatch }) => dispatch.kernel));
    const [kernel] = kernels;
    const last = pieces.at(-1);
    if (kernels.size !== 1 || kernel === undefined || last === undefined) return;
    const flops = pieces.reduce(
      (sum, { dispatch, box }) => sum + (dispatch.cost.flops * groupCount(box)) / product(dispatch.workgroups),
      0,
    );
    const bytes = pieces.reduce(
      (sum, { dispatch, box }) => sum + (dispatch.cost.bytes * groupCount(box)) / product(dispatch.workgroups),
      0,
    );
    this.#context.timings.set(kernel, { milliseconds: measuredMs, source: 'wall', cost: { flops, bytes } });
  }
}

function product([x, y, z]: readonly [number, number, number]): number {
  return x * y * z;
}

/** Two timestamps around one submit's compute pass. */
class SubmitTimer {
  readonly writes: GPUComputePassTimestampWrites;
  #querySet: GPUQuerySet;
  #resolved: GPUBuffer;
  #staging: GPUBuffer;

  constructor(gpu: GPUDevice) {
    this.#querySet = gpu.createQuerySet({ type: 'timestamp', count: 2 });
    this.#resolved = gpu.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#staging = gpu.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    this.writes = { querySet: this.#querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#querySet, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16);
  }

  /** What passed between the two; zero or negative where the browser reports nonsense. */
  async milliseconds(): Promise<number> {
    try {
      await this.#staging.mapAsync(GPUMapMode.READ);
      const [begin = 0n, end = 0n] = new BigInt64Array(this.#staging.getMappedRange());
      return Number(end - begin) / 1e6;
    } finally {
      this.#querySet.destroy();
      this.#resolved.destroy();
      this.#staging.destroy();
    }
  }
}
