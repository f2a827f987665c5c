/** Makes typed errors keep their type and fields when a call over Comlink rejects. Both sides import this. */
import { transferHandlers, type TransferHandler } from 'comlink';
import { deserializeError, serializeError, type SerializedError } from '../device/errors';

interface Thrown {
  readonly value: unknown;
}

/** Replaces Comlink's handler for what is thrown, which would keep only name, message and stack. */
export function keepTypedErrors(): void {
  const original = transferHandlers.get('throw') as TransferHandler<Thrown, unknown> | undefined;
  if (original === undefined) throw new TypeError('Comlink no longer has a handler for what is thrown.');
  const handler: TransferHandler<Thrown, SerializedError> = {
    canHandle: (value): value is Thrown => original.canHandle(value),
    serialize: ({ value }) => [serializeError(value), []],
    deserialize: (data) => {
      throw deserializeError(data);
    },
  };
  transferHandlers.set('throw', handler);
}
