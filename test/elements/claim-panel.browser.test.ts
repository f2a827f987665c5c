import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import '../../src/elements/claim-panel';
import type { ClaimPanelElement } from '../../src/elements/claim-panel';
import type { ClaimResult } from '../../src/engine/protocol';
import { clearResults, loadResult } from '../../src/share/results';
import { schema } from '../share/schema';
import { FakeEngine } from './fake-engine';
import { find, painted, textOf, until } from './support';

const result: ClaimResult = {
  lab: 'sample',
  id: 'halves',
  paper: 'On Testing',
  catalog: 'P000',
  claim: 'The error halves.',
  preset: 'quick',
  measured: 2.0321,
  expected: '2.0 ± 0.1',
  holds: true,
  seconds: 1.5,
  adapter: 'Fake GPU',
  error: null,
};

function mountClaims(engine: FakeEngine): ClaimPanelElement {
  const panel = document.createElement('tessella-claim-panel');
  panel.lab = schema;
  panel.engine = engine;
  document.body.append(panel);
  return panel;
}

beforeEach(clearResults);
afterEach(() => {
  document.body.replaceChildren();
});

describe('<tessella-claim-panel>', () => {
  it('says what the paper says, with its title and link, before anything was tried', async () => {
    const panel = mountClaims(new FakeEngine(schema));
    await panel.updateComplete;
    expect(textOf(panel)).toMatch(/The error halves\..*On Testing.*expected 2\.0 ± 0\.1.*not tried yet/);
    expect(find<HTMLAnchorElement>(panel, 'a').href).toBe('https://example.org/paper');
  });

  it('tries a claim with progress, shows the number and keeps it, and never shows the catalogue id', async () => {
    const engine = new FakeEngine(schema);
    let answer: (value: ClaimResult) => void = () => undefined;
    engine.answer = new Promise((resolve) => {
      answer = resolve;
    });
    const panel = mountClaims(engine);
    await panel.updateComplete;
    find(panel, '[part="try"]').click();
    engine.proofs[0]?.options.onProgress?.({
      type: 'progress',
      step: 3,
      steps: 10,
      millisecondsPerStep: 1,
      remainingMs: 7000,
    });
    await painted();
    expect(engine.proofs[0]).toMatchObject({ lab: 'sample', claim: 'halves', size: 'quick' });
    expect(textOf(panel)).toMatch(/step 3 of 10, about 7 s left/);
    answer(result);
    await until(() => loadResult('sample', 'halves'), 'the result');
    await painted();
    expect(textOf(panel)).toMatch(/2\.03 expected 2\.0 ± 0\.1 Fake GPU · quick · 1\.5 s.*holds/);
    expect(textOf(panel)).not.toContain('P000');
  });

  it('shows a claim that does not hold as such', async () => {
    const engine = new FakeEngine(schema);
    engine.answer = Promise.resolve({ ...result, measured: 1.2, holds: false });
    const panel = mountClaims(engine);
    await panel.updateComplete;
    find(panel, '[part="try"]').click();
    await until(() => textOf(panel).includes('does not hold'), 'the verdict');
    expect(find(panel, '.claim').dataset.outcome).toBe('fails');
  });

  it('says why there is no result, and keeps the one there was', async () => {
    const engine = new FakeEngine(schema);
    engine.answer = Promise.resolve(result);
    const panel = mountClaims(engine);
    await panel.updateComplete;
    find(panel, '[part="try"]').click();
    await until(() => textOf(panel).includes('holds'), 'the verdict');
    engine.answer = Promise.reject(new Error('the worker is gone'));
    find(panel, '[part="try"]').click();
    await until(() => textOf(panel).includes('the worker is gone'), 'the reason');
    expect(loadResult('sample', 'halves')).toMatchObject({ measured: 2.0321 });
  });
});
