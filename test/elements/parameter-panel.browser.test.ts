import { userEvent } from 'vitest/browser';
import { afterEach, describe, expect, it } from 'vitest';
import '../../src/elements/parameter-panel';
import type { ParameterPanelElement } from '../../src/elements/parameter-panel';
import type { ParameterChange } from '../../src/elements/events';
import { presetValues } from '../../src/share/permalink';
import { schema } from '../share/schema';
import { find, textOf } from './support';

afterEach(() => {
  document.body.replaceChildren();
});

/** A panel that takes every change, as the lab does. */
async function mountPanel(): Promise<{ readonly panel: ParameterPanelElement; readonly changes: ParameterChange[] }> {
  const panel = document.createElement('tessella-parameter-panel');
  panel.manifest = schema;
  panel.values = presetValues(schema, null);
  panel.initial = panel.values;
  const changes: ParameterChange[] = [];
  panel.addEventListener('parameter-change', (event) => {
    const { detail } = event as CustomEvent<ParameterChange>;
    changes.push(detail);
    panel.values = { ...panel.values, [detail.name]: detail.value };
  });
  document.body.append(panel);
  await settled(panel);
  return { panel, changes };
}

async function settled(panel: ParameterPanelElement): Promise<void> {
  await panel.updateComplete;
  for (const element of panel.renderRoot.querySelectorAll('tessella-parameter-field')) {
    await element.updateComplete;
    await element.updateComplete;
  }
}

const fieldOf = (panel: ParameterPanelElement, name: string): HTMLElement => find(panel, `[data-name="${name}"]`);
const entryOf = (panel: ParameterPanelElement, name: string): HTMLInputElement => find(fieldOf(panel, name), '#entry');
const sliderOf = (panel: ParameterPanelElement, name: string): HTMLInputElement =>
  find(fieldOf(panel, name), 'input[type="range"]');
const resetOf = (panel: ParameterPanelElement, name: string): HTMLElement => find(fieldOf(panel, name), '.reset');

async function type(entry: HTMLInputElement, text: string): Promise<void> {
  entry.value = text;
  entry.dispatchEvent(new Event('change', { bubbles: true }));
  await Promise.resolve();
}

