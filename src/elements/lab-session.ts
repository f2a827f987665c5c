/**
 * One lab on one element, without any DOM: its manifest, its values, its run, and what there is to say about them.
 * A change of a live parameter reaches the run under way; any other starts it anew, the latest wins.
 */
import { serializeError, type SerializedError, type TessellaError } from '../device/errors';
import type { EngineClient, RunHandle, RunNotice } from '../engine/client';
import type { EngineStatus, LabManifest } from '../engine/protocol';
import type { FigureDeclarations, Frames, StatusFrame } from '../labs/frames';
import type { ParameterValues } from '../labs/parameters';
import { differences, sameValue } from '../share/attributes';
import { parseRaw, presetValues, resolvePermalink, resolveSetting, type PermalinkText } from '../share/permalink';
import { isActive, type LabState, type RunProgress, type RunStanding } from './run-words';

/** What the elements use of the engine; tests bring one of their own. */
export type LabEngine = Pick<EngineClient, 'catalogue' | 'describe' | 'refreshStatus' | 'run' | 'prove'>;

/** What the element does when something happened. */
export interface SessionHandlers {
  /** Something on show changed. */
  changed(): void;
  /** Draws; `fresh` is true for the first frames of a run. */
  draw(frames: Frames<FigureDeclarations>, fresh: boolean): void | Promise<void>;
  /** The run reached its result. */
  result(): void;
  /** Calls back before the next paint. */
  soon(callback: () => void): void;
}

/** What a person or an author asked for before the lab was known. */
export interface Wishes {
  readonly preset: string | null;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly link: PermalinkText | null;
  readonly problems: readonly string[];
}

const noValues: ParameterValues = {};

/** The lab behind an element. Not reused: another lab is another session. */
export class LabSession implements RunStanding {
  manifest: LabManifest | null = null;
  engineStatus: EngineStatus | null = null;
  state: LabState = 'loading';
  preset: string | null = null;
  values: ParameterValues = noValues;
  /** What fields go back to: the values of the preset. */
  initial: ParameterValues = noValues;
  status: StatusFrame | null = null;
  progress: RunProgress | null = null;
  totalMs: number | null = null;
  error: SerializedError | null = null;
  /** What was clamped, refused or chosen on the way in; and what the run itself said at its start. */
  notes: readonly string[] = [];
  runNotes: readonly string[] = [];
  /** What a run had to say about single parameters. */
  problems: Readonly<Record<string, string>> = {};
  /** True once a person changed anything; then the page's address follows. */
  touched = false;

  private handle: RunHandle | null = null;
  private runValues: ParameterValues = noValues;
  /** The values of the last run that drew something, or was replaced before it failed: what a refused file goes back to. */
  private goodValues: ParameterValues = noValues;
  private drawn = false;
  private scheduled = false;
  private suspended = false;
  private disposed = false;

  constructor(
    private readonly engine: LabEngine,
    private readonly handlers: SessionHandlers,
  ) {}

  /** Learns about the lab and settles the start values. Resolves to false if that failed; `error` says why. */
  async load(lab: string, wishes: (manifest: LabManifest) => Wishes): Promise<boolean> {
    this.update({ state: 'loading', error: null });
    try {
      const [manifest, status] = await Promise.all([this.engine.describe(lab), this.engine.refreshStatus()]);
      if (this.disposed) return false;
      this.manifest = manifest;
      this.engineStatus = status;
      this.settle(manifest, status, wishes(manifest));
      this.update({ state: 'idle' });
      return true;
    } catch (error) {
      if (!this.disposed) this.update({ state: 'failed', error: serializeError(error) });
      return false;
    }
  }

  /** Shows what another session of the same lab knew, until this one has loaded. */
  follow({ manifest, values, initial, preset }: LabSession): void {
    Object.assign(this, { manifest, values, initial, preset });
  }

  private settle(manifest: LabManifest, status: EngineStatus, wishes: Wishes): void {
    const small = status.device.kind === 'reference' || status.device.isFallback;
    const asked = wishes.link?.preset ?? wishes.preset;
    const preset = small && (wishes.link?.preset ?? null) === null ? manifest.quick : asked;
    const first = resolveSetting(manifest, preset, wishes.raw);
    const linked =
      wishes.link === null ? null : resolvePermalink({ ...wishes.link, preset: null }, manifest, first.values);
    const problems = [...wishes.problems, ...first.problems, ...(linked?.problems ?? [])];
    this.initial = presetValues(manifest, first.preset);
    this.preset = first.preset ?? presetOf(manifest, this.initial);
    this.values = linked?.values ?? first.values;
    this.notes = [...(small ? [smallNote(manifest, status)] : []), ...problems];
  }

