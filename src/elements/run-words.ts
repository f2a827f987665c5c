/** How a run stands, in words: for the run bar, and for screen readers. */
import type { SerializedError } from '../device/errors';
import type { StatusFrame } from '../labs/frames';
import { formatCount, formatDuration } from '../share/format';

/**
 * `idle`: nothing started; `starting`: asked for, nothing seen; `listening`: the result is there and live changes reach it;
 * `restarting`: the device was lost and the run begins again.
 */
export type LabState =
  | 'loading'
  | 'idle'
  | 'starting'
  | 'running'
  | 'paused'
  | 'listening'
  | 'finished'
  | 'cancelled'
  | 'restarting'
  | 'failed';

/** How far a run is. */
export interface RunProgress {
  readonly step: number;
  readonly steps: number | null;
  readonly millisecondsPerStep: number;
  readonly remainingMs: number | null;
}

/** What the words are made from. */
export interface RunStanding {
  readonly state: LabState;
  readonly status: StatusFrame | null;
  readonly progress: RunProgress | null;
  readonly totalMs: number | null;
  readonly error: SerializedError | null;
}

/** One line: quiet facts, then the outcome in its tone. */
export interface RunWords {
  readonly facts: string;
  readonly outcome: string;
  readonly tone: 'quiet' | 'good' | 'warn';
}

const outcomes = {
  running: '',
  done: 'done',
  converged: 'converged',
  'not-converged': 'did not converge',
  'precision-limited': 'precision-limited',
} as const satisfies Record<StatusFrame['state'], string>;

/** True while there is a run that can be paused or cancelled. */
export function isActive(state: LabState): boolean {
  return state === 'starting' || state === 'running' || state === 'paused' || state === 'restarting';
}

/** The status line. Numbers are those of the lab; the time per step and the time left come from the engine. */
export function runWords({ state, status, progress, totalMs, error }: RunStanding): RunWords {
  switch (state) {
    case 'loading':
      return { facts: 'opening the lab', outcome: '', tone: 'quiet' };
    case 'idle':
      return { facts: 'ready', outcome: '', tone: 'quiet' };
    case 'starting':
      return { facts: 'starting', outcome: '', tone: 'quiet' };
    case 'restarting':
      return { facts: 'the GPU device was lost; beginning again', outcome: '', tone: 'warn' };
    case 'failed':
      return { facts: '', outcome: error?.name === 'DivergedError' ? 'diverged' : 'stopped by an error', tone: 'warn' };
    case 'running':
      return {
        facts: join(progressWords(status, progress), pace(progress), timeLeft(progress)),
        outcome: '',
        tone: 'quiet',
      };
    case 'paused':
      return { facts: join(progressWords(status, progress), pace(progress)), outcome: 'paused', tone: 'quiet' };
    case 'cancelled':
      return { facts: progressWords(status, progress), outcome: 'cancelled', tone: 'quiet' };
    case 'listening':
    case 'finished': {
      const outcome = status === null ? 'done' : outcomes[status.state] || 'done';
      const text = status?.text ?? '';
      const said = text.toLowerCase().includes(outcome);
      const good =
        status === null || status.state === 'converged' || status.state === 'done' || status.state === 'running';
      const time = totalMs === null ? pace(progress) : formatDuration(totalMs, 2);
      return said
        ? { facts: time, outcome: text, tone: good ? 'good' : 'warn' }
        : { facts: join(text, time), outcome, tone: good ? 'good' : 'warn' };
    }
    default:
      return state satisfies never;
  }
}

/** A share of one for the meter, or null where nobody knows. */
export function runShare({ state, status, progress }: RunStanding): number | null {
  if (state === 'listening' || state === 'finished') return 1;
  if (state === 'idle' || state === 'loading' || state === 'starting') return 0;
  const step = progress?.step ?? status?.step;
  const steps = progress?.steps ?? status?.steps;
  if (step === undefined || steps === undefined || steps <= 0) return null;
  return Math.min(1, Math.max(0, step / steps));
}

/** What a screen reader says when the state changes; empty where it need not know. */
export function announcement(title: string, standing: RunStanding): string {
  const { state, status, error } = standing;
  switch (state) {
    case 'running':
      return `${title}: running.`;
    case 'paused':
      return `${title}: paused.`;
    case 'cancelled':
      return `${title}: cancelled.`;
    case 'restarting':
      return `${title}: the GPU device was lost; the run begins again.`;
    case 'failed':
      return `${title}: ${error?.message ?? 'stopped by an error.'}`;
    case 'listening':
    case 'finished': {
      const { facts, outcome } = runWords(standing);
      return `${title}: ${join(facts, outcome)}.${status?.warning === undefined ? '' : ` ${status.warning}`}`;
    }
    case 'loading':
    case 'idle':
    case 'starting':
      return '';
    default:
      return state satisfies never;
  }
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

function progressWords(status: StatusFrame | null, progress: RunProgress | null): string {
  if (status !== null && status.text !== '') return status.text;
  return progress === null ? 'running' : `step ${formatCount(progress.step)}`;
}

/** Fewer steps than these are stages. */
const fewSteps = 12;

function pace(progress: RunProgress | null): string {
  const ms = progress?.millisecondsPerStep ?? 0;
  // A few stages are no steps of one kind: what each took on average says nothing.
  return ms > 0 && (progress?.steps ?? Infinity) >= fewSteps ? `${formatDuration(ms, 2)} each` : '';
}

function timeLeft(progress: RunProgress | null): string {
  const ms = progress?.remainingMs ?? null;
  return ms === null || ms < 1000 ? '' : `about ${formatDuration(Math.round(ms / 1000) * 1000, 2)} left`;
}
