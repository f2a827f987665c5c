/** Builds pages of this project into a folder of their own and serves them, as the production build does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import config from '../../vite.config';
import { serveStatic } from './static-server';

const root = resolve(import.meta.dirname, '../..');

export interface BuiltPages {
  /** Ends with a slash; a page is found under its path in the project. */
  readonly url: string;
  /** Stops the server and removes the build. */
  close(): Promise<void>;
}

/** Builds HTML pages, named by their paths in the project, and serves them until `close`. */
export async function buildPages(...pages: readonly string[]): Promise<BuiltPages> {
  const folder = await mkdtemp(join(tmpdir(), 'tessella-pages-'));
  try {
    await build({
      ...config,
      root,
      configFile: false,
      mode: 'production',
      logLevel: 'warn',
      build: {
        ...config.build,
        outDir: folder,
        emptyOutDir: true,
        reportCompressedSize: false,
        rolldownOptions: { input: pages.map((page) => resolve(root, page)) },
      },
    });
    const server = await serveStatic({ '/': folder });
    return {
      url: server.url,
      async close() {
        await server[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
