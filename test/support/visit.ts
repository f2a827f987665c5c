/** A browser for end-to-end tests, and pages that remember everything that went wrong on them. */
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { chromiumLaunchOptions } from './chromium';

export interface Visit {
  readonly page: Page;
  /** Errors on the console, exceptions, and requests that failed, in order. */
  readonly problems: readonly string[];
}

export interface VisitOptions {
  /** CSS pixels: 1440 unless said otherwise. */
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
}

/** A browser with WebGPU on the software adapter, or one without WebGPU. Close it when the file is done. */
export async function openBrowser({ webgpu = true }: { readonly webgpu?: boolean } = {}): Promise<Browser> {
  const { args = [], ...options } = await chromiumLaunchOptions();
  return chromium.launch({
    ...options,
    args: webgpu ? args : ['--no-sandbox', '--disable-features=WebGPU,WebGPUService'],
  });
}

/** Opens a page in a context of its own: nothing is stored from visits before. */
export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { width = 1440, colorScheme = 'light' } = options;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => problems.push(`request: ${request.url()}`));
  page.on('crash', () => problems.push('the page crashed'));
  await page.goto(url);
  return { page, problems };
}

/** How a `<tessella-lab>` stands; a page can read the same property. */
export async function labState(lab: Locator): Promise<string> {
  return lab.evaluate((element) =>
    'state' in element && typeof element.state === 'string' ? element.state : 'not upgraded',
  );
}

/** Waits until a lab has come to a result, and says how: `listening` (live changes reach it) or `finished`. */
export async function waitForResult(lab: Locator, timeoutMs = 90_000): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const state = await labState(lab);
    if (state === 'listening' || state === 'finished') return state;
    if (state === 'failed') throw new Error(`The lab failed: ${await textWithin(lab)}`);
    if (performance.now() > deadline) throw new Error(`The lab is still ${state} after ${timeoutMs / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** How many different colours there are on a canvas; 1 is a blank one. */
export async function distinctColors(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    if (!(element instanceof HTMLCanvasElement)) throw new Error('This is no canvas.');
    const { width, height } = element;
    const copy = new OffscreenCanvas(Math.max(width, 1), Math.max(height, 1)).getContext('2d');
    if (copy === null || width === 0 || height === 0) return 0;
    copy.drawImage(element, 0, 0);
    return new Set(new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer)).size;
  });
}

/** All text inside an element, its shadow roots included. */
export async function textWithin(element: Locator): Promise<string> {
  return element.evaluate((top) => {
    const parts: string[] = [];
    const collect = (node: Node): void => {
      if (node instanceof Text) parts.push(node.data);
      if (node instanceof HTMLStyleElement) return;
      if (node instanceof Element && node.shadowRoot !== null) collect(node.shadowRoot);
      node.childNodes.forEach(collect);
    };
    collect(top);
    return parts.join(' ').replace(/\s+/g, ' ').trim();
  });
}
