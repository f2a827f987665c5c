/** Sinkhorn's iteration beside the same written with jax-js (jitted) and TensorFlow.js, which store the costs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { buildPages } from '../support/built-page';
import { chromiumLaunchOptions, type AdapterKind } from '../support/chromium';
import type { Bench } from './bench';
import type { SinkhornTime } from './sinkhorn-page';

/** Times are scaled to so many iterations; a software adapter does fewer. */
const ITERATIONS = 100;

const cases = [
  { n: 1024, onSoftware: 10 },
  { n: 4096, onSoftware: 1 },
] as const;

export const bench: Bench = {
  title: '100 log-domain Sinkhorn iterations (d = 3), times as fast as the faster peer',
  async run(print) {
    if (!existsSync(join(import.meta.dirname, 'node_modules', '@jax-js', 'jax'))) {
      throw new Error('The peers are not installed: run "npm ci --prefix test/bench" first.');
    }
    const pages = await buildPages('test/bench/sinkhorn.html');
    const kinds: readonly AdapterKind[] = ['hardware', 'software'];
    let browser: Browser | undefined;
    try {
      for (const kind of kinds) {
        browser = await chromium.launch(await chromiumLaunchOptions(kind));
        const page = await browser.newPage();
        page.on('pageerror', (error) => {
          console.error(error.message);
        });
        await page.goto(new URL('test/bench/sinkhorn.html', pages.url).href);
        await page.waitForFunction(() => 'sinkhornPage' in globalThis);
        const adapter = await page.evaluate(() => sinkhornPage.adapter());
        if (adapter?.isFallback !== (kind === 'software')) {
          await browser.close();
          continue;
        }
        for (const { n, onSoftware } of cases) {
          const iterations = adapter.isFallback ? onSoftware : ITERATIONS;
          const times = await page.evaluate(([size, count]) => sinkhornPage.compare(size, count), [
            n,
            iterations,
          ] as const);
          print({
            what: `n = ${String(n)}`,
            measured: speedup(times),
            unit: 'x',
            bar: { atLeast: 2 },
            note: [
              ...times.map((time) => words(time, iterations)),
              `${String(iterations)} iterations timed`,
              adapter.label,
            ].join('; '),
          });
        }
        return;
      }
      throw new Error('This Chromium has no WebGPU adapter: set TESSELLA_CHROMIUM to a browser that has one.');
    } finally {
      await browser?.close();
      await pages.close();
    }
  },
};

function speedup([ours, ...peers]: readonly SinkhornTime[]): number {
  return Math.min(...peers.map(({ medianMs }) => medianMs)) / (ours?.medianMs ?? NaN);
}

function words({ name, medianMs, rounds, error }: SinkhornTime, iterations: number): string {
  const hundred = (medianMs * ITERATIONS) / iterations;
  return `${name} ${hundred.toPrecision(3)} ms (${String(rounds)} rounds), error ${error.toPrecision(2)}`;
}
