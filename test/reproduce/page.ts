/** The page that the reproductions drive: it holds the engine and answers what the script in the terminal asks. */
import { serializeError, type SerializedError } from '../../src/device/errors';
import { EngineClient } from '../../src/engine/client';
import type { ClaimResult, EngineStatus, LabSummary } from '../../src/engine/protocol';

/** An answer as plain data, so that errors keep their type on the way to the terminal. */
export type Answer<T> = { readonly value: T } | { readonly error: SerializedError };

/** What the script calls in the page. */
export interface ReproducePage {
  status(): Promise<Answer<EngineStatus>>;
  catalogue(): Promise<Answer<readonly LabSummary[]>>;
  prove(lab: string, claim: string, size: 'quick' | 'full'): Promise<Answer<ClaimResult>>;
}

declare global {
  var reproducePage: ReproducePage;
}

const client = EngineClient.shared();

async function answer<T>(asked: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await asked };
  } catch (error) {
    return { error: serializeError(error) };
  }
}

globalThis.reproducePage = {
  status: () => answer(client.refreshStatus()),
  catalogue: () => answer(client.catalogue()),
  prove: (lab, claim, size) => answer(client.prove(lab, claim, size)),
};
