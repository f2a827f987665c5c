/**
 * Every error that a person or a caller can meet. Each names the cause and the remedy in one sentence and carries
 * its facts as plain fields, so that it keeps type and fields when it crosses from the worker to the page.
 */

/** The names of all typed errors, as they cross the worker boundary. */
export type TessellaErrorName =
  | 'InvalidInputError'
  | 'UnsupportedError'
  | 'OutOfMemoryError'
  | 'DeviceLostError'
  | 'ShaderError'
  | 'DivergedError'
  | 'CancelledError'
  | 'EngineError';

/** Plain, structured-cloneable facts that an error carries. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** The parent of every typed error. */
export class TessellaError extends Error {
  override readonly name: TessellaErrorName;
  readonly details: ErrorDetails;

  constructor(name: TessellaErrorName, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = name;
    this.details = details;
  }
}

/** What the caller or the person gave cannot be used: `details.field` names it where there is one. */
export class InvalidInputError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('InvalidInputError', message, details);
  }
}

/** This browser, adapter or file variant cannot do what was asked. */
export class UnsupportedError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('UnsupportedError', message, details);
  }
}

/** More memory than there is: `details.neededBytes`, `details.availableBytes`, and `details.largest` where it is known. */
export class OutOfMemoryError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('OutOfMemoryError', message, details);
  }
}

/** The GPU device went away: `details.reason` is what the browser said. */
export class DeviceLostError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('DeviceLostError', message, details);
  }
}

/** A shader did not link or compile: `details.file`, `details.line`, `details.column`. */
export class ShaderError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ShaderError', message, details);
  }
}

/** Numbers left the range in which they mean something: `details.parameter`, `details.iteration`. */
export class DivergedError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('DivergedError', message, details);
  }
}

/** The run was cancelled; nobody needs to be told. */
export class CancelledError extends TessellaError {
  constructor(message = 'The run was cancelled.') {
    super('CancelledError', message);
  }
}

/** The worker itself failed: it could not start, stopped answering, or threw something untyped. */
export class EngineError extends TessellaError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('EngineError', message, details);
  }
}

/** An error as plain data. */
export interface SerializedError {
  readonly name: TessellaErrorName;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly stack?: string | undefined;
}

/** Turns anything thrown into plain data that can be posted. */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof TessellaError) {
    return { name: error.name, message: error.message, details: error.details, stack: error.stack };
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return { name: 'CancelledError', message: 'The run was cancelled.', details: {} };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    name: 'EngineError',
    message: `Something unforeseen failed: ${message}`,
    details: {},
    stack: error instanceof Error ? error.stack : undefined,
  };
}

/** Turns plain data back into an error of its own type. */
export function deserializeError(data: SerializedError): TessellaError {
  const error = construct(data);
  if (data.stack !== undefined) error.stack = data.stack;
  return error;
}

function construct({ name, message, details }: SerializedError): TessellaError {
  switch (name) {
    case 'InvalidInputError':
      return new InvalidInputError(message, details);
    case 'UnsupportedError':
      return new UnsupportedError(message, details);
    case 'OutOfMemoryError':
      return new OutOfMemoryError(message, details);
    case 'DeviceLostError':
      return new DeviceLostError(message, details);
    case 'ShaderError':
      return new ShaderError(message, details);
    case 'DivergedError':
      return new DivergedError(message, details);
    case 'CancelledError':
      return new CancelledError(message);
    case 'EngineError':
      return new EngineError(message, details);
    default:
      return name satisfies never;
  }
}

/** The same promise, but rejecting as soon as the signal is aborted: with its reason if that is typed, else `CancelledError`. What comes later is dropped. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof TessellaError ? signal.reason : new CancelledError());
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

/** Throws `CancelledError` if the signal was aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError();
}
