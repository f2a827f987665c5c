import { afterEach, describe, expect, it, vi } from 'vitest';
import { DivergedError, InvalidInputError } from '../../src/device/errors';
import '../../src/elements/tessella-lab';
import { formatPermalink, presetValues } from '../../src/share/permalink';
import { schema } from '../share/schema';
import { FakeEngine } from './fake-engine';
import { field, find, mount, mountRunning, painted, press, textOf, until } from './support';

afterEach(() => {
  document.body.replaceChildren();
  history.replaceState(null, '', '#');
});

describe('<tessella-lab> at its start', () => {
  it('runs with its attributes over the preset over the defaults', async () => {
    const { engine } = await mountRunning({ preset: 'paper', epsilon: '0.02', 'colour-space': 'rgb' });
    expect(engine.lastRun.values).toEqual({
      ...presetValues(schema, 'paper'),
      epsilon: 0.02,
      colourSpace: 'rgb',
    });
  });

  it('says in words what attributes it clamped, refused or does not know, and keeps the rest', async () => {
    const { lab, engine } = await mountRunning({ epsilon: '12', samples: 'many', temperatur: '3', seed: '11' });
    expect(engine.lastRun.values).toMatchObject({ epsilon: 1, samples: 1024, seed: 11 });
    const notes = textOf(find(lab, '[part="notes"]'));
    expect(notes).toMatch(/epsilon: 12 is above the range; it was set to 1/);
    expect(notes).toMatch(/"many" is not a number/);
    expect(notes).toMatch(/no parameter "temperatur"/);
  });

  it('names the labs there are when its own does not exist', async () => {
    const { lab } = mount({ lab: 'sinkhron' });
    const panel = await until(() => lab.renderRoot.querySelector('[part="error"]'), 'the error');
    expect(textOf(panel)).toMatch(/There is no lab "sinkhron"; there are: sample/);
    expect(lab.state).toBe('failed');
  });

  it('takes the quick preset on a software adapter and says so in one line', async () => {
    const { lab, engine } = await mountRunning(
      { preset: 'paper' },
      new FakeEngine(schema, { isFallback: true, label: 'SwiftShader' }),
    );
    expect(engine.lastRun.values).toMatchObject({ samples: 64, epsilon: 0.05 });
    expect(textOf(find(lab, '[part="notes"]'))).toMatch(/SwiftShader.*small preset "Quick"/);
  });

  it('names the reference device where there is no WebGPU', async () => {
    const { lab } = await mountRunning({}, new FakeEngine(schema, { kind: 'reference' }));
    expect(textOf(find(lab, '[part="notes"]'))).toMatch(/This browser has no WebGPU\. .*reference device.*"Quick"/);
  });

  it('reads the page’s address, and keeps it up to date', async () => {
    const values = { ...presetValues(schema, null), epsilon: 0.3 };
    history.replaceState(null, '', formatPermalink(schema, { preset: null, values }));
    const { lab, engine } = await mountRunning({ permalink: '' });
    expect(engine.lastRun.values).toMatchObject({ epsilon: 0.3 });
    lab.values = { epsilon: 0.4 };
    await until(() => location.hash.includes('epsilon=0.4'), 'the address');
    expect(location.hash).toBe(formatPermalink(schema, { preset: lab.chosenPreset, values: lab.values }));
  });

  it('waits for a person with autostart="false"', async () => {
    const { lab, engine } = mount({ autostart: 'false' });
    await until(() => lab.state === 'idle', 'the lab');
    await painted();
    expect(engine.runs).toHaveLength(0);
    press(lab, 'run');
    expect(engine.runs).toHaveLength(1);
  });

  it('does not start off screen, and starts when it is scrolled to', async () => {
    const space = document.createElement('div');
    space.style.height = '4000px';
    document.body.append(space);
    const { lab, engine } = mount();
    await until(() => lab.state === 'idle', 'the lab');
    await painted();
    expect(engine.runs).toHaveLength(0);
    lab.scrollIntoView();
    await until(() => engine.runs.length === 1, 'the run');
    void engine.lastRun.frame('one');
    space.scrollIntoView();
    await until(() => engine.lastRun.calls.includes('pause'), 'the pause');
    lab.scrollIntoView();
    await until(() => engine.lastRun.calls.at(-1) === 'resume', 'the run to go on');
  });
});

