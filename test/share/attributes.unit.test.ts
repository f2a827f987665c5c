import { describe, expect, it } from 'vitest';
import {
  attributeName,
  differences,
  isReservedAttribute,
  readAttributes,
  sameValue,
  valueText,
} from '../../src/share/attributes';
import { presetValues, resolveSetting } from '../../src/share/permalink';
import { embedSnippet } from '../../src/share/snippet';
import { schema } from './schema';

const attributes = (all: Record<string, string>) => Object.entries(all).map(([name, value]) => ({ name, value }));

describe('parameters as attributes', () => {
  it('are written in kebab-case', () => {
    expect(attributeName('colourSpace')).toBe('colour-space');
    expect(attributeName('epsilon')).toBe('epsilon');
  });

  it('are told from attributes of HTML and of the element', () => {
    const read = readAttributes(
      attributes({
        lab: 'sample',
        class: 'wide',
        id: 'one',
        'data-x': '1',
        'aria-label': 'x',
        onclick: '',
        epsilon: '0.2',
        'step-size': '-1',
      }),
      schema.params,
    );
    expect(read).toEqual({ raw: { epsilon: '0.2', stepSize: '-1' }, problems: [] });
  });

  it('name those there are when one does not exist', () => {
    const { raw, problems } = readAttributes(attributes({ epsilom: '0.2', seed: '9' }), schema.params);
    expect(raw).toEqual({ seed: '9' });
    expect(problems).toEqual([expect.stringMatching(/"epsilom".*epsilon, step-size/)]);
  });

  it('set a toggle by being there', () => {
    const { raw } = readAttributes(attributes({ causal: '' }), schema.params);
    expect(resolveSetting(schema, null, raw).values).toMatchObject({ causal: true });
  });

  it('are clamped and refused in words over the preset', () => {
    const { raw } = readAttributes(
      attributes({ samples: '1e9', epsilon: 'tiny', source: 'moon', seed: '3' }),
      schema.params,
    );
    const { values, problems } = resolveSetting(schema, 'paper', raw);
    expect(values).toMatchObject({
      samples: 4096,
      epsilon: 0.001,
      source: { kind: 'sample', name: 'harbour' },
      seed: 3,
    });
    expect(problems).toHaveLength(3);
  });

  it('reserve names that frameworks use', () => {
    for (const name of ['xmlns', '_ngcontent-abc', 'x@click', '@click', 'style', 'preset', 'aria-hidden'])
      expect(isReservedAttribute(name)).toBe(true);
    expect(isReservedAttribute('bandwidth')).toBe(false);
  });
});

describe('values', () => {
  it('are text where text can hold them', () => {
    expect(valueText(1e-6)).toBe('0.000001');
    expect(valueText(true)).toBe('true');
    expect(valueText({ kind: 'sample', name: 'alps' })).toBe('alps');
    expect(valueText({ kind: 'none' })).toBe('');
    expect(valueText({ kind: 'file', file: new Blob(), name: 'x' })).toBeNull();
  });

  it('are compared by meaning', () => {
    const file = new Blob(['a']);
    expect(sameValue({ kind: 'sample', name: 'a' }, { kind: 'sample', name: 'a' })).toBe(true);
    expect(sameValue({ kind: 'file', file, name: 'a' }, { kind: 'file', file, name: 'a' })).toBe(true);
    expect(sameValue({ kind: 'file', file, name: 'a' }, { kind: 'file', file: new Blob(['a']), name: 'a' })).toBe(
      false,
    );
    expect(sameValue({ kind: 'none' }, undefined)).toBe(false);
    expect(differences(schema.params, presetValues(schema, null), presetValues(schema, 'paper'))).toEqual([
      'epsilon',
      'samples',
      'source',
    ]);
  });
});

describe('the embed snippet', () => {
  it('holds what differs from the preset as attributes', () => {
    const values = { ...presetValues(schema, 'quick'), stepSize: -1, causal: true };
    expect(embedSnippet(schema, { preset: 'quick', values }, 'https://example.org/t/embed.js')).toBe(
      '<script type="module" src="https://example.org/t/embed.js"></script>\n' +
        '<tessella-lab lab="sample" preset="quick" step-size="-1" causal="true"></tessella-lab>',
    );
  });

  it('cannot break out of an attribute', () => {
    const values = { ...presetValues(schema, null), source: { kind: 'sample', name: '"><script>' } as const };
    expect(embedSnippet(schema, { preset: null, values }, 'x')).toContain('source="&quot;&gt;&lt;script&gt;"');
  });
});
