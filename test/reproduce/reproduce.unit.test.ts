import { describe, expect, it } from 'vitest';
import { InvalidInputError, OutOfMemoryError } from '../../src/device/errors';
import type { ClaimResult, EngineStatus, LabSummary } from '../../src/engine/protocol';
import { tryClaims } from './reproduce';

type Engine = Parameters<typeof tryClaims>[0];

const paper = { title: 'A paper', authors: 'Somebody', year: 2020, link: 'https://example.org/', catalog: 'P001' };
const claim = (id: string): LabSummary['claims'][number] => ({
  ...{ id, paper, says: `What ${id} says`, preset: 'paper-size', quick: 'small', expected: '<= 16', unit: null },
});
const lab: LabSummary = {
  ...{ id: 'matmul', title: 'Matrix product', family: 'matrix', summary: '', papers: [paper] },
  claims: [claim('first'), claim('second'), claim('third')],
};

function engineOf(overrides: Partial<Engine> & { kind?: 'webgpu' | 'reference' } = {}): Engine {
  const { kind = 'webgpu', ...methods } = overrides;
  const status: EngineStatus = {
    device: {
      ...{ kind, label: 'an adapter', vendor: '', architecture: '', isFallback: true, features: [], limits: {} },
      subgroupSizes: null,
    },
    generation: 1,
    losses: 0,
    fallbackReason: kind === 'reference' ? 'there is no adapter' : null,
    memory: { liveBuffers: 0, liveBytes: 0, pooledBytes: 0, budgetBytes: 0, largestTensorBytes: 0 },
  };
  return {
    isFallback: true,
    catalogue: () => Promise.resolve([lab]),
    status: () => Promise.resolve(status),
    prove: (id, claimId, size) => Promise.resolve(resultOf(id, claimId, size)),
    reopen: () => Promise.resolve(),
    ...methods,
  };
}

function resultOf(labId: string, id: string, size: 'quick' | 'full'): ClaimResult {
  return {
    ...{ lab: labId, id, paper: paper.title, catalog: paper.catalog, claim: `What ${id} says`, expected: '<= 16' },
    ...{ preset: size === 'quick' ? 'small' : 'paper-size', measured: 3, holds: true, seconds: 0.5 },
    ...{ adapter: 'an adapter', error: null },
  };
}

async function printed(engine: Engine, options: Partial<Parameters<typeof tryClaims>[1]> = {}): Promise<string[]> {
  const lines: string[] = [];
  await tryClaims(engine, { labs: [], json: true, list: false, full: false, ...options }, (text) => lines.push(text));
  return lines;
}

const parsed = (lines: readonly string[]): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('trying claims', () => {
  it('shows a claim that throws as failed and tries the rest', async () => {
    const reopened: string[] = [];
    const engine = engineOf({
      prove: (id, claimId, size) =>
        claimId === 'second'
          ? Promise.reject(new OutOfMemoryError('Too large: take 4,096.'))
          : Promise.resolve(resultOf(id, claimId, size)),
      reopen: () => {
        reopened.push('reopened');
        return Promise.resolve();
      },
    });
    const rows = parsed(await printed(engine));
    expect(rows.map(({ id, holds }) => [id, holds])).toEqual([
      ['first', true],
      ['second', false],
      ['third', true],
    ]);
    expect(rows[1]).toMatchObject({ measured: null, error: { name: 'OutOfMemoryError' } });
    expect(reopened).toHaveLength(1);
  });

  it('takes quick presets on a software adapter, the paper sizes when asked or on a GPU', async () => {
    expect(parsed(await printed(engineOf()))[0]).toMatchObject({ preset: 'small' });
    expect(parsed(await printed(engineOf(), { full: true }))[0]).toMatchObject({ preset: 'paper-size' });
    expect(parsed(await printed(engineOf({ isFallback: false })))[0]).toMatchObject({ preset: 'paper-size' });
  });

  it('never tries a claim on the reference device', async () => {
    await expect(printed(engineOf({ kind: 'reference' }))).rejects.toThrow(/reference device/);
  });

  it('does not count a claim during which the engine went over to the reference device', async () => {
    const gpu = await engineOf().status();
    const reference = await engineOf({ kind: 'reference' }).status();
    const answers = [gpu, gpu, reference, gpu, gpu, gpu, gpu];
    const rows = parsed(await printed(engineOf({ status: () => Promise.resolve(answers.shift() ?? gpu) })));
    expect(rows[0]).toMatchObject({ id: 'first', holds: false, measured: null, error: { name: 'UnsupportedError' } });
    expect(rows[1]).toMatchObject({ id: 'second', holds: true });
  });

  it('refuses a lab that does not exist before anything runs', async () => {
    await expect(printed(engineOf(), { labs: ['sinkhron'] })).rejects.toThrow(InvalidInputError);
  });
});

describe('listing claims', () => {
  it('runs nothing, and leaves open what only a run can know', async () => {
    const engine = engineOf({ kind: 'reference', prove: () => Promise.reject(new Error('A listing must not run.')) });
    const rows = parsed(await printed(engine, { list: true }));
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      lab: 'matmul',
      id: 'first',
      catalog: 'P001',
      measured: null,
      holds: null,
      seconds: null,
    });
    expect(rows[0]).not.toHaveProperty('error');
  });
});