describe('<tessella-lab> while it runs', () => {
  it('shows the status in words and tells the page about states', async () => {
    const { lab, engine } = await mountRunning();
    const told: string[] = [];
    const result = vi.fn();
    lab.addEventListener('tessella-status', (event) =>
      told.push((event as CustomEvent<{ state: string }>).detail.state),
    );
    lab.addEventListener('tessella-result', result);
    void engine.lastRun.frame('iteration 1');
    engine.lastRun.handlers.onNotice?.({
      type: 'progress',
      step: 1,
      steps: 100,
      millisecondsPerStep: 3.1,
      remainingMs: 5000,
    });
    await painted();
    expect(textOf(find(lab, 'tessella-run-bar'))).toMatch(/iteration 1 · 3.1 ms each · about 5 s left/);
    engine.lastRun.finish('precision-limited', 'float32 holds ε down to 8e-5 here.');
    await painted();
    expect(told).toEqual(['running', 'finished']);
    expect(result).toHaveBeenCalledOnce();
    expect(textOf(find(lab, 'tessella-run-bar'))).toContain('precision-limited');
    expect(textOf(find(lab, '[part="notes"] .warn'))).toContain('float32 holds ε down to 8e-5 here.');
  });

  it('sends a live parameter to the run and starts anew for any other, the latest of a frame', async () => {
    const { lab, engine } = await mountRunning();
    void engine.lastRun.frame('one');
    lab.values = { stepSize: 1 };
    await painted();
    expect(engine.runs).toHaveLength(1);
    expect(engine.lastRun.liveValues).toEqual([{ stepSize: 1 }]);
    const first = engine.lastRun;
    for (const epsilon of [0.1, 0.2, 0.3]) lab.values = { epsilon };
    await painted();
    expect(engine.runs).toHaveLength(2);
    expect(engine.lastRun.values).toMatchObject({ epsilon: 0.3, stepSize: 1 });
    expect(first.calls).toContain('cancel');
  });

  it('draws nothing of a run that was replaced', async () => {
    const { lab, engine } = await mountRunning();
    const old = engine.lastRun;
    lab.values = { epsilon: 0.3 };
    await painted();
    void engine.lastRun.frame('new');
    void old.frame('old');
    old.handlers.onNotice?.({ type: 'failed', error: new DivergedError('old') });
    await painted();
    expect(lab.state).toBe('running');
    expect(textOf(find(lab, 'tessella-run-bar'))).toContain('new');
  });

  it('pauses, steps, goes on, resets and cancels by its buttons', async () => {
    const { lab, engine } = await mountRunning();
    void engine.lastRun.frame('one');
    await painted();
    press(lab, 'run');
    expect(lab.state).toBe('paused');
    await painted();
    press(lab, 'step');
    press(lab, 'run');
    expect(engine.lastRun.calls).toEqual(['pause', 'pause', 'step', 'resume']);
    expect(lab.state).toBe('running');
    await painted();
    press(lab, 'cancel');
    expect(engine.lastRun.calls.at(-1)).toBe('cancel');
    expect(lab.state).toBe('cancelled');
    await painted();
    press(lab, 'run');
    await painted();
    press(lab, 'reset');
    expect(lab.state).toBe('idle');
    await painted();
    press(lab, 'step');
    expect(engine.runs).toHaveLength(3);
    expect(engine.lastRun.calls).toEqual(['pause', 'step']);
  });

  it('shows a typed error with its remedy, keeps what was drawn, and tries again', async () => {
    const { lab, engine } = await mountRunning();
    void engine.lastRun.frame('one');
    engine.lastRun.handlers.onNotice?.({
      type: 'failed',
      error: new DivergedError('The step of 2 is too large: it diverged at iteration 3. Lower the step size.', {
        field: 'stepSize',
      }),
    });
    await painted();
    const panel = find(lab, '[part="error"]');
    expect(textOf(panel)).toMatch(/left their range.*Lower the step size/);
    expect(lab.renderRoot.querySelectorAll('tessella-figure')).toHaveLength(2);
    find(lab, '[part="retry"]').click();
    await painted();
    expect(engine.runs).toHaveLength(2);
    expect(lab.renderRoot.querySelector('[part="error"]')).toBeNull();
  });

  it('keeps the data there was when a file cannot be read, also where a status came before', async () => {
    const { lab, engine } = await mountRunning();
    void engine.lastRun.frame('one');
    lab.values = { source: { kind: 'file', file: new Blob(['not a picture']), name: 'me.png' } };
    await painted();
    engine.lastRun.say('reading');
    engine.lastRun.handlers.onNotice?.({
      type: 'failed',
      error: new InvalidInputError('"me.png" is not a picture.', { field: 'source' }),
    });
    await painted();
    expect(lab.values.source).toEqual({ kind: 'sample', name: 'alps' });
    expect(engine.lastRun.values.source).toEqual({ kind: 'sample', name: 'alps' });
    expect(lab.state).toBe('starting');
    expect(textOf(field(lab, 'source'))).toMatch(/"me.png" is not a picture\. What was there before was kept\./);
  });

  it('sets the live parameters that a click on a picture stands for', async () => {
    const { lab, engine } = await mountRunning();
    void engine.lastRun.frame('one');
    find(lab, 'tessella-figure').dispatchEvent(
      new CustomEvent('figure-pick', { detail: { values: { column: 31 } }, bubbles: true, composed: true }),
    );
    await painted();
    expect(engine.lastRun.liveValues).toEqual([{ column: 31 }]);
  });
});

