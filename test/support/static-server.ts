/** A static file server for tests and reproductions: what a plain web host does, with no rewriting. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

export interface StaticServer extends AsyncDisposable {
  /** Ends with a slash. */
  readonly url: string;
}

/**
 * Serves folders under URL prefixes on a free port of this machine; the longest prefix that fits wins. A folder's page is
 * its `index.html`.
 */
export async function serveStatic(folders: Readonly<Record<`/${string}`, string>>): Promise<StaticServer> {
  const mounts = Object.entries(folders).sort(([a], [b]) => b.length - a.length);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = locate(mounts, path.endsWith('/') ? `${path}index.html` : path);
    const refuse = (): void => {
      if (!response.headersSent) response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('Not found.');
    };
    if (file === null) {
      refuse();
      return;
    }
    stat(file)
      .then(async ({ size }) => {
        const type = contentTypes[extname(file)] ?? 'application/octet-stream';
        response.writeHead(200, { 'content-type': type, 'content-length': size, 'cache-control': 'no-store' });
        await pipeline(createReadStream(file), response);
      })
      .catch(refuse);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    // A secure context, which WebGPU asks for.
    url: `http://localhost:${String(address.port)}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function locate(mounts: readonly (readonly [string, string])[], path: string): string | null {
  for (const [prefix, folder] of mounts) {
    if (!path.startsWith(prefix)) continue;
    const file = join(folder, normalize(path.slice(prefix.length)));
    return file === folder || file.startsWith(folder + sep) ? file : null;
  }
  return null;
}
