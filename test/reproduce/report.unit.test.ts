import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { chooseLabs, parseOptions } from './options';
import { jsonLine, summary, tableHead, tableRow, type ClaimRow } from './report';

const row: ClaimRow = {
  lab: 'sinkhorn',
  id: 'bounds',
  paper: 'Sinkhorn Distances: Lightspeed Computation of Optimal Transport',
  catalog: null,
  claim: 'The cost lies between a feasible lower and a feasible upper bound.',
  preset: 'quick',
  measured: 0.012345678,
  expected: '<= 0.05',
  unit: null,
  holds: true,
  seconds: 1.25,
  adapter: 'google swiftshader',
  error: null,
};
const failed: ClaimRow = {
  ...row,
  measured: null,
  holds: false,
  error: { name: 'OutOfMemoryError', message: 'Too large: take 4,096 samples.', details: {}, stack: 'at secret.ts' },
};

describe('a line of JSON', () => {
  it('has the agreed fields', () => {
    const parsed = JSON.parse(jsonLine(row)) as Record<string, unknown>;
    expect(Object.keys(parsed)).toEqual([
      ...['lab', 'paper', 'catalog', 'claim', 'preset', 'measured', 'expected', 'holds', 'seconds', 'adapter', 'id'],
    ]);
    expect(parsed).toMatchObject({ catalog: null, measured: 0.012345678, holds: true });
  });

  it('names the error of a claim that failed, without its stack', () => {
    expect(JSON.parse(jsonLine(failed))).toMatchObject({
      measured: null,
      holds: false,
      error: { name: 'OutOfMemoryError', message: 'Too large: take 4,096 samples.' },
    });
    expect(jsonLine(failed)).not.toContain('secret');
  });

  it('is one line whatever the claim says', () => {
    expect(jsonLine({ ...row, claim: 'two\nlines' })).not.toContain('\n');
  });
});

describe('the table', () => {
  it('wraps long cells and loses none of their words', () => {
    const printed = tableRow(row);
    for (const word of [...row.claim.split(' '), ...row.paper.split(' ')]) expect(printed).toContain(word);
    const ruler = tableHead().split('\n')[1] ?? '';
    for (const line of printed.split('\n')) expect(line.length).toBeLessThanOrEqual(ruler.length);
  });

  it('breaks a word that is wider than its column', () => {
    const preset = 'a-preset-with-a-very-long-name';
    const printed = tableRow({ ...row, paper: 'x', claim: 'y', preset });
    const cells = printed.split('\n').map((line) => line.slice(93, 107).trim());
    expect(cells.join('')).toBe(preset);
  });

  it('tells held, not held and failed apart', () => {
    expect(tableRow(row)).toMatch(/\byes\b/);
    expect(tableRow({ ...row, holds: false })).toMatch(/\bNO\b/);
    expect(tableRow(failed)).toContain('OutOfMemoryError: Too large');
    expect(summary([row, { ...row, holds: false }, failed])).toBe(
      '3 claims on google swiftshader: 1 held, 1 did not, 1 failed to run.',
    );
  });
});

describe('what can be asked for', () => {
  const labs = [{ id: 'matmul' }, { id: 'sinkhorn' }, { id: 'attention' }];

  it('takes all labs where none is named, and keeps the order of the catalogue', () => {
    expect(chooseLabs(labs, [])).toEqual(labs);
    expect(chooseLabs(labs, ['attention', 'matmul'])).toEqual([{ id: 'matmul' }, { id: 'attention' }]);
  });

  it('refuses a lab that does not exist and names those that do', () => {
    expect(() => chooseLabs(labs, ['matmul', 'sinkhron'])).toThrow(InvalidInputError);
    expect(() => chooseLabs(labs, ['sinkhron'])).toThrow(/"sinkhron".*matmul, sinkhorn, attention/);
  });

  it('reads flags and labs in any order', () => {
    expect(parseOptions(['--json', 'matmul', '--list', '--full'])).toEqual({
      labs: ['matmul'],
      json: true,
      list: true,
      full: true,
    });
  });

  it('refuses an option that does not exist', () => {
    expect(() => parseOptions(['--fast'])).toThrow(InvalidInputError);
  });
});
