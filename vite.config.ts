/** How the page, the embeddable element and the worker are built. Everything is relative, so that `dist/` works in any folder. */
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const target = 'es2022';

/** What one URL names for good: other people's pages load `embed.js`. */
const stableNames = new Set(['embed']);

/** Opening a browser fails noisily where there is nothing to show it on. */
const hasDisplay =
  process.platform === 'darwin' ||
  process.platform === 'win32' ||
  [process.env.DISPLAY, process.env.WAYLAND_DISPLAY].some((display) => display !== undefined && display !== '');

export default defineConfig({
  base: './',
  // For the development server too: not every browser has `using`.
  oxc: { target },
  server: { open: hasDisplay },
  preview: { open: hasDisplay },
  optimizeDeps: {
    // Met for the first time in the worker, a dependency would reload the page under it.
    include: ['comlink', 'image-size', 'lit', 'papaparse', 'uplot', 'wesl/core'],
  },
  build: {
    target,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: resolve(import.meta.dirname, 'index.html'),
        embed: resolve(import.meta.dirname, 'src/embed.ts'),
      },
      output: {
        entryFileNames: (chunk) => (stableNames.has(chunk.name) ? '[name].js' : 'assets/[name]-[hash].js'),
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  worker: {
    format: 'es',
  },
});
