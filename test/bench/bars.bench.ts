/** The promises about the page: how soon something is seen, how fast it answers, and that nothing is left behind. */
import type { Page } from 'playwright-core';
import { buildPages } from '../support/built-page';
import { distinctColors, openBrowser, visit } from '../support/visit';
import type { Bench, BenchRow } from './bench';

export const bench: Bench = {
  title: 'The page on the software adapter',
  async run(print) {
    const pages = await buildPages('index.html', 'test/bench/bars-page.html');
    const browser = await openBrowser();
    try {
      const first = await visit(browser, 'about:blank');
      print({ what: 'first visible result of the first lab', ...(await firstResult(first.page, pages.url)) });
      await first.page.close();

      const { page } = await visit(browser, new URL('test/bench/bars-page.html', pages.url).href);
      await page.waitForFunction(() => 'barsPage' in globalThis);
      const labs = await page.evaluate(() => barsPage.labs());
      for (const lab of labs) {
        const longest = await page.evaluate((name) => barsPage.longestTask(name), lab);
        print({ what: `longest task of the main thread, ${lab}`, measured: longest, unit: 'ms', bar: { atMost: 50 } });
      }
      const moves = await page.evaluate(() =>
        barsPage.sliderLatency('sinkhorn', 'epsilon', [0.08, 0.06, 0.09, 0.07, 0.1]),
      );
      print({ what: "a slider's move to the new run's first frame, sinkhorn", ...worst(moves) });
      for (const lab of labs) {
        const times = await page.evaluate((name) => barsPage.cancelLatency(name, {}, [0, 10, 100, 400]), lab);
        print({ what: `cancel to a free engine, ${lab}`, ...worst(times) });
      }
      const none = { unit: 'buffers', bar: { atMost: 0 } };
      const mounts = await page.evaluate(() => barsPage.mountAndUnmount('sinkhorn', 200));
      print({ what: 'live GPU buffers after 200 mounts and unmounts', measured: mounts, ...none });
      const runs = await page.evaluate(() =>
        barsPage.runs('sinkhorn', { samples: 64, maximumIterations: 2, tolerance: 0.1 }, 1000),
      );
      print({ what: 'live GPU buffers after 1,000 runs', measured: runs, ...none });
    } finally {
      await browser.close();
      await pages.close();
    }
  },
};

function worst(times: readonly number[]): Omit<BenchRow, 'what'> {
  return { measured: Math.max(...times), unit: 'ms', bar: { atMost: 150 } };
}

/** From the start of the navigation to a figure with something on it. */
async function firstResult(page: Page, url: string): Promise<Omit<BenchRow, 'what'>> {
  const from = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  const deadline = from + 60_000;
  const canvases = page.locator('tessella-lab canvas');
  for (;;) {
    const colors = await Promise.all((await canvases.all()).map((canvas) => distinctColors(canvas).catch(() => 0)));
    const measured = performance.now() - from;
    if (Math.max(0, ...colors) > 8) return { measured: measured / 1000, unit: 's', bar: { atMost: 5 } };
    if (performance.now() > deadline) throw new Error('No figure has anything on it after a minute.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
