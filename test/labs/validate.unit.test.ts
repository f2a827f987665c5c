/** Values from attributes, links and scripts: read by type, clamped, refused in words, the rest kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choice, data, integer, real, seed, text, toggle, type ParameterDeclarations } from '../../src/labs/parameters';
import { nearestName, parseParameters } from '../../src/labs/validate';

const declarations = {
  epsilon: real({ label: 'epsilon', min: 1e-4, max: 1, scale: 'log', default: 0.05, live: true }),
  samples: integer({ label: 'samples', min: 16, max: 100, step: 16, default: 32 }),
  colourSpace: choice({ label: 'colour space', options: { linear: 'linear RGB', oklab: 'OKLab' }, default: 'oklab' }),
  masked: toggle({ label: 'masked', default: false }),
  words: text({ label: 'words', default: 'to be', maxLength: 8 }),
  seed: seed(7),
  source: data('image', { label: 'source', default: 'alps', samples: { alps: 'Alps', cat: 'Cat' } }),
  weights: data('matrix', { label: 'weights', default: null }),
} satisfies ParameterDeclarations;

const parse = (raw: Readonly<Record<string, unknown>>, base?: Readonly<Record<string, unknown>>) =>
  parseParameters(declarations, raw, base);

const defaults = {
  epsilon: 0.05,
  samples: 32,
  colourSpace: 'oklab',
  masked: false,
  words: 'to be',
  seed: 7,
  source: { kind: 'sample', name: 'alps' },
  weights: { kind: 'none' },
};

describe('what is missing', () => {
  it('takes its default', () => {
    expect(parse({})).toEqual({ values: defaults, problems: [] });
    expect(parse({ epsilon: undefined })).toEqual({ values: defaults, problems: [] });
  });

  it('keeps its value in the base, where that is valid', () => {
    expect(parse({}, { epsilon: 0.5, samples: 'nonsense' }).values).toEqual({ ...defaults, epsilon: 0.5 });
  });
});

describe('a text parameter', () => {
  it('is kept as it is, cut where it is too long, and refused where it is none', () => {
    expect(parse({ words: ' a\n' })).toEqual({ values: { ...defaults, words: ' a\n' }, problems: [] });
    expect(parse({ words: '' }).values.words).toBe('');
    expect(parse({ words: 12 }).values.words).toBe('12');
    expect(parse({ words: 'not to be' })).toEqual({
      values: { ...defaults, words: 'not to b' },
      problems: [{ name: 'words', message: 'words: the text has 9 characters; the first 8 were kept.' }],
    });
    expect(parse({ words: true }).problems[0]?.message).toContain('is not a text');
  });

  it('holds nothing that a link cannot', () => {
    expect(parse({ words: 'a\ud800b' }).values.words).toBe('a\u{fffd}b');
    expect(parse({ words: 'seven \u{1f600}\u{1f600}' }).values.words).toBe('seven \u{1f600}');
  });
});

describe('text', () => {
  it('is read by the type of its parameter', () => {
    const file = new Blob(['x']);
    const { values, problems } = parse({
      epsilon: ' 2e-2 ',
      samples: '64',
      colourSpace: 'Linear',
      masked: 'on',
      seed: '4294967295',
      source: 'cat',
      weights: { kind: 'file', file, name: 'w.npy' },
    });
    expect(problems).toEqual([]);
    expect(values).toEqual({
      ...defaults,
      epsilon: 0.02,
      samples: 64,
      colourSpace: 'linear',
      masked: true,
      seed: 0xffff_ffff,
      source: { kind: 'sample', name: 'cat' },
      weights: { kind: 'file', file, name: 'w.npy' },
    });
  });

  it.each(['', ' ', '0x10', '1,5', 'NaN', 'Infinity', '1 2', '1e', 'true', '--1'])('%j is not a number', (text) => {
    const { values, problems } = parse({ epsilon: text, masked: 'yes' });
    expect(values).toEqual({ ...defaults, masked: true });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toMatch(/^epsilon: .* is not a number.*; 0.05 was kept\.$/);
  });

  it('with a decimal comma is refused with the reason', () => {
    expect(parse({ epsilon: '0,02' }).problems[0]?.message).toContain('write the decimal point as a point');
  });
});

describe('what is out of range', () => {
  it.each([
    ['epsilon', 5, 1],
    ['epsilon', 0, 1e-4],
    ['epsilon', '1e400', 1],
    ['epsilon', -Infinity, 1e-4],
    ['samples', 1000, 100],
    ['samples', -3, 16],
    ['samples', 99, 96],
    ['samples', 20, 16],
    ['seed', -1, 0],
    ['seed', 2 ** 40, 0xffff_ffff],
    ['seed', 1.4, 1],
  ] as const)('%s = %s is set to %s, and said', (name, given, expected) => {
    const { values, problems } = parse({ [name]: given });
    expect(values).toEqual({ ...defaults, [name]: expected });
    expect(problems.map((problem) => problem.name)).toEqual([name]);
    expect(problems[0]?.message).toMatch(/set to|rounded to/);
  });

  it('is not what lies on either bound', () => {
    for (const raw of [{ epsilon: 1e-4 }, { epsilon: 1 }, { samples: 16 }, { samples: 100 }, { seed: 0 }]) {
      expect(parse(raw)).toEqual({ values: { ...defaults, ...raw }, problems: [] });
    }
  });
});

describe('the wrong type', () => {
  it.each([
    ['epsilon', true],
    ['epsilon', null],
    ['epsilon', Number.NaN],
    ['epsilon', [0.1]],
    ['samples', {}],
    ['colourSpace', 'srgb'],
    ['colourSpace', 3],
    ['colourSpace', '__proto__'],
    ['masked', 'maybe'],
    ['masked', 2],
    ['source', 'dog'],
    ['source', 7],
    ['source', { kind: 'none' }],
    ['source', { kind: 'file', file: 'not a blob', name: 'x' }],
    ['weights', 'some sample'],
  ] as const)('%s = %j is refused, and the value kept', (name, given) => {
    const { values, problems } = parse({ [name]: given });
    expect(values).toEqual(defaults);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain('was kept');
  });
});

describe('an unknown name', () => {
  it('is ignored and the nearest one named', () => {
    const { values, problems } = parse({ epsilom: 1, 'colour-space': 'linear', zzzzzzzzz: 1 });
    expect(values).toEqual(defaults);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('did you mean "epsilon"'),
      expect.stringContaining('did you mean "colourSpace"'),
      expect.stringContaining('There are: epsilon, samples'),
    ]);
  });

  it('has no nearest where nothing is near', () => {
    expect(nearestName('sinkhron', ['matmul', 'sinkhorn', 'attention'])).toBe('sinkhorn');
    expect(nearestName('xyzxyzxyz', ['matmul', 'sinkhorn'])).toBeUndefined();
    expect(nearestName('anything', [])).toBeUndefined();
  });
});

describe('whatever is given', () => {
  const anything = fc.dictionary(
    fc.oneof(fc.constantFrom(...Object.keys(declarations)), fc.string()),
    fc.oneof(fc.anything(), fc.string(), fc.double(), fc.double().map(String), fc.integer()),
  );

  it('every value that comes out is valid', () => {
    fc.assert(
      fc.property(anything, anything, (raw, base) => {
        const { values } = parse(raw, base);
        expect(Object.keys(values)).toEqual(Object.keys(declarations));
        const { epsilon, samples, seed: value } = values;
        expect(typeof epsilon === 'number' && epsilon >= 1e-4 && epsilon <= 1).toBe(true);
        expect(
          samples === 100 || (typeof samples === 'number' && samples % 16 === 0 && samples >= 16 && samples < 100),
        ).toBe(true);
        expect(typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
      }),
    );
  });

  it('what came out is taken again without a word', () => {
    fc.assert(
      fc.property(anything, (raw) => {
        const { values } = parse(raw);
        expect(parse(values)).toEqual({ values, problems: [] });
      }),
    );
  });

  it('a real number in range survives its way through text', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 1, noNaN: true }), (epsilon) => {
        expect(parse({ epsilon: String(epsilon) })).toEqual({ values: { ...defaults, epsilon }, problems: [] });
      }),
    );
  });
});
