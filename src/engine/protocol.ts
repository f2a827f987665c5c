/** What crosses between the page and the worker: manifests, commands, and the messages of a run. All of it is plain data. */
import type { DeviceInfo, MemoryUse } from '../device/device';
import type { SerializedError } from '../device/errors';
import type { LabFamily } from '../labs/define';
import type { FigureDeclarations, Frames, StatusFrame } from '../labs/frames';
import type { Paper } from '../labs/papers';
import type { ParameterDeclarations, ParameterValues } from '../labs/parameters';

/** What the gallery needs of a lab. */
export interface LabSummary {
  readonly id: string;
  readonly title: string;
  readonly family: LabFamily;
  readonly summary: string;
  readonly papers: readonly Paper[];
  readonly claims: readonly ClaimManifest[];
}

/** Everything about a lab but its code. */
export interface LabManifest extends LabSummary {
  readonly params: ParameterDeclarations;
  readonly presets: Readonly<Record<string, { readonly label: string; readonly params: ParameterValues }>>;
  readonly quick: string;
  readonly thumbnail: { readonly preset: string; readonly figure: string };
  readonly figures: FigureDeclarations;
  readonly kernels: readonly string[];
}

export interface ClaimManifest {
  readonly id: string;
  readonly paper: Paper;
  readonly says: string;
  readonly preset: string;
  readonly quick: string;
  readonly expected: string;
  readonly unit: string | null;
}

/** What came of trying a claim. The fields are those of `npm run reproduce -- --json`. */
export interface ClaimResult {
  readonly lab: string;
  readonly id: string;
  /** The paper's title. */
  readonly paper: string;
  /** The paper's id in the project's catalogue, or null. */
  readonly catalog: string | null;
  readonly claim: string;
  readonly preset: string;
  /** Null where the run failed before there was a number. */
  readonly measured: number | null;
  readonly expected: string;
  readonly holds: boolean;
  readonly seconds: number;
  readonly adapter: string;
  readonly error: SerializedError | null;
}

/** How the engine stands. */
export interface EngineStatus {
  readonly device: DeviceInfo;
  /** Grows with every device; what belongs to an older one is stale. */
  readonly generation: number;
  readonly losses: number;
  /** Why the reference device is in use, in one line, or null on WebGPU. */
  readonly fallbackReason: string | null;
  readonly memory: MemoryUse;
}

/** Which run to start. */
export interface RunRequest {
  /** Chosen by the page; unique on it. */
  readonly runId: number;
  readonly lab: string;
  /** Validated by the worker again; missing ones take their default. */
  readonly values: ParameterValues;
  /** True if the run should wait for live changes after its result. */
  readonly interactive: boolean;
  /** A run of the same page that this one takes the place of: it is cancelled, and of several waiting the latest wins. */
  readonly replaces?: number;
}

/** From the page to a run. */
export type RunCommand =
  | { readonly type: 'acknowledge'; readonly sequence: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'step' }
  | { readonly type: 'cancel' }
  | { readonly type: 'live'; readonly values: ParameterValues };

/** From a run to the page. */
export type RunEvent =
  | {
      readonly type: 'started';
      readonly generation: number;
      readonly device: DeviceInfo;
      readonly notes: readonly string[];
    }
  | { readonly type: 'frames'; readonly sequence: number; readonly frames: Frames<FigureDeclarations> }
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly steps: number | null;
      readonly millisecondsPerStep: number;
      readonly remainingMs: number | null;
    }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  /** The result is there; the run listens for live changes. */
  | { readonly type: 'listening' }
  | { readonly type: 'finished'; readonly status: StatusFrame | null; readonly totalMs: number }
  | { readonly type: 'cancelled' }
  /** The device was lost; the run begins again by itself on a new one. */
  | { readonly type: 'restarting'; readonly reason: string }
  | { readonly type: 'failed'; readonly error: SerializedError };

/** A kernel for the Kernels tab. */
export interface KernelView {
  readonly name: string;
  readonly summary: string;
  readonly sources: readonly { readonly file: string; readonly source: string }[];
  /** What was compiled so far: the WGSL as linked, per specialisation. */
  readonly linked: readonly { readonly label: string; readonly wgsl: string }[];
  readonly timing: KernelTiming | null;
}

/** The last measurement of a kernel. */
export interface KernelTiming {
  readonly milliseconds: number;
  readonly source: 'timestamp' | 'wall';
  readonly flops: number;
  readonly bytes: number;
}

/** Commands, over Comlink. */
export interface EngineApi {
  status(): Promise<EngineStatus>;
  /** Posts an `EngineStatus` over the port now and whenever it changes. */
  watch(port: MessagePort): Promise<void>;
  catalogue(): Promise<readonly LabSummary[]>;
  /** Throws `InvalidInputError` for a lab that does not exist, naming those that do. */
  describe(lab: string): Promise<LabManifest>;
  /** Starts a run; everything else about it goes over the port (transferred). */
  start(request: RunRequest, port: MessagePort): Promise<void>;
  /** Tries one claim; progress events and the end go over the port. */
  prove(lab: string, claim: string, size: 'quick' | 'full', port: MessagePort): Promise<ClaimResult>;
  kernels(lab: string): Promise<readonly KernelView[]>;
  /** Answers at once; the page's heartbeat. */
  ping(): Promise<number>;
  /** Destroys the GPU device, as a driver reset would: for tests and the curious. */
  loseDevice(): Promise<void>;
}
