/** What came of the claims tried on this machine, kept by the browser and shared by every page and panel that shows them. */
import type { ClaimResult } from '../engine/protocol';

/** A result, and when it was measured. */
export interface StoredResult extends ClaimResult {
  readonly size: 'quick' | 'full';
  /** Milliseconds since 1970. */
  readonly at: number;
}

const storageKey = 'tessella.results.1';
const listeners = new Set<() => void>();
/** Stands in where the browser refuses storage (private windows, strict embedding). */
let memory: Readonly<Record<string, StoredResult>> = {};

/** The key of a claim; ids are unique within a lab only. */
function resultKey(lab: string, claim: string): string {
  return `${lab}/${claim}`;
}

/** Everything kept, by `lab/claim`. What cannot be read counts as nothing kept. */
export function loadResults(): Readonly<Record<string, StoredResult>> {
  try {
    const text = localStorage.getItem(storageKey);
    if (text === null) return memory;
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return memory;
    return Object.fromEntries(
      Object.entries(parsed).filter((entry): entry is [string, StoredResult] => isResult(entry[1])),
    );
  } catch {
    return memory;
  }
}

/** The last result of one claim, or null. */
export function loadResult(lab: string, claim: string): StoredResult | null {
  return loadResults()[resultKey(lab, claim)] ?? null;
}

/** Keeps a result and tells everyone who listens. */
export function storeResult(result: ClaimResult, size: 'quick' | 'full', at = Date.now()): StoredResult {
  const stored = { ...result, size, at };
  memory = { ...loadResults(), [resultKey(result.lab, result.id)]: stored };
  persist();
  return stored;
}

/** Forgets everything kept. */
export function clearResults(): void {
  memory = {};
  persist();
}

/** Calls back after every change, from this page or another one. Returns how to stop that. */
export function subscribeResults(listener: () => void): () => void {
  if (listeners.size === 0) globalThis.addEventListener('storage', onStorage);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) globalThis.removeEventListener('storage', onStorage);
  };
}

function persist(): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(memory));
  } catch {
    // Storage refused: the results live as long as the page does.
  }
  for (const listener of listeners) listener();
}

function onStorage(event: StorageEvent): void {
  if (event.key !== null && event.key !== storageKey) return;
  for (const listener of listeners) listener();
}

function isResult(value: unknown): value is StoredResult {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof StoredResult, unknown>> = value;
  return (
    typeof record.lab === 'string' &&
    typeof record.id === 'string' &&
    typeof record.holds === 'boolean' &&
    (record.measured === null || typeof record.measured === 'number') &&
    typeof record.seconds === 'number' &&
    typeof record.at === 'number'
  );
}
