/** Headings for typed errors, as people read them; the message under it says cause and remedy. */
import type { SerializedError, TessellaErrorName } from '../device/errors';

const headings = {
  InvalidInputError: 'This input cannot be used',
  UnsupportedError: 'Not possible in this browser',
  OutOfMemoryError: 'Not enough memory',
  DeviceLostError: 'The GPU device went away',
  ShaderError: 'A kernel did not compile',
  DivergedError: 'The numbers left their range',
  CancelledError: 'Cancelled',
  EngineError: 'The engine stopped',
} as const satisfies Record<TessellaErrorName, string>;

/** The heading over an error's message. */
export function errorHeading(error: SerializedError): string {
  return headings[error.name];
}
