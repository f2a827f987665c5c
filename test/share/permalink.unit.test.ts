import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParameterDeclaration, ParameterValue, ParameterValues } from '../../src/labs/parameters';
import {
  formatPermalink,
  permalinkVersion,
  presetValues,
  readPermalink,
  resolvePermalink,
  type Setting,
} from '../../src/share/permalink';
import { schema } from './schema';

function follow(hash: string): Setting {
  const link = readPermalink(hash);
  if (link === null) throw new Error(`${hash} is not a link to a lab`);
  return resolvePermalink(link, schema);
}

/** Any value that the parameter may have and a link can hold. */
function valueOf(declaration: ParameterDeclaration): fc.Arbitrary<ParameterValue> {
  switch (declaration.kind) {
    case 'real':
      return fc
        .double({ min: declaration.min, max: declaration.max, noNaN: true })
        .map((value) => (value === 0 ? 0 : value));
    case 'integer':
      return fc.integer({ min: declaration.min, max: declaration.max });
    case 'choice':
      return fc.constantFrom(...Object.keys(declaration.options));
    case 'toggle':
      return fc.boolean();
    case 'text':
      return fc.string({ maxLength: declaration.maxLength });
    case 'seed':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'data': {
      const samples = Object.keys(declaration.samples).map((name): ParameterValue => ({ kind: 'sample', name }));
      return fc.constantFrom(...samples, ...(declaration.default === null ? [{ kind: 'none' } as const] : []));
    }
    default:
      return declaration satisfies never;
  }
}

const anyValues: fc.Arbitrary<ParameterValues> = fc.record(
  Object.fromEntries(Object.entries(schema.params).map(([name, declaration]) => [name, valueOf(declaration)])),
);

describe('permalinks', () => {
  it('come back as the same preset and values', () => {
    fc.assert(
      fc.property(fc.constantFrom(null, 'paper', 'quick'), anyValues, (preset, values) => {
        const setting = follow(formatPermalink(schema, { preset, values }));
        expect(setting).toEqual({ preset, values, problems: [] });
      }),
      { numRuns: 500 },
    );
  });

  it('never throw and always give usable values, whatever the text', () => {
    const names = fc.constantFrom(...Object.keys(schema.params), 'v', 'preset', '__proto__', 'constructor', '', '.v');
    const query = fc.array(fc.tuple(fc.oneof(names, fc.string()), fc.oneof(fc.string(), fc.double().map(String))));
    fc.assert(
      fc.property(query, fc.string(), (pairs, noise) => {
        const text = new URLSearchParams(pairs).toString();
        const { values } = follow(`#/lab/sample?${text}`);
        const { epsilon, samples, causal } = values;
        expect(epsilon).toBeGreaterThanOrEqual(1e-4);
        expect(epsilon).toBeLessThanOrEqual(1);
        expect(Number.isInteger(samples)).toBe(true);
        expect(typeof causal).toBe('boolean');
        expect(Object.keys(values)).toEqual(Object.keys(schema.params));
        const link = readPermalink(`#/lab/sample?${noise}&%&=`);
        if (link !== null)
          expect(Object.keys(resolvePermalink(link, schema).values)).toHaveLength(Object.keys(schema.params).length);
      }),
      { numRuns: 500 },
    );
  });

  it('hold only what differs from the preset, the version and the seed', () => {
    const values = { ...presetValues(schema, 'paper'), causal: true };
    expect(formatPermalink(schema, { preset: 'paper', values })).toBe(
      `#/lab/sample?v=${String(permalinkVersion)}&preset=paper&causal=true&seed=7`,
    );
  });

  it('leave out a file that a person brought', () => {
    const values = {
      ...presetValues(schema, null),
      source: { kind: 'file', file: new Blob(['x']), name: 'me.png' } as const,
    };
    expect(formatPermalink(schema, { preset: null, values })).not.toContain('source');
  });

  it('clamp what is out of range, say so, and keep the rest', () => {
    const { values, problems } = follow('#/lab/sample?v=1&epsilon=7&samples=100');
    expect(values).toMatchObject({ epsilon: 1, samples: 100 });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/epsilon.*7.*1/);
  });

  it('refuse a wrong type in words and keep the preset’s value', () => {
    const { values, problems } = follow('#/lab/sample?v=1&preset=paper&epsilon=small&causal=perhaps&seed=3');
    expect(values).toMatchObject({ epsilon: 0.001, causal: false, seed: 3 });
    expect(problems).toHaveLength(2);
    expect(problems.join(' ')).toMatch(/"small" is not a number.*neither true nor false/);
  });

  it('ignore a parameter that does not exist and name it', () => {
    const { values, problems } = follow('#/lab/sample?v=1&temperature=3&seed=3');
    expect(values).toMatchObject({ seed: 3 });
    expect(problems).toEqual([expect.stringContaining('"temperature"')]);
  });

  it('fall back to the defaults for a preset that does not exist', () => {
    const { preset, values, problems } = follow('#/lab/sample?v=1&preset=huge&seed=3');
    expect(preset).toBeNull();
    expect(values).toMatchObject({ samples: 1024, seed: 3 });
    expect(problems[0]).toMatch(/"huge".*paper, quick/);
  });

  it('bring an older version up to date', () => {
    const link = readPermalink('#/lab/sample?v=0&eps=0.5&seed=3');
    if (link === null) throw new Error('not a link');
    const migrations = {
      0: (_lab: string, { eps = '', ...rest }: Readonly<Record<string, string>>) => ({ ...rest, epsilon: eps }),
    };
    const { values, problems } = resolvePermalink(link, schema, undefined, migrations);
    expect(values).toMatchObject({ epsilon: 0.5, seed: 3 });
    expect(problems).toEqual([expect.stringContaining('older version')]);
  });

  it('keep what they know of a newer version, and of one that is no number', () => {
    expect(follow('#/lab/sample?v=99&seed=3')).toMatchObject({
      values: { seed: 3 },
      problems: [expect.stringContaining('newer')],
    });
    expect(follow('#/lab/sample?v=x&seed=3')).toMatchObject({
      values: { seed: 3 },
      problems: [expect.stringContaining('which version')],
    });
  });

  it('are told from other addresses', () => {
    expect(readPermalink('#/reproductions')).toBeNull();
    expect(readPermalink('')).toBeNull();
    expect(readPermalink('#/lab/')).toBeNull();
    expect(readPermalink('#/lab/sinkhorn')).toEqual({ lab: 'sinkhorn', version: null, preset: null, entries: {} });
    expect(readPermalink('#/lab/%E0%A4%A')?.lab).toBe('%E0%A4%A');
  });
});
