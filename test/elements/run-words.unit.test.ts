import { describe, expect, it } from 'vitest';
import { announcement, runShare, runWords, type RunStanding } from '../../src/elements/run-words';

const standing = (patch: Partial<RunStanding>): RunStanding => ({
  state: 'running',
  status: null,
  progress: null,
  totalMs: null,
  error: null,
  ...patch,
});
const progress = { step: 212, steps: 1000, millisecondsPerStep: 3.1, remainingMs: 2443 };

describe('the status line', () => {
  it('says the lab’s words, the time of a step and the time left', () => {
    const words = runWords(standing({ status: { state: 'running', text: 'iteration 212' }, progress }));
    expect(words).toEqual({ facts: 'iteration 212 · 3.1 ms each · about 2 s left', outcome: '', tone: 'quiet' });
  });

  it('keeps the time of a step to itself where there are only a few stages', () => {
    const stages = { ...progress, step: 2, steps: 4 };
    const words = runWords(standing({ status: { state: 'running', text: 'checking' }, progress: stages }));
    expect(words.facts).toBe('checking · about 2 s left');
  });

  it('sets the outcome apart, good or not', () => {
    const converged = { state: 'converged', text: 'converged to 1e-6 in 212 iterations' } as const;
    expect(runWords(standing({ state: 'finished', status: converged, totalMs: 660 }))).toEqual({
      facts: '660 ms',
      outcome: 'converged to 1e-6 in 212 iterations',
      tone: 'good',
    });
    const failed = { state: 'not-converged', text: 'error 3e-4 after 500 iterations' } as const;
    expect(runWords(standing({ state: 'listening', status: failed }))).toEqual({
      facts: 'error 3e-4 after 500 iterations',
      outcome: 'did not converge',
      tone: 'warn',
    });
    expect(runWords(standing({ state: 'finished', status: { state: 'precision-limited', text: '' } })).tone).toBe(
      'warn',
    );
  });

  it('knows how far the run is, where anybody does', () => {
    expect(runShare(standing({ progress }))).toBeCloseTo(0.212);
    expect(runShare(standing({ progress: { ...progress, steps: null } }))).toBeNull();
    expect(runShare(standing({ state: 'finished' }))).toBe(1);
    expect(runShare(standing({ state: 'starting', progress }))).toBe(0);
  });

  it('tells a screen reader about states, not about steps', () => {
    const first = announcement('Lab', standing({ progress }));
    expect(first).toBe(announcement('Lab', standing({ progress: { ...progress, step: 213 } })));
    expect(
      announcement(
        'Lab',
        standing({ state: 'finished', status: { state: 'converged', text: 'converged', warning: 'Mind ε.' } }),
      ),
    ).toBe('Lab: converged. Mind ε.');
  });
});