  /** Sets values as given by a control: already of the right type and in range. */
  set(patch: ParameterValues): void {
    if (this.manifest === null) return;
    const changed = Object.keys(patch).filter((name) => !sameValue(this.values[name], patch[name]));
    if (changed.length === 0) return;
    this.touched = true;
    this.values = { ...this.values, ...patch };
    this.problems = Object.fromEntries(Object.entries(this.problems).filter(([name]) => !changed.includes(name)));
    this.handlers.changed();
    this.schedule();
  }

  /** Sets values that may be anything (attributes, scripts); what cannot be used is noted in words, the rest is set. */
  setRaw(raw: Readonly<Record<string, unknown>>): void {
    if (this.manifest === null) return;
    const { values, problems } = parseRaw(this.manifest.params, raw, this.values);
    this.notes = [...new Set([...this.notes, ...problems])];
    this.set(values);
    this.handlers.changed();
  }

  /** Goes to a preset, or back to the one chosen before. Values that only a file can give are kept out of it. */
  choosePreset(preset: string | null): void {
    if (this.manifest === null) return;
    this.preset = preset;
    this.initial = presetValues(this.manifest, preset);
    this.notes = [];
    this.set(this.initial);
    this.handlers.changed();
  }

  /** Starts a run, or goes on with a paused one. */
  run(): void {
    if (this.manifest === null) return;
    if (this.state === 'paused' && this.handle !== null) {
      this.handle.resume();
      this.update({ state: this.drawn ? 'running' : 'starting' });
    } else this.start(false);
  }

  pause(): void {
    if (!isActive(this.state)) return;
    this.handle?.pause();
    this.update({ state: 'paused' });
  }

  /** One step; starts a paused run where there is none. */
  step(): void {
    if (this.manifest === null) return;
    if (isActive(this.state)) {
      this.handle?.pause();
      this.update({ state: 'paused' });
    } else this.start(true);
    this.handle?.step();
  }

  /** Back to before the first step, with the parameters as they are. */
  reset(): void {
    this.drop();
    this.update({ state: 'idle', status: null, progress: null, totalMs: null, error: null });
  }

  cancel(): void {
    if (!isActive(this.state) && this.state !== 'listening') return;
    this.drop();
    this.update({ state: 'cancelled' });
  }

  /** Off screen or in a hidden tab: the run waits, whatever it shows. */
  suspend(suspended: boolean): void {
    if (this.suspended === suspended) return;
    this.suspended = suspended;
    if (this.state !== 'starting' && this.state !== 'running' && this.state !== 'restarting') return;
    if (suspended) this.handle?.pause();
    else this.handle?.resume();
  }

  /** Something beside the run failed: a script that could not be loaded. */
  refuse(error: unknown): void {
    this.update({ state: 'failed', error: serializeError(error) });
  }

  /** Ends everything; nothing is called back any more. */
  dispose(): void {
    this.disposed = true;
    this.drop();
  }

  private drop(): void {
    const { handle } = this;
    this.handle = null;
    handle?.cancel();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.handlers.soon(() => {
      this.scheduled = false;
      if (!this.disposed) this.apply();
    });
  }

  /** Brings the run in line with the values. */
  private apply(): void {
    const { manifest, handle, state } = this;
    if (manifest === null || state === 'idle' || state === 'cancelled' || state === 'loading') return;
    const changed = differences(manifest.params, this.runValues, this.values);
    if (changed.length === 0) return;
    const reachable = handle !== null && (isActive(state) || state === 'listening');
    if (reachable && changed.every((name) => manifest.params[name]?.live === true)) {
      this.runValues = this.values;
      handle.live(pick(this.values, changed));
    } else this.start(false);
  }

  private start(paused: boolean): void {
    const { manifest, handle: previous } = this;
    if (manifest === null) return;
    // What was replaced before it failed is not known to be bad: a file that comes too quickly after it must not undo it.
    if (previous !== null) this.goodValues = this.runValues;
    this.runValues = this.values;
    this.drawn = false;
    this.handle = null;
    this.update({
      state: paused ? 'paused' : 'starting',
      progress: null,
      totalMs: null,
      error: null,
      problems: {},
      runNotes: [],
    });
    let own: RunHandle | null = null;
    const isMine = (): boolean => !this.disposed && own !== null && this.handle === own;
    own = this.engine.run(
      { lab: manifest.id, values: this.values, ...(previous === null ? {} : { replaces: previous }) },
      {
        onFrames: (frames) => (isMine() ? this.take(frames) : undefined),
        onNotice: (notice) => {
          if (isMine()) this.notice(notice);
        },
      },
    );
    this.handle = own;
    if (paused || this.suspended) own.pause();
  }

