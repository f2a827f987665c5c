/**
 * `npm run bench`: what is promised in numbers, measured on this machine: the page's own bars, and Tessella beside its peers.
 * Nothing is installed by itself, and nothing is written unless asked.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bench as bars } from './bars.bench';
import { bench as peers } from './peers.bench';
import { bench as primitives } from './primitives.bench';
import { bench as sinkhorn } from './sinkhorn.bench';
import { bench as streaming } from './streaming.bench';

/** One measured number beside what was promised. */
export interface BenchRow {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  /** Reported only where it is left out. */
  readonly bar?: { readonly atMost: number } | { readonly atLeast: number };
  /** How the number came about: times, rounds, adapter. */
  readonly note?: string;
}

/** What a group is asked to measure. */
interface BenchOptions {
  /** Also what takes many minutes on a software adapter. */
  readonly long: boolean;
  /** Only cases whose name contains this. */
  readonly only: string;
}

/** A group of measurements. */
export interface Bench {
  readonly title: string;
  /** Measures, and hands over each row as soon as it is there. */
  run(print: (row: BenchRow) => void, options: BenchOptions): Promise<void>;
}

const benches: Readonly<Record<string, Bench>> = { bars, peers, primitives, sinkhorn, streaming };

const usage = `npm run bench -- [${Object.keys(benches).join('] [')}] [--long] [--only <case>] [--write]
  --long   with what takes many minutes on a software adapter: attention over 16,384 tokens (peers)
  --only   only cases whose name contains this, such as "attention 1024" (peers)
  --write  put the results into test/bench/RESULTS.md, one section for each group and processor`;

/** The exit code: 0 where everything asked for was measured, whatever the numbers. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      write: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.write && values.only !== '') {
    console.log('--write replaces a whole section: leave out --only.');
    return 1;
  }
  const unknown = positionals.find((name) => !Object.hasOwn(benches, name));
  if (values.help || unknown !== undefined) {
    console.log(unknown === undefined ? usage : `There is no group "${unknown}".\n${usage}`);
    return unknown === undefined ? 0 : 1;
  }
  let failures = 0;
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const lines = ['| | measured | bar | |', '|---|---|---|---|'];
    console.log(`\n${bench.title}`);
    try {
      await bench.run((row) => {
        const line = tableRow(row);
        lines.push(line);
        console.log(line);
      }, values);
      if (values.write) await writeSection(bench.title, lines.join('\n'));
    } catch (error) {
      failures += 1;
      console.error(error instanceof Error ? error.message : error);
    }
  }
  return failures === 0 ? 0 : 1;
}

function tableRow({ what, measured, unit, bar, note = '' }: BenchRow): string {
  return `| ${[what, `${format(measured)} ${unit}`, bar === undefined ? '' : verdict(measured, bar), note].join(' | ')} |`;
}

function verdict(measured: number, bar: NonNullable<BenchRow['bar']>): string {
  const [holds, words] =
    'atMost' in bar
      ? [measured <= bar.atMost, `at most ${format(bar.atMost)}`]
      : [measured >= bar.atLeast, `at least ${format(bar.atLeast)}`];
  return `${words}: ${holds ? 'met' : 'MISSED'}`;
}

function format(value: number): string {
  // Nobody else got there.
  if (value === Infinity) return '∞';
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** Replaces the section of this group on this processor, or adds one. */
async function writeSection(title: string, table: string): Promise<void> {
  const path = join(import.meta.dirname, 'RESULTS.md');
  const heading = `## ${title}: ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} threads`;
  const day = new Date().toISOString().slice(0, 10);
  const before = existsSync(path) ? await readFile(path, 'utf8') : '# Measured\n';
  const others = before.split(/^(?=## )/m).filter((part) => !part.startsWith(`${heading}\n`));
  const section = `${heading}\n\nMeasured on ${day} with \`npm run bench -- --write\`.\n\n${table}`;
  await writeFile(path, `${[...others.map((part) => part.trimEnd()), section].join('\n\n')}\n`);
}
