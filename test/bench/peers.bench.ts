/** Beside the peers: Tessella, jax-js, TensorFlow.js and ONNX Runtime Web on one page and one adapter, in turns, read-back included. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { buildPages } from '../support/built-page';
import { chromiumLaunchOptions, type AdapterKind } from '../support/chromium';
import type { Bench, BenchRow } from './bench';
import type { BenchCase, ContenderResult, ModelKind } from './peers-page';

/** How long libraries that are close are told apart in one case, after three rounds of all. */
const budgetMs = 20_000;
/** After how long a library that has a page of its own is given up. */
const longestMs = 240_000;

interface Case extends BenchCase {
  readonly kind: ModelKind;
  /** How many times as fast as the fastest peer is promised; reported only where it is left out. */
  readonly promised?: number;
  /** Only with `--long`, and each library on a page of its own: some run out of memory. */
  readonly isLong?: boolean;
}

const cases: readonly Case[] = [
  { kind: 'matmul', n: 256, promised: 1.2 },
  { kind: 'matmul', n: 512, promised: 1.2 },
  { kind: 'matmul', n: 1024, promised: 1.2 },
  { kind: 'attention', n: 1024, promised: 1 },
  { kind: 'attention', n: 4096, promised: 1 },
  { kind: 'softmax', n: 4096 },
  { kind: 'attention', n: 16_384, promised: 1, isLong: true },
];

export const bench: Bench = {
  title: 'Beside the peers, times as fast as the faster one',
  async run(print, { long, only }) {
    if (!existsSync(join(import.meta.dirname, 'node_modules', 'onnxruntime-web'))) {
      throw new Error('The peers are not installed: run "npm ci --prefix test/bench" first.');
    }
    const pages = await buildPages('test/bench/peers.html');
    let browser: Browser | undefined;
    try {
      const url = new URL('test/bench/peers.html', pages.url).href;
      const { page, ...opened } = await openBrowser(url);
      browser = opened.browser;
      for (const { kind, n, promised, isLong = false } of cases) {
        if (!`${kind} ${String(n)}`.includes(only) || (isLong && !long)) continue;
        const results = isLong ? await compareAlone(browser, url, { kind, n }) : await compare(page, { kind, n });
        const adapter = isLong ? '' : await page.evaluate(() => benchPage.usedAdapter());
        if (kind === 'softmax') printRates(print, n, results, await page.evaluate(() => benchPage.copyRate()));
        print(ratioRow({ kind, n }, promised, results, adapter));
      }
    } finally {
      await browser?.close();
      await pages.close();
    }
  },
};

function compare(page: Page, benchCase: BenchCase): Promise<readonly ContenderResult[]> {
  return page.evaluate(([asked, options]) => benchPage.compare(asked, options), [
    benchCase,
    { rounds: 3, budgetMs },
  ] as const);
}

/** Rejects where a library takes too long. */
async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not done after ${String(longestMs / 1000)} s`));
    }, longestMs);
  });
  return Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** Each library on a page of its own, so that one that takes its page down leaves the others alone. */
async function compareAlone(browser: Browser, url: string, benchCase: BenchCase): Promise<readonly ContenderResult[]> {
  const results: ContenderResult[] = [];
  let names: readonly string[] | undefined;
  for (let index = 0; names === undefined || index < names.length; index++) {
    const page = await openPage(browser, url);
    try {
      names ??= await page.evaluate(() => benchPage.names());
      const options = { names: names.slice(index, index + 1), rounds: 1, budgetMs };
      const measured = page.evaluate(([asked, how]) => benchPage.compare(asked, how), [benchCase, options] as const);
      // Closing the page ends what is given up here.
      measured.catch(() => undefined);
      results.push(...(await withinLimit(measured)));
    } catch (error) {
      const [words = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
      results.push({ name: names?.[index] ?? 'a library', refused: words });
    }
    await page.close();
  }
  return results;
}

/** How fast each library's softmax goes through memory: every element has to be read and written once. */
function printRates(
  print: (row: BenchRow) => void,
  n: number,
  results: readonly ContenderResult[],
  copyRate: number,
): void {
  print({ what: 'copy', measured: copyRate / 1e9, unit: 'GB/s' });
  for (const result of results) {
    const what = `softmax ${String(n)} x ${String(n)}, ${result.name}`;
    if ('refused' in result) {
      print({ what, measured: 0, unit: 'GB/s', note: `refused: ${result.refused}` });
      continue;
    }
    const rate = (8 * n * n) / (result.medianMs / 1000);
    const note = `${result.medianMs.toPrecision(3)} ms; ${(100 * (rate / copyRate)).toFixed(0)} % of copying; error ${result.error.toPrecision(2)}`;
    print({ what, measured: rate / 1e9, unit: 'GB/s', note });
  }
}

const flopsOf = {
  matmul: (n: number) => 2 * n ** 3,
  attention: (n: number) => 4 * n * n * 64,
} as const;

function ratioRow(
  { kind, n }: Case,
  promised: number | undefined,
  results: readonly ContenderResult[],
  adapter: string,
): BenchRow {
  const measured = results.filter((result) => 'medianMs' in result);
  const isOurs = ({ name }: ContenderResult): boolean => name.startsWith('Tessella');
  const [ours] = measured.filter(isOurs).sort((a, b) => a.medianMs - b.medianMs);
  if (ours === undefined) throw new Error(results.map(describe).join('; '));
  const fastestPeerMs = Math.min(...measured.filter((result) => !isOurs(result)).map(({ medianMs }) => medianMs));
  function describe(result: ContenderResult): string {
    if ('refused' in result) return `${result.name} refused: ${result.refused}`;
    const { name, medianMs, rounds, firstMs, error } = result;
    const speed = kind === 'softmax' ? '' : ` ${(flopsOf[kind](n) / medianMs / 1e6).toPrecision(3)} GFLOP/s,`;
    return `${name} ${medianMs.toFixed(1)} ms (${String(rounds)} rounds),${speed} first ${firstMs.toFixed(0)} ms, error ${error.toPrecision(2)}`;
  }
  const held = ours.heldBytes === null ? [] : [`${ours.name} held ${(ours.heldBytes / 2 ** 20).toFixed(1)} MiB`];
  return {
    what: `${kind} ${String(n)}`,
    measured: fastestPeerMs / ours.medianMs,
    unit: 'x',
    ...(promised !== undefined && { bar: { atLeast: promised } }),
    note: [...results.map(describe), ...held, adapter].filter((part) => part !== '').join('; '),
  };
}

/** The machine's GPU, or the software adapter where there is none. */
async function openBrowser(url: string): Promise<{ browser: Browser; page: Page }> {
  const kinds: readonly AdapterKind[] = ['hardware', 'software'];
  for (const kind of kinds) {
    const browser = await chromium.launch(await chromiumLaunchOptions(kind));
    const page = await openPage(browser, url);
    const adapter = await page.evaluate(() => benchPage.adapter());
    if (adapter !== null && adapter.isFallback === (kind === 'software')) return { browser, page };
    await browser.close();
  }
  throw new Error('This Chromium has no WebGPU adapter: set TESSELLA_CHROMIUM to a browser that has one.');
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => {
    console.error(error.message);
  });
  await page.goto(url);
  await page.waitForFunction(() => 'benchPage' in globalThis);
  return page;
}
