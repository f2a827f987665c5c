/** Builds the page and holds it to its size bars: what a host page loads for the element, and the worker with every lab. */
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { build, type InlineConfig, type Plugin } from 'vite';
import config from '../vite.config';

/** Kilobytes are 1,000 bytes here, the stricter reading. */
const bars = { element: 70_000, worker: 150_000, lab: 20_000 };

interface ChunkRecord {
  readonly name: string;
  readonly imports: readonly string[];
  /** Whether the chunk is the worker itself, or holds a kernel. */
  readonly isCore: boolean;
  /** Whether the chunk holds a lab, which is loaded when it is opened. */
  readonly isLab: boolean;
  /** The code as it is written to disk, compressed. */
  readonly gzipBytes: number;
}

type Chunks = Map<string, ChunkRecord>;

/** Notes every chunk of one build, as it is written. */
function record(chunks: Chunks): Plugin {
  return {
    name: 'record-chunks',
    enforce: 'post',
    async generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        chunks.set(chunk.fileName, {
          name: chunk.name,
          imports: chunk.imports,
          isCore: chunk.isEntry || chunk.moduleIds.some((id) => /\/src\/kernels\/.*\.ts$/.test(id)),
          isLab: chunk.moduleIds.some((id) => /\/src\/labs\/[^/]+\/.*\.ts$/.test(id)),
          gzipBytes: (await promisify(gzip)(chunk.code, { level: 9 })).byteLength,
        });
      }
    },
  };
}

/** A chunk and everything that it imports statically: what has to be there before its first line runs. */
function withStaticImports(chunks: Chunks, fileName: string, seen = new Set<string>()): Set<string> {
  if (seen.has(fileName)) return seen;
  seen.add(fileName);
  for (const imported of chunks.get(fileName)?.imports ?? []) {
    if (chunks.has(imported)) withStaticImports(chunks, imported, seen);
  }
  return seen;
}

function report(title: string, chunks: Chunks, files: Iterable<string>, bar: number): boolean {
  const rows = [...files].map((file) => ({ file, bytes: chunks.get(file)?.gzipBytes ?? 0 }));
  const total = rows.reduce((sum, { bytes }) => sum + bytes, 0);
  const verdict = total <= bar ? 'within' : 'OVER';
  console.log(`${title}: ${kilobytes(total)} gzip, ${verdict} the bar of ${kilobytes(bar)}`);
  for (const { file, bytes } of rows.sort((a, b) => b.bytes - a.bytes))
    console.log(`  ${kilobytes(bytes).padStart(9)}  ${file}`);
  return total <= bar;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} KB`;
}

/** The exit code: 0 where both bars hold. */
export async function main(): Promise<number> {
  const page: Chunks = new Map();
  const worker: Chunks = new Map();
  const measured: InlineConfig = {
    ...config,
    root: resolve(import.meta.dirname, '..'),
    configFile: false,
    mode: 'production',
    logLevel: 'warn',
    plugins: [...(config.plugins ?? []), record(page)],
    worker: { ...config.worker, plugins: () => [...(config.worker?.plugins?.() ?? []), record(worker)] },
  };
  await build(measured);
  if (!page.has('embed.js')) throw new Error('The build has no embed.js.');
  if (worker.size === 0) throw new Error('The build has no worker.');
  const elementFits = report('<tessella-lab> on the page', page, withStaticImports(page, 'embed.js'), bars.element);
  // Left out is what is loaded only when it is needed: labs, the CSV reader, the kernels' sources with their comments.
  const core = new Set<string>();
  for (const [file, { isCore }] of worker) if (isCore) withStaticImports(worker, file, core);
  const workerFits = report('The worker with all kernels', worker, core, bars.worker);
  const labs = [...worker].filter(([, { isLab }]) => isLab).map(([file]) => file);
  const labSizes = labs.map((file) => {
    const added = [...withStaticImports(worker, file)].filter((part) => !core.has(part));
    return { file, bytes: added.reduce((sum, part) => sum + (worker.get(part)?.gzipBytes ?? 0), 0) };
  });
  console.log('What opening a lab adds to it:');
  for (const { file, bytes } of labSizes.sort((x, y) => y.bytes - x.bytes))
    console.log(`  ${kilobytes(bytes).padStart(9)}  ${file}`);
  const labsFit = labSizes.every(({ bytes }) => bytes <= bars.lab);
  return elementFits && workerFits && labsFit ? 0 : 1;
}
