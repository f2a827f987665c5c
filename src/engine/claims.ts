/** Tries a claim: runs its preset without a page, measures, and says whether it held. */
import { DivergedError, InvalidInputError, serializeError } from '../device/errors';
import type { AnyLab } from '../labs/define';
import { nearestName } from '../labs/validate';
import { loadPapers, patchValues } from './manifest';
import type { ClaimResult } from './protocol';
import { RunControl, type RunPort } from './run-control';
import { executeRun, type RunEnvironment } from './run';

/**
 * Runs one claim at its paper's size or at the quick one. Whatever goes wrong in the run is in the result's `error`;
 * throws `InvalidInputError` only for a claim that the lab does not make.
 */
export async function proveClaim(
  environment: RunEnvironment,
  lab: AnyLab,
  claimId: string,
  size: 'quick' | 'full',
  port?: RunPort,
): Promise<ClaimResult> {
  const claim = lab.claims.find(({ id }) => id === claimId);
  if (claim === undefined) throw noSuchClaim(lab, claimId);
  const preset = size === 'quick' ? (claim.quick ?? claim.preset) : claim.preset;
  const paper = (await loadPapers())[claim.paper];
  const startMs = performance.now();
  let adapter = environment.supervisor.current?.device.info.label ?? '';

  // One control steers all runs of the claim, one after the other: a cancel ends whichever is under way.
  const control = new RunControl({}, port, { sendsFrames: false });
  const run = async (patch: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
    control.reset(patchValues(lab.params, { ...lab.presets[preset]?.params, ...patch }));
    const { result, lease } = await executeRun(environment, lab, control, false);
    adapter = lease.device.info.label;
    return result;
  };
  const outcome = async (): Promise<Pick<ClaimResult, 'measured' | 'holds' | 'error'>> => {
    try {
      const measured = await claim.measure(await run(), run);
      if (!Number.isFinite(measured)) {
        throw new DivergedError(
          `What was measured is ${String(measured)}, which is not a number to judge the claim by.`,
          {
            claim: claimId,
            value: String(measured),
          },
        );
      }
      return { measured, holds: claim.holds(measured), error: null };
    } catch (error) {
      return { measured: null, holds: false, error: serializeError(error) };
    }
  };
  const { measured, holds, error } = await outcome();
  const seconds = (performance.now() - startMs) / 1000;
  if (error === null) control.end({ type: 'finished', status: null, totalMs: 1000 * seconds });
  else control.end(error.name === 'CancelledError' ? { type: 'cancelled' } : { type: 'failed', error });
  return {
    lab: lab.id,
    id: claim.id,
    paper: paper.title,
    catalog: paper.catalog,
    claim: claim.says,
    preset,
    measured,
    expected: claim.expected,
    holds,
    seconds,
    adapter,
    error,
  };
}

function noSuchClaim(lab: AnyLab, claimId: string): InvalidInputError {
  const ids = lab.claims.map(({ id }) => id);
  const nearest = nearestName(claimId, ids);
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  return new InvalidInputError(`The lab ${lab.id} makes no claim "${claimId}".${hint} It makes: ${ids.join(', ')}.`, {
    field: 'claim',
    nearest: nearest ?? null,
  });
}
