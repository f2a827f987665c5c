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

const ROUNDS = 5;

const cases = [
  { n: 1024, onSoftware: 10, checked: 3 },
  { n: 4096, onSoftware: 1, checked: 1 },
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
        for (const { n, onSoftware, checked } of cases) {
          const iterations = adapter.isFallback ? onSoftware : ITERATIONS;
          const times = await page.evaluate((asked) => sinkhornPage.compare(...asked), [
            n,
            iterations,
            ROUNDS,
            checked,
          ] as const);
          const ratios = speedups(times);
          print({
            what: `n = ${String(n)}`,
            measured: median(ratios),
            unit: 'x',
            bar: { atLeast: 2 },
            note: [
              `${Math.min(...ratios).toPrecision(3)} to ${Math.max(...ratios).toPrecision(3)} x in ${String(ROUNDS)} rounds in turns`,
              ...times.map(words),
              `${String(iterations)} iterations a round, scaled to ${String(ITERATIONS)}`,
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

/** In each round, the fastest peer's time over ours. */
function speedups([ours, ...peers]: readonly SinkhornTime[]): readonly number[] {
  return (ours?.iterationMs ?? []).map(
    (time, round) => Math.min(...peers.map(({ iterationMs }) => iterationMs[round] ?? Infinity)) / time,
  );
}

function words({ name, iterationMs, error }: SinkhornTime): string {
  const rounds = iterationMs.length === 1 ? ' (once)' : '';
  return `${name} ${(median(iterationMs) * ITERATIONS).toPrecision(3)} ms${rounds}, error ${error.toPrecision(2)}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
