/** A browser on the machine's GPU or, where there is none, on the software adapter. */
import { chromium, type Browser, type Page } from 'playwright-core';
import { UnsupportedError } from '../../src/device/errors';
import { chromiumLaunchOptions, type AdapterKind } from './chromium';

export interface OpenedPage {
  readonly browser: Browser;
  readonly page: Page;
  /** True where the only adapter runs on the CPU. */
  readonly isFallback: boolean;
}

/** Opens a page (a secure context: WebGPU asks for one). Throws `UnsupportedError` where there is no adapter at all. */
export async function openOnBestAdapter(url: string): Promise<OpenedPage> {
  const kinds: readonly AdapterKind[] = ['hardware', 'software'];
  for (const kind of kinds) {
    const browser = await chromium.launch(await chromiumLaunchOptions(kind));
    try {
      const page = await browser.newPage();
      await page.goto(url);
      const adapter = await describeAdapter(page);
      // With the flags for hardware a software adapter is one that nobody set up: the other flags are known to work.
      if (adapter?.isFallback === (kind === 'software')) return { browser, page, isFallback: adapter.isFallback };
    } catch (error) {
      await browser.close();
      // A driver can take the browser down with it; the software adapter is still there.
      if (kind === 'software') throw error;
    }
    await browser.close();
  }
  throw new UnsupportedError(
    'This Chromium has no WebGPU adapter: set TESSELLA_CHROMIUM to the path of a browser that has one.',
  );
}

function describeAdapter(page: Page): Promise<{ readonly isFallback: boolean } | null> {
  return page.evaluate(async () => {
    const gpu = 'gpu' in navigator ? navigator.gpu : undefined;
    // On a busy machine the first answer can be null.
    const adapter = (await gpu?.requestAdapter()) ?? (await gpu?.requestAdapter()) ?? null;
    return adapter && { isFallback: adapter.info.isFallbackAdapter || adapter.info.architecture === 'swiftshader' };
  });
}
