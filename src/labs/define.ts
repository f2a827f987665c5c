/** What a lab is: parameters, figures, a run that yields frames, and claims. One file, one screen. */
import type { Device } from '../device/device';
import type { FigureDeclarations, Frames } from './frames';
import type { ParameterDeclarations, ResolvedValues } from './parameters';
import type { PaperKey } from './papers';

/** The families that the gallery groups labs by, in its order. */
export type LabFamily = 'matrix' | 'transport' | 'attention';

declare const checked: unique symbol;
/** Frames that were checked against the lab's declared figures; only `frame` makes them. */
export type CheckedFrames = Frames<FigureDeclarations> & { readonly [checked]: true };

/** What a run is given. */
export interface RunContext<P extends ParameterDeclarations, F extends FigureDeclarations> {
  /** A session of its own: what the run allocates is gone when it ends. */
  readonly device: Device;
  /** Validated values. Those declared `live` change under the run; read them again at every step. */
  readonly params: ResolvedValues<P>;
  readonly signal: AbortSignal;
  /** Checks frames against the declared figures; `yield frame({ ... })`. */
  frame(this: void, frames: Frames<F>): CheckedFrames;
  /**
   * Waits, after the result is there, until a live parameter changes: `while (await nextChange()) yield frame(...)`.
   * Resolves to false where nobody can change anything (claims, headless runs).
   */
  nextChange(this: void): Promise<boolean>;
}

/** A patch of parameter values: a preset, or what a claim varies. Data parameters are set by sample name. */
export type ParameterPatch<P extends ParameterDeclarations> = {
  readonly [Name in keyof P]?: P[Name] extends { kind: 'data' } ? string : ResolvedValues<P>[Name];
};

/** A named setting. `quick` is one that a software adapter does in a few seconds. */
export interface Preset<P extends ParameterDeclarations> {
  readonly label: string;
  readonly params: ParameterPatch<P>;
}

/** A sentence of a paper, tried. */
export interface Claim<P extends ParameterDeclarations, Presets extends string, Result> {
  readonly id: string;
  readonly paper: PaperKey;
  /** What the paper promises, in our words. */
  readonly says: string;
  /** The preset with the paper's sizes. */
  readonly preset: NoInfer<Presets>;
  /** The preset for machines without a GPU; the same one where it is left out. */
  readonly quick?: NoInfer<Presets>;
  /** What the measured number must be, in words and numbers: `<= 16`, `2.0 ± 0.1`. */
  readonly expected: string;
  /** The unit of what is measured, if it has one. */
  readonly unit?: string;
  /** The number that decides, from the run's result; `run` makes another run at the same preset with a patch. */
  measure(result: Result, run: (patch: ParameterPatch<P>) => Promise<Result>): number | Promise<number>;
  holds(measured: number): boolean;
}

/** Where most claims are tried: at the preset `standard`, and at `quick` where there is no GPU. */
export const atStandard = { preset: 'standard', quick: 'quick' } as const;

/** A lab, as its file declares it. */
export interface LabDefinition<
  P extends ParameterDeclarations,
  F extends FigureDeclarations,
  Presets extends string,
  Result,
> {
  /** The name in attributes and links. The file is `src/labs/<family>/<id>.ts`. */
  readonly id: string;
  readonly title: string;
  readonly family: LabFamily;
  /** One or two sentences under the title. */
  readonly summary: string;
  readonly papers: readonly PaperKey[];
  readonly params: P;
  readonly presets: Readonly<Record<Presets, Preset<P>>>;
  /** The preset that starts where there is only a software adapter or the reference device. */
  readonly quick: NoInfer<Presets>;
  /** The preset that draws the gallery's picture, and the figure it takes. */
  readonly thumbnail: { readonly preset: NoInfer<Presets>; readonly figure: NoInfer<Extract<keyof F, string>> };
  readonly figures: F;
  /** The kernels on show in the Kernels tab. */
  readonly kernels: readonly string[];
  /** Bytes that the run will hold at most, and the parameter to lower if it is too much. */
  readonly memory: {
    readonly bytes: (params: ResolvedValues<P>) => number;
    readonly lower: NoInfer<Extract<keyof P, string>>;
  };
  run(context: RunContext<P, F>): AsyncGenerator<CheckedFrames, Result>;
  readonly claims: readonly Claim<P, Presets, Result>[];
}

/** A lab whose types are forgotten, as the engine holds it. */
export type AnyLab = LabDefinition<ParameterDeclarations, FigureDeclarations, string, unknown>;

/** Declares a lab. The types do the work: frames must fit the declared figures, claims must name presets that exist. */
export function defineLab<
  const P extends ParameterDeclarations,
  const F extends FigureDeclarations,
  Presets extends string,
  Result,
>(lab: LabDefinition<P, F, Presets, Result>): LabDefinition<P, F, Presets, Result> {
  return lab;
}

/**
 * Shows each state of some work as it comes, and gives what the work comes to:
 * `const outcome = yield* follow(work, (state) => frame({ ... }))`, or `follow(report, frame)` where its states are frames.
 */
export async function* follow<State, Shown, Outcome>(
  states: AsyncGenerator<State, Outcome>,
  show: (state: State) => Shown,
): AsyncGenerator<Shown, Outcome> {
  let next = await states.next();
  for (; next.done !== true; next = await states.next()) yield show(next.value);
  return next.value;
}
