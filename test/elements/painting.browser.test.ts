/** Points painted by hand: by pointer, by keyboard, taken back, taken as a file, and through a whole lab. */
import { userEvent } from 'vitest/browser';
import { afterEach, describe, expect, it } from 'vitest';
import { readData } from '../../src/data/read';
import '../../src/elements/data-drop';
import type { DataDropElement } from '../../src/elements/data-drop';
import '../../src/elements/tessella-lab';
import { dab, mostPoints, paintingFile, pointCount } from '../../src/elements/painting';
import type { LabManifest } from '../../src/engine/protocol';
import { data, type DataChoice, type NumericMatrix, type PaintSheet } from '../../src/labs/parameters';
import { schema } from '../share/schema';
import { FakeEngine } from './fake-engine';
import { field, find, mountRunning, textOf, until } from './support';

afterEach(() => {
  document.body.replaceChildren();
});

const sheet: PaintSheet = { x: [-2, 2], y: [0, 10] };
const square: PaintSheet = { x: [-1, 1], y: [-1, 1], classes: { cat: 'rgb(255, 0, 0)', dog: 'rgb(0, 0, 255)' } };

/** A data control that takes every choice, as the panel does. */
async function mountDrop(
  paint: PaintSheet,
): Promise<{ readonly drop: DataDropElement; readonly chosen: DataChoice[] }> {
  const drop = document.createElement('tessella-data-drop');
  drop.declaration = data('matrix', { label: 'cloud', default: null, paint });
  const chosen: DataChoice[] = [];
  drop.addEventListener('data-choose', (event) => {
    const { detail } = event as CustomEvent<DataChoice>;
    chosen.push(detail);
    drop.value = detail;
  });
  document.body.append(drop);
  await drop.updateComplete;
  return { drop, chosen };
}

async function openPad(drop: Element): Promise<HTMLElement> {
  find(drop, '[part="paint"]').click();
  const pad = await until(() => drop.shadowRoot?.querySelector('tessella-paint-pad'), 'the pad');
  await pad.updateComplete;
  return pad;
}

const sheetOf = (pad: Element): HTMLCanvasElement => find<HTMLCanvasElement>(pad, 'canvas');
const press = (pad: Element, part: string): void => {
  find(pad, `[part="${part}"]`).click();
};
const isDisabled = (pad: Element, part: string): boolean => find<HTMLButtonElement>(pad, `[part="${part}"]`).disabled;

/** Drags over the sheet through places given as shares of it, down from its top left corner. */
async function drag(pad: Element, ...places: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const canvas = sheetOf(pad);
  // Capture needs a pointer that the browser knows of.
  canvas.setPointerCapture = () => undefined;
  const box = canvas.getBoundingClientRect();
  places.forEach(([x, y], index) => {
    const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height, pointerId: 5, button: 0 };
    canvas.dispatchEvent(new PointerEvent(index === 0 ? 'pointerdown' : 'pointermove', at));
  });
  canvas.dispatchEvent(new PointerEvent('pointerup', { pointerId: 5 }));
  await Promise.resolve();
}

async function matrixOf(choice: DataChoice | undefined): Promise<NumericMatrix> {
  if (choice?.kind !== 'file') throw new Error('no file was chosen');
  const { value } = await readData(choice, 'matrix');
  if (value === undefined) throw new Error('the file holds nothing');
  return value;
}

const column = ({ values, columns }: NumericMatrix, at: number): number[] =>
  [...values].filter((_, index) => index % columns === at);

