/** Scans, sorts and Fourier transforms: elements per second, and how much of the adapter's copy rate their traffic reaches. */
import { openOnBestAdapter } from '../support/best-adapter';
import { buildPages } from '../support/built-page';
import type { Bench } from './bench';

export const bench: Bench = {
  title: 'Scan, sort, Fourier transform: millions of elements per second',
  async run(print) {
    const pages = await buildPages('test/bench/primitives.html');
    try {
      const { browser, page } = await openOnBestAdapter(new URL('test/bench/primitives.html', pages.url).href);
      try {
        await page.waitForFunction(() => 'primitivesPage' in globalThis);
        const { copyBytesPerSecond, label } = await page.evaluate(() => primitivesPage.adapter());
        print({ what: 'copy', measured: copyBytesPerSecond / 1e9, unit: 'GB/s', note: label });
        for (let index = 0; ; index++) {
          const time = await page.evaluate((at) => primitivesPage.time(at), index);
          if (time === undefined) return;
          const rate = time.bytesPerSecond;
          print({
            what: time.what,
            measured: time.elements / time.medianMs / 1e3,
            unit: 'M/s',
            note: [
              `${time.medianMs.toPrecision(3)} ms ± ${time.spreadMs.toPrecision(2)} (${time.source})`,
              `${(rate / 1e9).toPrecision(3)} GB/s, ${(100 * (rate / copyBytesPerSecond)).toFixed(0)} % of copying`,
              `compiled in ${time.compileMs.toFixed(0)} ms`,
            ].join('; '),
          });
        }
      } finally {
        await browser.close();
      }
    } finally {
      await pages.close();
    }
  },
};