describe('<tessella-parameter-panel>', () => {
  it('makes a labelled control for each parameter that is not hidden', async () => {
    const { panel } = await mountPanel();
    const names = [...panel.renderRoot.querySelectorAll<HTMLElement>('[data-name]')].map(({ dataset }) => dataset.name);
    expect(names).toEqual([
      'epsilon',
      'stepSize',
      'samples',
      'colourSpace',
      'causal',
      'words',
      'seed',
      'source',
      'matrix',
    ]);
    for (const name of ['epsilon', 'samples', 'causal', 'words', 'seed']) {
      const entry = entryOf(panel, name);
      expect(entry.labels?.[0]?.textContent.trim()).toBe(schema.params[name]?.label);
    }
    expect(sliderOf(panel, 'epsilon').getAttribute('aria-label')).toBe('ε');
    expect(find(fieldOf(panel, 'colourSpace'), '[role="radiogroup"]').getAttribute('aria-label')).toBe('colour space');
  });

  it('takes 1e-6 and decimals, and shows small numbers as powers', async () => {
    const { panel, changes } = await mountPanel();
    await type(entryOf(panel, 'epsilon'), '2.5e-4');
    await settled(panel);
    expect(changes).toEqual([{ name: 'epsilon', value: 2.5e-4 }]);
    expect(entryOf(panel, 'epsilon').value).toBe('2.5e-4');
    expect(sliderOf(panel, 'epsilon').valueAsNumber).toBe(20);
  });

  it('clamps an entry out of range and refuses one that is no number, in words', async () => {
    const { panel, changes } = await mountPanel();
    await type(entryOf(panel, 'epsilon'), '1e-6');
    await settled(panel);
    await settled(panel);
    expect(changes).toEqual([{ name: 'epsilon', value: 1e-4 }]);
    expect(textOf(fieldOf(panel, 'epsilon'))).toMatch(/ε goes from 1e-4 to 1; it was set to the nearest/);
    await type(entryOf(panel, 'epsilon'), 'small');
    await settled(panel);
    expect(changes).toHaveLength(1);
    expect(entryOf(panel, 'epsilon').value).toBe('1e-4');
    expect(textOf(fieldOf(panel, 'epsilon'))).toMatch(/"small" is not a number; ε stays at 1e-4/);
    expect(entryOf(panel, 'epsilon').getAttribute('aria-invalid')).toBe('true');
  });

  it('offers a reset only where a value was changed, and goes back by double click', async () => {
    const { panel } = await mountPanel();
    expect(getComputedStyle(resetOf(panel, 'epsilon')).visibility).toBe('hidden');
    await type(entryOf(panel, 'epsilon'), '0.5');
    await settled(panel);
    expect(getComputedStyle(resetOf(panel, 'epsilon')).visibility).toBe('visible');
    resetOf(panel, 'epsilon').click();
    await settled(panel);
    expect(panel.values.epsilon).toBe(0.05);
    await type(entryOf(panel, 'epsilon'), '0.5');
    await settled(panel);
    sliderOf(panel, 'epsilon').dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
    await settled(panel);
    expect(panel.values.epsilon).toBe(0.05);
  });

  it('works from the keyboard alone', async () => {
    const { panel } = await mountPanel();
    sliderOf(panel, 'samples').focus();
    await userEvent.keyboard('{ArrowRight}');
    expect(panel.values.samples).toBe(2048);
    entryOf(panel, 'samples').focus();
    await userEvent.keyboard('{ArrowUp}');
    expect(panel.values.samples).toBe(4096);
    await settled(panel);
    find(fieldOf(panel, 'colourSpace'), 'input:checked').focus();
    await userEvent.keyboard('{ArrowLeft}');
    expect(panel.values.colourSpace).toBe('rgb');
    entryOf(panel, 'causal').focus();
    await userEvent.keyboard(' ');
    expect(panel.values.causal).toBe(true);
  });

  it('takes a text as it is typed, when it is left, and goes back to the first one', async () => {
    const { panel, changes } = await mountPanel();
    const entry = find(fieldOf(panel, 'words'), 'textarea');
    expect(entry).toMatchObject({ value: 'to be, or not', maxLength: 40 });
    entry.focus();
    await userEvent.keyboard(' to be');
    expect(changes).toEqual([]);
    entry.blur();
    expect(changes.map(({ name }) => name)).toEqual(['words']);
    expect(panel.values.words).toContain(' to be');
    await settled(panel);
    resetOf(panel, 'words').click();
    expect(panel.values.words).toBe('to be, or not');
  });

  it('draws a seed', async () => {
    const { panel } = await mountPanel();
    find(fieldOf(panel, 'seed'), '.dice').click();
    expect(panel.values.seed).not.toBe(7);
    expect(Number.isInteger(panel.values.seed)).toBe(true);
  });

  it('takes a file, shows its name, and refuses one of the wrong kind without losing it', async () => {
    const { panel } = await mountPanel();
    const drop = find(fieldOf(panel, 'matrix'), 'tessella-data-drop');
    const zone = find(drop, '.zone');
    const give = async (name: string, content: string): Promise<void> => {
      const files = new DataTransfer();
      files.items.add(new File([content], name));
      zone.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }));
      await settled(panel);
      await settled(panel);
    };
    await give('a.csv', '1,2');
    expect(panel.values.matrix).toMatchObject({ kind: 'file', name: 'a.csv' });
    expect(textOf(drop)).toContain('a.csv');
    await give('holiday.jpg', 'x');
    expect(panel.values.matrix).toMatchObject({ name: 'a.csv' });
    expect(textOf(drop)).toMatch(/"holiday.jpg" is a picture; this takes numbers/);
    await give('empty.csv', '');
    expect(panel.values.matrix).toMatchObject({ name: 'a.csv' });
    expect(textOf(drop)).toMatch(/"empty.csv" is empty/);
    find(drop, '[aria-label^="Remove"]').click();
    await settled(panel);
    expect(panel.values.matrix).toEqual({ kind: 'none' });
  });

  it('offers the samples and what is generated', async () => {
    const { panel } = await mountPanel();
    const select = find<HTMLSelectElement>(fieldOf(panel, 'matrix'), 'tessella-data-drop', 'select');
    expect([...select.options].map(({ label }) => label.trim())).toEqual(['generated', 'Hilbert']);
    select.value = 'hilbert';
    select.dispatchEvent(new Event('change'));
    expect(panel.values.matrix).toEqual({ kind: 'sample', name: 'hilbert' });
  });
});
