/** Typed errors keep their type and fields across the worker boundary. */
import { describe, expect, it } from 'vitest';
import * as errors from '../../src/device/errors';

describe('serializeError', () => {
  it.each([
    new errors.InvalidInputError('a', { field: 'epsilon' }),
    new errors.UnsupportedError('b'),
    new errors.OutOfMemoryError('c', { neededBytes: 12, availableBytes: 4, largest: 3 }),
    new errors.DeviceLostError('d', { reason: 'destroyed' }),
    new errors.ShaderError('e', { file: 'x.wgsl', line: 3, column: 4 }),
    new errors.DivergedError('f', { parameter: 'step', iteration: 9 }),
    new errors.CancelledError(),
    new errors.EngineError('g'),
  ])('brings $name back as its own class with its fields', (error) => {
    const back = errors.deserializeError(structuredClone(errors.serializeError(error)));
    expect(back).toBeInstanceOf(error.constructor);
    expect(back).toMatchObject({ name: error.name, message: error.message, details: error.details });
    expect(back.stack).toBe(error.stack);
  });

  it('calls an abort a cancel and anything unknown an EngineError that says what happened', () => {
    expect(errors.serializeError(new DOMException('x', 'AbortError')).name).toBe('CancelledError');
    const unknown = errors.serializeError(new RangeError('bad length'));
    expect(unknown.name).toBe('EngineError');
    expect(unknown.message).toContain('bad length');
    expect(errors.serializeError('text').message).toContain('text');
  });
});
