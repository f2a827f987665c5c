/**
 * The Chromium that tests, reproductions and benchmarks drive: the one that `@sparticuz/chromium` carries, with the
 * flags that give it WebGPU. It is unpacked once per version, whole or not at all, so that runs may start side by side.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import chromium from '@sparticuz/chromium';
import type { LaunchOptions } from 'playwright-core';

/** Which adapter the browser offers: SwiftShader on the CPU, the same everywhere, or what the machine has. */
export type AdapterKind = 'software' | 'hardware';

const softwareFlags = [
  '--use-webgpu-adapter=swiftshader',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
  // Without this and the Vulkan flags, presenting a canvas kills Dawn's instance.
  '--disable-vulkan-surface',
];

const hardwareFlags = ['--use-angle=vulkan', '--disable-vulkan-surface', '--ignore-gpu-blocklist'];

const commonFlags = [
  '--no-sandbox',
  '--headless=shell',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--disable-background-networking',
];

/**
 * Options for Playwright's `launch`. Set `TESSELLA_CHROMIUM` to the path of another Chromium to use that one; where the
 * packaged one does not run (it is built for Linux on x64), Playwright looks for an installed Chrome.
 */
export async function chromiumLaunchOptions(adapter: AdapterKind = 'software'): Promise<LaunchOptions> {
  const args = [...commonFlags, ...(adapter === 'software' ? softwareFlags : hardwareFlags)];
  const chosen = process.env.TESSELLA_CHROMIUM;
  if (chosen !== undefined && chosen !== '') return { executablePath: chosen, args, headless: true };
  if (process.platform !== 'linux' || process.arch !== 'x64') return { channel: 'chrome', args, headless: true };
  const { executablePath, environment } = await unpacked();
  return { executablePath, args, headless: true, env: { ...definedEnvironment(), ...environment } };
}

interface Unpacked {
  readonly executablePath: string;
  readonly environment: Readonly<Record<string, string>>;
}

let unpacking: Promise<Unpacked> | undefined;

function unpacked(): Promise<Unpacked> {
  unpacking ??= unpack();
  return unpacking;
}

async function unpack(): Promise<Unpacked> {
  const folder = join(tmpdir(), `tessella-chromium-${await packageVersion()}-${String(process.getuid?.() ?? 0)}`);
  const executablePath = join(folder, 'chromium');
  if (!existsSync(executablePath)) await unpackInto(folder);

  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(folder, 'fonts') };
  if (await starts(executablePath, fonts)) return { executablePath, environment: fonts };
  // The system lacks NSS: the package carries a copy.
  const libraries = [join(folder, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH].filter((path) => path !== undefined);
  const environment = { ...fonts, LD_LIBRARY_PATH: libraries.join(':') };
  if (await starts(executablePath, environment)) return { executablePath, environment };
  throw new Error(
    `The packaged Chromium does not start on this machine. Run "ldd ${executablePath}" to see which library is missing, ` +
      'or set TESSELLA_CHROMIUM to the path of an installed Chromium.',
  );
}

/** Unpacks beside the final folder and renames: whoever comes second finds a whole one or loses the race harmlessly. */
async function unpackInto(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const staging = await mkdtemp(`${folder}-`);
  try {
    // The package unpacks to the folder for temporary files, and its libraries only where it thinks it is on AWS.
    await withEnvironment({ TMPDIR: staging, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' }, () =>
      chromium.executablePath(),
    );
    await rename(staging, folder);
  } catch (error) {
    if (!existsSync(join(folder, 'chromium'))) throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function starts(executablePath: string, environment: Readonly<Record<string, string>>): Promise<boolean> {
  try {
    await promisify(execFile)(executablePath, ['--version', '--no-sandbox'], {
      env: { ...process.env, ...environment },
      timeout: 30_000,
    });
    return true;
  } catch {
    return false;
  }
}

async function packageVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const manifest: unknown = JSON.parse(await readFile(join(dirname(entry), '..', '..', 'package.json'), 'utf8'));
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return known && typeof manifest.version === 'string' ? manifest.version : 'unknown';
}

async function withEnvironment<T>(values: Readonly<Record<string, string>>, action: () => Promise<T>): Promise<T> {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  try {
    return await action();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
