/** The three kinds of tests: `unit` in Node, `browser` in Chromium with WebGPU, `e2e` against the built page. */
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromiumLaunchOptions } from './test/support/chromium.ts';

/**
 * Chromium without the zeros that WebGPU writes into workgroup memory: on SwiftShader compiling them takes most of a kernel's
 * time (the attention gradient's tests: 31.6 s with, 11.4 s without). No kernel may rely on what is not there, so this is the
 * stricter way too; the end-to-end tests, reproductions and benchmarks run with them.
 */
async function launchOptions() {
  const options = await chromiumLaunchOptions();
  return { ...options, args: [...(options.args ?? []), '--enable-dawn-features=disable_workgroup_init'] };
}

/** Node.js 20 does not know `using`. */
const oxc = { target: 'es2022' };

export default defineConfig(async () => ({
  test: {
    // One file after another: the software adapter takes every core, and a dozen devices at once can lose Dawn's instance.
    fileParallelism: false,
    projects: [
      {
        oxc,
        test: {
          name: 'unit',
          include: ['test/**/*.unit.test.ts'],
          environment: 'node',
          testTimeout: 20_000,
        },
      },
      {
        oxc,
        optimizeDeps: {
          // Found while a test runs, a dependency would reload the page under it.
          entries: ['src/**/*.ts', 'test/**/*.browser.test.ts'],
          include: ['comlink', 'fast-check', 'image-size', 'lit', 'ml-matrix', 'papaparse', 'uplot', 'wesl/core'],
        },
        worker: { format: 'es' as const },
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: await launchOptions() }),
            instances: [{ browser: 'chromium' as const }],
            viewport: { width: 1280, height: 900 },
          },
        },
      },
      {
        oxc,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.e2e.test.ts'],
          environment: 'node',
          globalSetup: ['test/e2e/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
}));
