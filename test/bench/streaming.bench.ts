/** Transport between 65,536 points and as many, whose cost would take 16 GiB: it runs, and in how much time and memory. */
import { buildPages } from '../support/built-page';
import { openOnBestAdapter } from '../support/best-adapter';
import type { Bench } from './bench';

const MEBIBYTE = 2 ** 20;
/** The small one says how memory grows. */
const SMALL = 4096;
const LARGE = 65_536;

export const bench: Bench = {
  title: 'Streaming: one log-domain Sinkhorn iteration (d = 3) under default limits',
  async run(print) {
    const pages = await buildPages('test/bench/streaming.html');
    try {
      const { browser, page } = await openOnBestAdapter(new URL('test/bench/streaming.html', pages.url).href);
      try {
        await page.waitForFunction(() => 'streamingPage' in globalThis);
        const small = await page.evaluate((n) => streamingPage.run(n, 1), SMALL);
        const large = await page.evaluate((n) => streamingPage.run(n, 1), LARGE);
        const where = large.label;
        print({
          what: `both half-iterations, n = m = ${LARGE}`,
          measured: large.iterateMs / 1000,
          unit: 's',
          note: [
            `${((large.iterateMs * 1e6) / (2 * LARGE ** 2)).toPrecision(3)} ns a pair`,
            `n = m = ${SMALL}: ${(small.iterateMs / 1000).toPrecision(3)} s`,
            `placing the points ${(large.placeMs / 1000).toPrecision(3)} s`,
            `marginal error after it ${large.rowError.toPrecision(3)} (at ${SMALL}: ${small.rowError.toPrecision(3)})`,
            where,
          ].join('; '),
        });
        print({
          what: 'potential over epsilon, off from float64',
          measured: large.difference,
          unit: '',
          bar: { atMost: 1e-5 },
          note: `the largest of some rows; at ${SMALL}: ${small.difference.toPrecision(2)}`,
        });
        print({
          what: `most bytes held, n = m = ${LARGE}`,
          measured: large.peakBytes / MEBIBYTE,
          unit: 'MiB',
          bar: { atMost: 256 },
          note: `a stored cost: ${4 * (LARGE / 1024) ** 2} MiB; the largest tensor allowed: ${large.largestTensorBytes / MEBIBYTE} MiB`,
        });
        print({
          what: 'exponent of memory in n',
          measured: Math.log(large.peakBytes / small.peakBytes) / Math.log(LARGE / SMALL),
          unit: '',
          note: `${(small.peakBytes / MEBIBYTE).toPrecision(3)} MiB at ${SMALL}; partial sums take 8 bytes a row and chunk, and there are 64 chunks from ${LARGE} columns on`,
        });
      } finally {
        await browser.close();
      }
    } finally {
      await pages.close();
    }
  },
};
