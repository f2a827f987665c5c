/** Labs found by file: the name is the file's, the family is the folder's. */
import { describe, expect, it } from 'vitest';
import { EngineError, InvalidInputError } from '../../src/device/errors';
import { patchValues } from '../../src/engine/manifest';
import { labSource, registry } from '../../src/labs/registry';
import { parseParameters } from '../../src/labs/validate';
import { counter } from '../engine/fake-labs';

const load = (lab: unknown) => () => Promise.resolve({ default: lab });

describe('labSource', () => {
  it('loads a lab by the name of its file, when asked', async () => {
    let loads = 0;
    const source = labSource({
      './matrix/counter.ts': () => {
        loads += 1;
        return Promise.resolve({ default: counter });
      },
    });
    expect(source.ids).toEqual(['counter']);
    expect(loads).toBe(0);
    expect(await source.load('counter')).toBe(counter);
    expect(loads).toBe(1);
  });

  it('names the labs that exist where one does not', async () => {
    const source = labSource({ './matrix/counter.ts': load(counter), './transport/other.ts': load(counter) });
    const error = await source.load('conter').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error).toMatchObject({
      message: 'There is no lab "conter". Did you mean "counter"? There are: counter, other.',
      details: { field: 'lab', nearest: 'counter' },
    });
    await expect(source.load('__proto__')).rejects.toThrow(InvalidInputError);
  });

  it('refuses a file that is not named as its lab, or exports none', async () => {
    const source = labSource({
      './transport/counter.ts': load(counter),
      './matrix/empty.ts': () => Promise.resolve({}),
    });
    await expect(source.load('counter')).rejects.toThrow(EngineError);
    await expect(source.load('empty')).rejects.toThrow(/must export a lab by default/);
  });

  it('refuses two labs of one name', () => {
    expect(() => labSource({ './matrix/a.ts': load(counter), './transport/a.ts': load(counter) })).toThrow(
      /Two labs have the name a/,
    );
  });
});

describe('the registry', () => {
  it('lists the labs that are there', () => {
    expect(registry.ids).toEqual(expect.arrayContaining(['attention', 'matmul', 'sinkhorn']));
  });

  it('holds labs whose presets, claims and thumbnails exist and are valid', async () => {
    for (const id of registry.ids) {
      const lab = await registry.load(id);
      const presets = Object.keys(lab.presets);
      const named = [
        lab.quick,
        lab.thumbnail.preset,
        ...lab.claims.flatMap(({ preset, quick = preset }) => [preset, quick]),
      ];
      expect(presets, id).toEqual(expect.arrayContaining(named));
      expect(Object.keys(lab.figures), id).toContain(lab.thumbnail.figure);
      expect(Object.keys(lab.params), id).toContain(lab.memory.lower);
      expect(new Set(lab.claims.map((claim) => claim.id)).size, id).toBe(lab.claims.length);
      for (const { params } of [{ params: {} }, ...Object.values(lab.presets)]) {
        expect(parseParameters(lab.params, patchValues(lab.params, params)).problems, id).toEqual([]);
      }
    }
  });
});