  private take(frames: Frames<FigureDeclarations>): void | Promise<void> {
    const fresh = !this.drawn;
    if (fresh) {
      this.drawn = true;
      this.status = null;
      if (this.state === 'starting' || this.state === 'restarting') this.state = 'running';
    }
    if (frames.status !== undefined) this.status = frames.status;
    // A status alone may come before the input has been looked at.
    if (Object.keys(frames).some((name) => name !== 'status')) this.goodValues = this.runValues;
    this.handlers.changed();
    return this.handlers.draw(frames, fresh);
  }

  private notice(notice: RunNotice): void {
    switch (notice.type) {
      case 'started':
        this.drawn = false;
        // Why the reference device is in use is part of the note that names the preset.
        this.runNotes = notice.notes.filter((note) => note !== this.engineStatus?.fallbackReason);
        if (this.engineStatus !== null) {
          this.engineStatus = { ...this.engineStatus, device: notice.device, generation: notice.generation };
        }
        this.handlers.changed();
        return;
      case 'progress': {
        const { step, steps, millisecondsPerStep, remainingMs } = notice;
        this.update({ progress: { step, steps, millisecondsPerStep, remainingMs } });
        return;
      }
      case 'paused':
      case 'resumed':
        // Both follow a wish of this session, which has already said so.
        return;
      case 'listening':
        this.update({ state: 'listening' });
        this.handlers.result();
        return;
      case 'finished':
        this.handle = null;
        this.update({ state: 'finished', status: notice.status ?? this.status, totalMs: notice.totalMs });
        this.handlers.result();
        return;
      case 'cancelled':
        this.handle = null;
        this.update({ state: 'cancelled' });
        return;
      case 'restarting':
        this.update({ state: this.state === 'paused' ? 'paused' : 'restarting' });
        return;
      case 'failed':
        this.handle = null;
        this.fail(notice.error);
        return;
      default:
        notice satisfies never;
    }
  }

  /** A file that cannot be read gives way to what was there before; everything else is shown. */
  private fail(error: TessellaError): void {
    const refused = this.refusedFile(error);
    if (refused === null) {
      this.update({ state: 'failed', error: serializeError(error) });
      const { field } = error.details;
      if (typeof field === 'string' && this.manifest?.params[field] !== undefined) {
        this.update({ problems: { [field]: error.message } });
      }
      return;
    }
    const before = this.goodValues[refused] ?? this.initial[refused];
    if (before !== undefined && !sameValue(before, this.values[refused])) {
      this.values = { ...this.values, [refused]: before };
    }
    this.start(false);
    this.update({ problems: { [refused]: `${error.message} What was there before was kept.` } });
  }

  private refusedFile(error: TessellaError): string | null {
    if (error.name !== 'InvalidInputError' && error.name !== 'UnsupportedError') return null;
    const isFile = (name: string): boolean => {
      const value = this.runValues[name];
      return typeof value === 'object' && value.kind === 'file' && !sameValue(value, this.goodValues[name]);
    };
    const { field } = error.details;
    if (typeof field === 'string' && Object.hasOwn(this.runValues, field)) return isFile(field) ? field : null;
    // What no parameter is named for, after the run has said something, may be how two good files go together.
    if (this.drawn) return null;
    const files = Object.keys(this.runValues).filter(isFile);
    return files.length === 1 ? (files[0] ?? null) : null;
  }

  private update(patch: Partial<LabSession>): void {
    Object.assign(this, patch);
    if (!this.disposed) this.handlers.changed();
  }
}

function pick(values: ParameterValues, names: readonly string[]): ParameterValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}

/** The preset that stands for exactly these values, or null. */
function presetOf(manifest: LabManifest, values: ParameterValues): string | null {
  const same = (name: string): boolean =>
    differences(manifest.params, presetValues(manifest, name), values).length === 0;
  return Object.keys(manifest.presets).find(same) ?? null;
}

function smallNote(manifest: LabManifest, status: EngineStatus): string {
  const preset = manifest.presets[manifest.quick]?.label ?? manifest.quick;
  if (status.device.kind === 'webgpu') {
    return `WebGPU runs on the processor here: ${status.device.label}. The lab starts with the small preset "${preset}".`;
  }
  const reason = status.fallbackReason ?? 'There is no WebGPU here.';
  return `${reason.replace(/[.\s]*$/, '.')} The lab runs on the float64 reference device, with the small preset "${preset}".`;
}