describe('painting', () => {
  it('becomes a file of points in the coordinates of the sheet, where they were painted', async () => {
    const { drop, chosen } = await mountDrop(sheet);
    const pad = await openPad(drop);
    expect(isDisabled(pad, 'done')).toBe(true);
    await drag(pad, [0.25, 0.2], [0.75, 0.2]);
    await until(() => !isDisabled(pad, 'done'), 'the button');
    press(pad, 'done');
    expect(chosen).toHaveLength(1);
    expect(chosen[0]).toMatchObject({ kind: 'file', name: 'painted' });
    const matrix = await matrixOf(chosen[0]);
    expect(matrix.columns).toBe(2);
    // 16 points where the brush came down, and 6 for every 0.012 of the way.
    expect(matrix.rows).toBe(16 + 6 * 41);
    const [x, y] = [column(matrix, 0), column(matrix, 1)];
    // From -1 to 1 at height 8, and the brush reaches 0.06 of the sheet further.
    expect(Math.min(...x)).toBeGreaterThanOrEqual(-1 - 0.06 * 4 - 0.02);
    expect(Math.min(...x)).toBeLessThan(-1);
    expect(Math.max(...x)).toBeGreaterThan(1 - 0.05);
    expect(Math.max(...x)).toBeLessThanOrEqual(1 + 0.06 * 4 + 0.02);
    for (const value of y) expect(Math.abs(value - 8)).toBeLessThanOrEqual(0.06 * 10 + 0.05);
    await until(() => drop.shadowRoot?.querySelector('tessella-paint-pad') === null, 'the pad to close');
    expect(textOf(drop)).toMatch(/painted · 262 points/);
  });

  it('can be undone, cleared and got back', async () => {
    const { drop } = await mountDrop(sheet);
    const pad = await openPad(drop);
    const count = (): string => textOf(find(pad, '[role="status"]')).trim();
    await drag(pad, [0.5, 0.5]);
    await until(() => count() === '16 points', 'the first stroke');
    await drag(pad, [0.2, 0.2]);
    await until(() => count() === '32 points', 'the second stroke');
    press(pad, 'undo');
    await until(() => count() === '16 points', 'one stroke less');
    press(pad, 'clear');
    await until(() => count() === '0 points' && isDisabled(pad, 'done'), 'an empty sheet');
    press(pad, 'undo');
    await until(() => count() === '16 points', 'the stroke again');
    expect(isDisabled(pad, 'done')).toBe(false);
  });

  it('works from the keyboard alone, and gives the focus back', async () => {
    const { drop, chosen } = await mountDrop(sheet);
    const pad = await openPad(drop);
    expect(pad.shadowRoot?.activeElement).toBe(sheetOf(pad));
    await userEvent.keyboard('{Shift>}{ArrowRight}{ArrowRight}{/Shift}{ArrowUp} ');
    await userEvent.keyboard('{ArrowLeft} {Backspace}');
    await until(() => textOf(find(pad, '[role="status"]')).includes('16 points'), 'the points');
    press(pad, 'done');
    const matrix = await matrixOf(chosen[0]);
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(column(matrix, 0)) - 0.1 * 4)).toBeLessThan(0.06 * 4 * 0.5);
    expect(Math.abs(mean(column(matrix, 1)) - 5.1)).toBeLessThan(0.06 * 10 * 0.5);
    await until(() => drop.shadowRoot?.activeElement?.getAttribute('part') === 'paint', 'the focus');
  });

  it('changes nothing when it is left, by button or Escape', async () => {
    const { drop, chosen } = await mountDrop(sheet);
    const isShut = (): boolean => drop.shadowRoot?.querySelector('tessella-paint-pad') === null;
    const pad = await openPad(drop);
    await drag(pad, [0.5, 0.5]);
    press(pad, 'cancel');
    await until(isShut, 'the pad to close');
    await openPad(drop);
    await userEvent.keyboard('{Escape}');
    await until(isShut, 'the pad to close');
    expect(chosen).toEqual([]);
  });

  it('goes on from what was painted before, in another control too', async () => {
    const first = await mountDrop(sheet);
    const pad = await openPad(first.drop);
    await drag(pad, [0.5, 0.5]);
    await until(() => !isDisabled(pad, 'done'), 'the button');
    press(pad, 'done');
    const second = await mountDrop(sheet);
    second.drop.value = first.drop.value;
    await second.drop.updateComplete;
    const again = await openPad(second.drop);
    await drag(again, [0.1, 0.1]);
    await until(() => textOf(find(again, '[role="status"]')).includes('32 points'), 'both strokes');
  });

  it('gives every point a class where the sheet has some', async () => {
    const { drop, chosen } = await mountDrop(square);
    const pad = await openPad(drop);
    await drag(pad, [0.2, 0.5]);
    pad.shadowRoot?.querySelectorAll<HTMLInputElement>('input[type="radio"]')[1]?.click();
    await drag(pad, [0.8, 0.5]);
    await until(() => textOf(find(pad, '[role="status"]')).includes('32 points'), 'both strokes');
    press(pad, 'done');
    const matrix = await matrixOf(chosen[0]);
    expect(matrix.columns).toBe(3);
    column(matrix, 2).forEach((label, row) => expect(label).toBe((column(matrix, 0)[row] ?? 0) < 0 ? 0 : 1));
  });

  it('stays on the sheet and stops at the most points there can be', async () => {
    expect(dab(0, 1, 0.2, 500, 0).every((share) => share >= 0 && share <= 1)).toBe(true);
    const { drop } = await mountDrop(sheet);
    const pad = await openPad(drop);
    await drag(pad, ...Array.from({ length: 60 }, (_, i) => [i % 2 ? 0.9 : 0.1, 0.1 + i / 80] as const));
    await until(() => textOf(find(pad, '[role="status"]')).includes('no more fit'), 'the limit');
    const { painting } = pad as HTMLElement & { painting: Parameters<typeof pointCount>[0] };
    expect(pointCount(painting)).toBe(mostPoints);
    const rows = (await paintingFile(painting, sheet).text()).trim().split('\n');
    expect(rows).toHaveLength(1 + mostPoints);
  });
});

it('reaches the engine as a file, and stays when another parameter changes', async () => {
  const manifest: LabManifest = {
    ...schema,
    params: { ...schema.params, matrix: data('matrix', { label: 'matrix', default: null, paint: square }) },
  };
  const { lab, engine } = await mountRunning({}, new FakeEngine(manifest));
  const drop = find(field(lab, 'matrix'), 'tessella-data-drop');
  const pad = await openPad(drop);
  await drag(pad, [0.3, 0.3], [0.6, 0.6]);
  await until(() => !isDisabled(pad, 'done'), 'the button');
  press(pad, 'done');
  await until(() => engine.runs.length === 2, 'a run with the painting');
  const { matrix } = engine.lastRun.values;
  expect(matrix).toMatchObject({ kind: 'file', name: 'painted' });
  lab.values = { samples: 64 };
  await until(() => engine.runs.length === 3, 'the next run');
  expect(engine.lastRun.values.matrix).toBe(matrix);
  expect(textOf(lab)).toMatch(/Your own files stay on this machine/);
});
