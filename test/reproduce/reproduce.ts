/** `npm run reproduce`: tries the labs' claims on real WebGPU in a headless browser and prints what came of each. */
import { TessellaError, UnsupportedError, serializeError } from '../../src/device/errors';
import type { ClaimManifest, LabSummary } from '../../src/engine/protocol';
import { openEnginePage, type EnginePage } from './browser';
import { chooseLabs, parseOptions, type ReproduceOptions } from './options';
import { jsonLine, summary, tableHead, tableRow, type ClaimRow } from './report';

/** How long one claim may take before it counts as failed. */
const timeoutMs = { quick: 10 * 60_000, full: 4 * 3_600_000 } as const;

/** What the claims are tried on. */
type Engine = Omit<EnginePage, typeof Symbol.asyncDispose>;

/** The exit code: 0 where every claim asked for was tried, whatever came of it. */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) ends the run.
  process.stdout.on('error', () => process.exit(0));
  try {
    await reproduce(args);
    return 0;
  } catch (error) {
    console.error(error instanceof TessellaError ? `${error.name}: ${error.message}` : error);
    return 1;
  }
}

async function reproduce(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  await using engine = await openEnginePage();
  await tryClaims(engine, options, (text) => void process.stdout.write(`${text}\n`));
}

/** Tries what was asked for, or lists it, and prints each claim as soon as it is done. */
export async function tryClaims(
  engine: Engine,
  options: ReproduceOptions,
  print: (text: string) => void,
): Promise<void> {
  const size = options.full || !engine.isFallback ? 'full' : 'quick';
  const labs = chooseLabs(await engine.catalogue(), options.labs);
  if (!options.list) await refuseReferenceDevice(engine);
  if (!options.json) print(tableHead());
  const rows: ClaimRow[] = [];
  for (const lab of labs) {
    for (const claim of lab.claims) {
      const listed = listing(lab, claim, size);
      const row = options.list ? listed : await tryClaim(engine, listed, size);
      rows.push(row);
      print(options.json ? jsonLine(row) : tableRow(row));
    }
  }
  if (!options.json && !options.list) print(`\n${summary(rows)}`);
}

function listing(lab: LabSummary, claim: ClaimManifest, size: 'quick' | 'full'): ClaimRow {
  return {
    lab: lab.id,
    id: claim.id,
    paper: claim.paper.title,
    catalog: claim.paper.catalog,
    claim: claim.says,
    preset: size === 'quick' ? claim.quick : claim.preset,
    measured: null,
    expected: claim.expected,
    unit: claim.unit,
    holds: null,
    seconds: null,
    adapter: null,
    error: null,
  };
}

/** Never throws: what goes wrong is the claim's result, and the next one is tried. */
async function tryClaim(engine: Engine, listed: ClaimRow, size: 'quick' | 'full'): Promise<ClaimRow> {
  const startedMs = performance.now();
  try {
    await refuseReferenceDevice(engine);
    const result = await within(timeoutMs[size], engine.prove(listed.lab, listed.id, size));
    // The engine goes on with the reference device when it loses the GPU again and again: that is no reproduction.
    const { measured, holds, seconds, adapter, error, preset } = result;
    if (error === null) await refuseReferenceDevice(engine);
    return { ...listed, preset, measured, holds, seconds, adapter, error };
  } catch (error) {
    await engine.reopen().catch(() => undefined);
    return { ...listed, holds: false, seconds: (performance.now() - startedMs) / 1000, error: serializeError(error) };
  }
}

async function refuseReferenceDevice(engine: Engine): Promise<void> {
  const { device, fallbackReason } = await engine.status();
  if (device.kind === 'webgpu') return;
  throw new UnsupportedError(
    `The engine is on the reference device (${fallbackReason ?? device.label}), where a claim proves nothing: try it alone, or at a smaller size.`,
  );
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the claim took more than ${limitMs / 60_000} minutes.`));
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
