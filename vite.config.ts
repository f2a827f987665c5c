/** How the page, the embeddable element and the worker are built. Everything is relative, so that `dist/` works in any folder. */
import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const target = 'es2022';

/** What one URL names for good: other people's pages load `embed.js`. */
const stableNames = new Set(['embed']);

/** Opening a browser fails noisily where there is nothing to show it on. */
const hasDisplay =
  process.platform === 'darwin' ||
  process.platform === 'win32' ||
  [process.env.DISPLAY, process.env.WAYLAND_DISPLAY].some((display) => display !== undefined && display !== '');

/**
 * In the build, shaders that are linked lose their comments and needless spaces, a third of their weight; lines stay where
 * they are, so that errors still name them. A space stays where its loss could make one token of two, as in `> =`. The
 * kernel viewer loads the files as they are written (`?raw&source`).
 */
const plainShaders = (): Plugin => ({
  name: 'plain-shaders',
  apply: 'build',
  enforce: 'post',
  transform(code, id) {
    if (!id.endsWith('.wgsl?raw')) return null;
    const text = /^export default (".*")/s.exec(code)?.[1];
    if (text === undefined) throw new Error(`${id} is not a text module.`);
    const source = String(JSON.parse(text));
    const plain = source
      .replace(/\/\/[^\n]*/g, '')
      .replace(/^[ \t]+|[ \t]+$/gm, '')
      .replace(/ ?([,:;{}()+*]|->|<<?|\/(?! ?[*/])) ?/g, '$1')
      .replace(/(?<![>=]) ?(==?|&&|\|\|) /g, '$1');
    return { code: `export default ${JSON.stringify(plain)};`, map: null };
  },
});

export default defineConfig({
  base: './',
  // For the development server too: not every browser has `using`.
  oxc: { target },
  server: { open: hasDisplay },
  preview: { open: hasDisplay },
  optimizeDeps: {
    // Met for the first time in the worker, a dependency would reload the page under it.
    include: ['comlink', 'image-size', 'lit', 'ml-matrix', 'papaparse', 'uplot', 'wesl/core'],
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
    plugins: () => [plainShaders()],
    // A hundred chunks of one or two kilobytes compress badly, and so do their names: kernels travel together, and so do
    // their sources as the kernel viewer shows them.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'kernel-sources', test: /\.wgsl\?raw&source$/, priority: 1 },
            { name: 'kernels', test: /\/src\/kernels\// },
          ],
        },
      },
    },
  },
});
