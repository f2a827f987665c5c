/** Scans, sorts and Fourier transforms: how much of the adapter's copy rate they reach, and how fast they are beside the peers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openOnBestAdapter } from '../support/best-adapter';
import { buildPages } from '../support/built-page';
import type { Bench, BenchRow } from './bench';
import type { BenchCase, ContenderResult } from './peers-page';

/** What some peer has too. */
const compared: readonly (BenchCase & { readonly leastBytes: number; readonly note?: string })[] = [
  { kind: 'prefix sum', n: 2 ** 22, leastBytes: 8 * 2 ** 22 },
  { kind: 'sort', n: 2 ** 22, leastBytes: 8 * 2 ** 22, note: 'f32 keys; ours brings the permutation along' },
  { kind: 'sort', n: 2 ** 16, leastBytes: 8 * 2 ** 16, note: 'as above' },
  { kind: 'Fourier transform', n: 2 ** 20, leastBytes: 16 * 2 ** 20, note: 'complex' },
  { kind: 'top 2 of 64', n: 2 ** 22, leastBytes: 4 * 2 ** 22 },
  { kind: 'histogram in 256 bins', n: 2 ** 22, leastBytes: 4 * 2 ** 22 },
  { kind: 'gather of rows of 64', n: 2 ** 22, leastBytes: 8 * 2 ** 22 },
  { kind: 'sums of rows of 64 in 64 segments', n: 2 ** 22, leastBytes: 4 * 2 ** 22 },
];

/** How long libraries that are close are told apart in one case, after two rounds of all. */
const budgetMs = 3000;

export const bench: Bench = {
  title: 'Scan, sort, Fourier transform: millions of elements per second, and times as fast as the fastest peer',
  async run(print, { only }) {
    const hasPeers = existsSync(join(import.meta.dirname, 'node_modules', 'onnxruntime-web'));
    const pages = await buildPages('test/bench/primitives.html', ...(hasPeers ? ['test/bench/peers.html'] : []));
    try {
      await printRates(new URL('test/bench/primitives.html', pages.url).href, print, only);
      if (!hasPeers) throw new Error('The peers are not installed: run "npm ci --prefix test/bench" first.');
      await printRatios(new URL('test/bench/peers.html', pages.url).href, print, only);
    } finally {
      await pages.close();
    }
  },
};

type Print = (row: BenchRow) => void;

/** One row for each primitive. */
async function printRates(url: string, print: Print, only: string): Promise<void> {
  const { browser, page } = await openOnBestAdapter(url);
  try {
    await page.waitForFunction(() => 'primitivesPage' in globalThis);
    const { copyBytesPerSecond, label } = await page.evaluate(() => primitivesPage.adapter());
    print({ what: 'copy', measured: copyBytesPerSecond / 1e9, unit: 'GB/s', note: label });
    const names = await page.evaluate(() => primitivesPage.names());
    for (const [index, name] of names.entries()) {
      if (!name.includes(only)) continue;
      const time = await page.evaluate((at) => primitivesPage.time(at), index);
      const rate = time.bytesPerSecond;
      print({
        what: name,
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
}

/** One row for each primitive that a peer has too: all on one page and one adapter, in turns, waited for but not read back. */
async function printRatios(url: string, print: Print, only: string): Promise<void> {
  const { browser, page } = await openOnBestAdapter(url);
  try {
    await page.waitForFunction(() => 'benchPage' in globalThis);
    const names = await page.evaluate(() => benchPage.names());
    for (const { kind, n, leastBytes, note } of compared) {
      if (!kind.includes(only)) continue;
      const options = { rounds: 2, budgetMs };
      const results = await page.evaluate(([asked, how]) => benchPage.compare(asked, how), [
        { kind, n },
        options,
      ] as const);
      const measured = results.filter((result) => 'medianMs' in result);
      const ours = measured.find(({ name }) => name === names[0]);
      if (ours === undefined) throw new Error(results.map(describe).join('; '));
      const peersMs = measured.filter((result) => result !== ours).map(({ medianMs }) => medianMs);
      // A copy that moves as many bytes, measured beside it.
      const copyMs = (1000 * leastBytes) / (await page.evaluate(() => benchPage.copyRate()));
      const without = names.filter((name) => !results.some((result) => result.name === name));
      const what = `${kind}, 2^${String(Math.log2(n))}`;
      print({
        ...(peersMs.length === 0
          ? { what: `${what}, which no peer does`, measured: ours.medianMs, unit: 'ms' }
          : { what: `${what}, beside the peers`, measured: Math.min(...peersMs) / ours.medianMs, unit: 'x' }),
        note: [
          ...results.map(describe),
          ...(without.length > 0 ? [`not in ${without.join(', ')}`] : []),
          `ours takes ${(ours.medianMs / copyMs).toPrecision(2)} times as long as a copy of as many bytes as operands and result have`,
          ...(note === undefined ? [] : [note]),
          await page.evaluate(() => benchPage.usedAdapter()),
        ].join('; '),
      });
    }
  } finally {
    await browser.close();
  }
}

function describe(result: ContenderResult): string {
  if ('refused' in result) return `${result.name} refused: ${result.refused}`;
  const { name, medianMs, rounds, firstMs, error } = result;
  return `${name} ${medianMs.toPrecision(3)} ms (${String(rounds)} rounds), first ${firstMs.toFixed(0)} ms, error ${error.toPrecision(2)}`;
}
