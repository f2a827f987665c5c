/** The engine in a headless Chromium, seen from Node.js. A page that dies is opened again for the next claim. */
import type { Browser, Page } from 'playwright-core';
import { deserializeError } from '../../src/device/errors';
import type { ClaimResult, EngineStatus, LabSummary } from '../../src/engine/protocol';
import { openOnBestAdapter } from '../support/best-adapter';
import { buildPages } from '../support/built-page';
import type { Answer } from './page';

/** The engine of one browser page. */
export interface EnginePage extends AsyncDisposable {
  /** True where the only adapter runs on the CPU. */
  readonly isFallback: boolean;
  catalogue(): Promise<readonly LabSummary[]>;
  status(): Promise<EngineStatus>;
  /** Rejects if the claim cannot be tried, or the page dies over it. */
  prove(lab: string, claim: string, size: 'quick' | 'full'): Promise<ClaimResult>;
  /** Leaves the page, and whatever it is stuck in: the next call opens a fresh one. */
  reopen(): Promise<void>;
}

/** Builds and serves the engine, and opens it on the machine's GPU or, failing that, on the software adapter. */
export async function openEnginePage(): Promise<EnginePage> {
  const pages = await buildPages('test/reproduce/page.html');
  try {
    const url = new URL('test/reproduce/page.html', pages.url).href;
    const { browser, page, isFallback } = await openOnBestAdapter(url);
    await page.close();
    return driver(browser, url, isFallback, async () => {
      await browser.close();
      await pages.close();
    });
  } catch (error) {
    await pages.close();
    throw error;
  }
}

function driver(browser: Browser, url: string, isFallback: boolean, close: () => Promise<void>): EnginePage {
  let current: Page | undefined;

  async function call<T>(question: (page: Page) => Promise<Answer<T>>): Promise<T> {
    if (current?.isClosed() !== false) current = await openPage(browser, url);
    const answer = await question(current);
    if ('error' in answer) throw deserializeError(answer.error);
    return answer.value;
  }

  return {
    isFallback,
    catalogue: () => call((page) => page.evaluate(() => reproducePage.catalogue())),
    status: () => call((page) => page.evaluate(() => reproducePage.status())),
    prove: (lab, claim, size) =>
      call((page) => page.evaluate((asked) => reproducePage.prove(...asked), [lab, claim, size] as const)),
    async reopen() {
      await current?.close();
    },
    [Symbol.asyncDispose]: close,
  };
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.on('crash', () => void page.close());
  await page.goto(url);
  await page.waitForFunction(() => 'reproducePage' in globalThis);
  return page;
}
