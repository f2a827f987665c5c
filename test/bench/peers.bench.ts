/** Beside the peers: Tessella, jax-js and TensorFlow.js on one page and one adapter, in turns, read-back included. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { buildPages } from '../support/built-page';
import { chromiumLaunchOptions, type AdapterKind } from '../support/chromium';
import type { Bench, BenchRow } from './bench';
import type { BenchCase, ContenderResult } from './peers-page';

/** How long libraries that are close are told apart in one case, after three rounds of all. */
const budgetMs = 20_000;

/** Each case, and how many times as fast as the faster peer is promised. */
const cases: readonly { readonly benchCase: BenchCase; readonly promised: number }[] = [
  { benchCase: { kind: 'matmul', n: 256 }, promised: 1.2 },
  { benchCase: { kind: 'matmul', n: 512 }, promised: 1.2 },
  { benchCase: { kind: 'matmul', n: 1024 }, promised: 1.2 },
  { benchCase: { kind: 'attention', n: 1024 }, promised: 1 },
  { benchCase: { kind: 'attention', n: 4096 }, promised: 1 },
];

export const bench: Bench = {
  title: 'Beside the peers, times as fast as the faster one',
  async run(print) {
    if (!existsSync(join(import.meta.dirname, 'node_modules', '@jax-js', 'jax'))) {
      throw new Error('The peers are not installed: run "npm ci --prefix test/bench" first.');
    }
    const pages = await buildPages('test/bench/peers.html');
    let browser: Browser | undefined;
    try {
      const opened = await openBrowser(new URL('test/bench/peers.html', pages.url).href);
      browser = opened.browser;
      for (const { benchCase, promised } of cases) {
        const results = await opened.page.evaluate(([asked, budget]) => benchPage.compare(asked, budget), [
          benchCase,
          budgetMs,
        ] as const);
        print(rowOf(benchCase, promised, results, await opened.page.evaluate(() => benchPage.usedAdapter())));
      }
    } finally {
      await browser?.close();
      await pages.close();
    }
  },
};

function rowOf(
  { kind, n }: BenchCase,
  promised: number,
  results: readonly ContenderResult[],
  adapter: string,
): BenchRow {
  const [ours, ...peers] = results;
  if (ours === undefined) throw new Error('The page returned no results.');
  const fastestPeerMs = Math.min(...peers.map(({ medianMs }) => medianMs));
  const flops = kind === 'matmul' ? 2 * n ** 3 : 4 * n * n * 64;
  const described = results.map(
    ({ name, medianMs, rounds, firstMs, error }) =>
      `${name} ${medianMs.toFixed(1)} ms (${rounds} rounds), ${(flops / medianMs / 1e6).toPrecision(3)} GFLOP/s, first ${firstMs.toFixed(0)} ms, error ${error.toPrecision(2)}`,
  );
  const held = ours.heldBytes === null ? [] : [`Tessella held ${(ours.heldBytes / 2 ** 20).toFixed(1)} MiB`];
  return {
    what: `${kind} ${n}`,
    measured: fastestPeerMs / ours.medianMs,
    unit: 'x',
    bar: { atLeast: promised },
    note: [...described, ...held, adapter].join('; '),
  };
}

/** The machine's GPU, or the software adapter where there is none. */
async function openBrowser(url: string): Promise<{ browser: Browser; page: Page }> {
  const kinds: readonly AdapterKind[] = ['hardware', 'software'];
  for (const kind of kinds) {
    const browser = await chromium.launch(await chromiumLaunchOptions(kind));
    const page = await browser.newPage();
    page.on('pageerror', (error) => {
      console.error(error.message);
    });
    await page.goto(url);
    await page.waitForFunction(() => 'benchPage' in globalThis);
    const adapter = await page.evaluate(() => benchPage.adapter());
    if (adapter !== null && adapter.isFallback === (kind === 'software')) return { browser, page };
    await browser.close();
  }
  throw new Error('This Chromium has no WebGPU adapter: set TESSELLA_CHROMIUM to a browser that has one.');
}
