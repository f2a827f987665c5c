/** Builds the page once for all end-to-end tests and serves it, with the embedding pages beside it. */
import { resolve } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { serveStatic } from '../support/static-server';

const root = resolve(import.meta.dirname, '../..');

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the built page is; ends with a slash. The fixtures are under `fixtures/`. */
    readonly baseUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build({ root, configFile: resolve(root, 'vite.config.ts'), mode: 'production', logLevel: 'warn' });
  const server = await serveStatic({ '/': resolve(root, 'dist'), '/fixtures/': resolve(root, 'test/e2e/fixtures') });
  project.provide('baseUrl', server.url);
  return async () => {
    await server[Symbol.asyncDispose]();
  };
}