describe('<tessella-lab> as an element', () => {
  it('follows attributes and properties that change later', async () => {
    const { lab, engine } = await mountRunning({ epsilon: '0.2' });
    lab.setAttribute('epsilon', '0.3');
    await until(() => engine.lastRun.values.epsilon === 0.3, 'the attribute');
    lab.removeAttribute('epsilon');
    await until(() => engine.lastRun.values.epsilon === 0.05, 'the default');
    Object.assign(lab, { colourSpace: 'rgb' });
    await until(() => engine.lastRun.values.colourSpace === 'rgb', 'the property');
    expect(Reflect.get(lab, 'colourSpace')).toBe('rgb');
  });

  it('takes values that were set before it knew its lab', async () => {
    const { lab, engine } = mount();
    lab.values = { epsilon: 0.5 };
    Object.assign(lab, { samples: 128 });
    await until(() => engine.runs.length > 0, 'the run');
    expect(engine.lastRun.values).toMatchObject({ epsilon: 0.5, samples: 128 });
  });

  it('survives being moved, and ends its run when it is taken away', async () => {
    const { lab, engine } = await mountRunning();
    void engine.lastRun.frame('one');
    const box = document.createElement('div');
    document.body.append(box);
    box.append(lab);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(engine.runs).toHaveLength(1);
    expect(engine.lastRun.calls).not.toContain('cancel');
    lab.remove();
    await until(() => engine.lastRun.calls.includes('cancel'), 'the end of the run');
    box.append(lab);
    await until(() => engine.runs.length === 2, 'the run to begin anew');
  });

  it('leaves no run behind after 200 mounts', async () => {
    const engine = new FakeEngine(schema);
    for (let count = 0; count < 200; count += 1) {
      const { lab } = mount({}, engine);
      if (count % 10 === 0) await painted();
      lab.remove();
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(engine.runs.every(({ calls }) => calls.includes('cancel'))).toBe(true);
    expect(document.querySelectorAll('tessella-lab')).toHaveLength(0);
  });

  it('hides what it is told to', async () => {
    const { lab } = await mountRunning({ hide: 'panel, run-bar' });
    expect(lab.renderRoot.querySelector('tessella-parameter-panel, tessella-run-bar')).toBeNull();
  });

  it('announces states to screen readers, not steps', async () => {
    const { lab, engine } = await mountRunning();
    const line = find(lab, 'tessella-status-line', '[role="status"]');
    for (let step = 0; step < 5; step += 1) void engine.lastRun.frame(`iteration ${String(step)}`);
    await until(() => line.textContent !== '', 'the announcement');
    expect(line.textContent).toBe('Sample lab: running.');
    engine.lastRun.finish();
    await until(() => line.textContent.includes('converged'), 'the outcome');
  });

  it('takes a file dropped over its figures', async () => {
    const { lab, engine } = await mountRunning();
    const files = new DataTransfer();
    files.items.add(new File(['x'], 'me.png', { type: 'image/png' }));
    lab.dispatchEvent(
      new DragEvent('dragover', { dataTransfer: files, bubbles: true, cancelable: true, composed: true }),
    );
    await lab.updateComplete;
    const target = find(lab, '[data-target="source"]');
    target.dispatchEvent(
      new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true, composed: true }),
    );
    await until(() => engine.runs.length === 2, 'the run with the file');
    expect(engine.lastRun.values.source).toMatchObject({ kind: 'file', name: 'me.png' });
    expect(textOf(field(lab, 'source'))).toContain('me.png');
  });
});
