import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClaimResult } from '../../src/engine/protocol';
import { clearResults, loadResult, loadResults, storeResult, subscribeResults } from '../../src/share/results';

const result: ClaimResult = {
  lab: 'sample',
  id: 'halves',
  paper: 'On Testing',
  catalog: null,
  claim: 'The error halves.',
  preset: 'quick',
  measured: 2.03,
  expected: '2.0 ± 0.1',
  holds: true,
  seconds: 1.5,
  adapter: 'software',
  error: null,
};

function storage(): Pick<Storage, 'getItem' | 'setItem'> & { readonly items: Map<string, string> } {
  const items = new Map<string, string>();
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

describe('results of claims', () => {
  beforeEach(() => {
    vi.unstubAllGlobals();
    vi.stubGlobal('localStorage', storage());
    clearResults();
  });

  it('are kept by lab and claim, with size and time', () => {
    storeResult(result, 'quick', 1000);
    expect(loadResult('sample', 'halves')).toEqual({ ...result, size: 'quick', at: 1000 });
    expect(loadResult('other', 'halves')).toBeNull();
    storeResult({ ...result, measured: 1.9 }, 'full', 2000);
    expect(Object.keys(loadResults())).toEqual(['sample/halves']);
    expect(loadResult('sample', 'halves')?.measured).toBe(1.9);
  });

  it('are told to everyone who listens, until they stop', () => {
    const listener = vi.fn();
    vi.stubGlobal('addEventListener', vi.fn());
    vi.stubGlobal('removeEventListener', vi.fn());
    const stop = subscribeResults(listener);
    storeResult(result, 'quick');
    expect(listener).toHaveBeenCalledTimes(1);
    stop();
    storeResult(result, 'quick');
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('live as long as the page where storage is refused', () => {
    vi.stubGlobal('localStorage', {
      getItem: () => {
        throw new Error('denied');
      },
      setItem: () => {
        throw new Error('denied');
      },
    });
    storeResult(result, 'quick');
    expect(loadResult('sample', 'halves')?.holds).toBe(true);
  });

  it('that cannot be read count as none', () => {
    const broken = storage();
    vi.stubGlobal('localStorage', broken);
    storeResult(result, 'quick');
    const [key = ''] = broken.items.keys();
    broken.items.set(key, '{"sample/halves": {"lab": 3}}');
    expect(loadResult('sample', 'halves')).toBeNull();
  });
});
