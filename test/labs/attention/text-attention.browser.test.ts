/** The lab of attention over text: what it shows, operands of a person's own, and that its claims are measured. */
import { describe, expect, test } from 'vitest';
import lab from '../../../src/labs/attention/text-attention';
import type { NamedTensors, ResolvedValues } from '../../../src/labs/parameters';
import { normals } from '../../support/attention';
import { openReference, openTestDevice } from '../../support/device';
import { runLab } from '../../support/lab-run';

const gpu = await openTestDevice();

type Values = ResolvedValues<typeof lab.params>;

const settings: Values = {
  text: 'abca bca',
  operands: undefined,
  token: 3,
  head: 0,
  heads: 2,
  share: 'none',
  headSize: 8,
  positions: 0,
  sharpness: 4,
  causal: 'all',
  window: 0,
  softCap: 0,
  sink: 'none',
  cache: 512,
  seed: 7,
};

describe('attention on text', () => {
  test('like looks at like, at once', async () => {
    const { result, shown } = await runLab(gpu, lab, settings);
    expect(Object.keys(shown[0] ?? {}).sort()).toEqual(['looks', 'status', 'weights']);
    // Without positions the three a's are the same: character 3 looks at 0, 3 and 7 alike, and most of all.
    const labels = shown[0]?.looks?.bars.slice(0, 3).map(({ label }) => label);
    expect(new Set(labels)).toEqual(new Set(['a at 0', 'a at 3', 'a at 7']));
    expect(shown[0]?.weights).toMatchObject({ rows: 8, columns: 8 });
    expect(result.errors?.flash).toBeLessThan(1e-6);
    expect(result.errors?.gradient).toBeLessThan(1e-5);
    expect(result.decode.error).toBeLessThan(1e-5);
    expect(shown.at(-1)?.status?.state).toBe('done');
  });

  test('its claims hold on the sentence it starts with', async () => {
    const sentence = { ...settings, text: lab.params.text.default, heads: 4, headSize: 16, sharpness: 1 };
    const { result } = await runLab(gpu, lab, sentence);
    const again = async ({ sharpness = 1 }: { readonly sharpness?: number }) =>
      (await runLab(gpu, lab, { ...sentence, sharpness })).result;
    for (const claim of lab.claims.filter(({ preset }) => preset === 'quick')) {
      const measured = await claim.measure(result, again);
      expect(claim.holds(measured), `${claim.id}: ${String(measured)}`).toBe(true);
    }
  });

  test('a character depends on nothing that it does not see', async () => {
    const { shown } = await runLab(gpu, lab, { ...settings, causal: 'before', window: 1 });
    const { saliency } = shown.find((frames) => frames.saliency !== undefined) ?? {};
    const depends = saliency?.bars.filter(({ value }) => value > 0).map(({ label }) => label);
    expect(new Set(depends)).toEqual(new Set(['c at 2', 'a at 3']));
  });

  test('shared keys, a soft cap and a sink; one character; the reference device', async () => {
    const { result } = await runLab(openReference(), lab, {
      ...settings,
      share: 'all',
      softCap: 2,
      sink: 'strong',
      text: 'a',
    });
    expect(result.count).toBe(1);
    expect(result.errors).toEqual({ flash: 0, naive: 0, gradient: 0 });
  });

  test('says what to do about an empty text', async () => {
    await expect(runLab(gpu, lab, { ...settings, text: '' })).rejects.toThrow(/type a character/);
  });

  test('takes Q, K and V from a file, and says what is missing in one', async () => {
    const tensor = (stream: number, shape: readonly number[]) => ({
      shape,
      values: normals(
        shape.reduce((a, b) => a * b),
        stream,
      ) as Float32Array<ArrayBuffer>,
    });
    const operands: NamedTensors = {
      name: 'mine',
      tensors: new Map([
        ['query', tensor(1, [1, 2, 9, 8])],
        ['key', tensor(2, [1, 2, 11, 8])],
        ['value', tensor(3, [1, 2, 11, 8])],
      ]),
    };
    const { result, shown } = await runLab(gpu, lab, { ...settings, operands });
    expect(result.count).toBe(11);
    expect(shown[0]?.weights).toMatchObject({ rows: 9, columns: 11 });
    const poor: NamedTensors = { name: 'poor', tensors: new Map([['q', tensor(1, [3])]]) };
    await expect(runLab(gpu, lab, { ...settings, operands: poor })).rejects.toThrow(/"q" of shape .* it holds q \[3\]/);
  });

  test('a picked character and another head are shown', async () => {
    let changes = 1;
    const { shown } = await runLab(gpu, lab, settings, () => Promise.resolve(changes-- > 0));
    expect(shown.at(-1)?.looks?.bars.length).toBe(8);
    expect(shown.at(-2)?.status?.state).toBe('done');
  });
});
