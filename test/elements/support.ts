/** Puts elements on the page for a test, waits for them, and finds what is inside. */
import type { TessellaLabElement } from '../../src/elements/tessella-lab';
import { schema } from '../share/schema';
import { FakeEngine } from './fake-engine';

/** Waits until the page has painted twice: a change is applied before the next frame, and drawn in it. */
export async function painted(): Promise<void> {
  for (let frame = 0; frame < 2; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
}

/** Waits until `ready` gives something other than undefined, null or false. */
export async function until<T>(ready: () => T, what: string): Promise<NonNullable<T>> {
  const start = performance.now();
  for (;;) {
    const value = ready();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() - start > 5000) throw new Error(`waited 5 s for ${what}`);
    await painted();
  }
}

/** A lab with a fake engine, on screen. */
export function mount(
  attributes: Readonly<Record<string, string>> = {},
  engine = new FakeEngine(schema),
): { readonly lab: TessellaLabElement; readonly engine: FakeEngine } {
  const lab = document.createElement('tessella-lab');
  lab.engine = engine;
  for (const [name, value] of Object.entries({ lab: 'sample', ...attributes })) lab.setAttribute(name, value);
  document.body.append(lab);
  return { lab, engine };
}

/** The same, with its first run started. */
export async function mountRunning(
  attributes: Readonly<Record<string, string>> = {},
  engine = new FakeEngine(schema),
): Promise<{ readonly lab: TessellaLabElement; readonly engine: FakeEngine }> {
  const mounted = mount(attributes, engine);
  await until(() => engine.runs.length > 0, 'the first run');
  await mounted.lab.updateComplete;
  return mounted;
}

/** Finds an element across shadow roots: one selector per root. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows, as with `querySelector`
export function find<E extends HTMLElement = HTMLElement>(root: Element, ...selectors: readonly string[]): E {
  let at: Element = root;
  for (const selector of selectors) {
    const next = (at.shadowRoot ?? at).querySelector(selector);
    if (next === null) throw new Error(`no ${selector} in <${at.localName}>`);
    at = next;
  }
  return at as E;
}

/** A parameter's field. */
export function field(lab: Element, name: string): HTMLElement {
  return find(lab, 'tessella-parameter-panel', `[data-name="${name}"]`);
}

/** Presses one of the run bar's buttons. */
export function press(lab: Element, part: string): void {
  find(lab, 'tessella-run-bar', `[part="${part}"]`).click();
}

/** All text on show, shadow roots included. */
export function textOf(node: Node): string {
  if (node instanceof HTMLStyleElement) return '';
  if (node instanceof Text) return node.data;
  const children = node instanceof Element && node.shadowRoot !== null ? node.shadowRoot.childNodes : node.childNodes;
  return [...children].map(textOf).join(' ').replaceAll(/\s+/g, ' ');
}
