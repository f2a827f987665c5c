/** Asks for a run's memory before it is used, and says which size would fit where it does not. */
import type { Device, MemoryUse } from '../device/device';
import { OutOfMemoryError } from '../device/errors';
import type { AnyLab } from '../labs/define';
import type { ParameterDeclaration, ParameterDeclarations, ResolvedValues } from '../labs/parameters';

type Resolved = ResolvedValues<ParameterDeclarations>;

/** Memory of a run that was just cancelled comes back within two submits. */
const waitsForMemory = 10;
const waitMs = 30;

/** Throws `OutOfMemoryError` with the largest value of `lab.memory.lower` that fits, if this run does not. */
export async function checkMemory(lab: AnyLab, params: Resolved, device: Device): Promise<void> {
  // The reference device holds float64 where labs count float32.
  const factor = device.kind === 'reference' ? 2 : 1;
  const neededBytes = factor * lab.memory.bytes(params);
  let available = availableBytes(device.memory());
  for (
    let wait = 0;
    wait < waitsForMemory && neededBytes > available && neededBytes <= device.memory().budgetBytes;
    wait++
  ) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    available = availableBytes(device.memory());
  }
  if (neededBytes <= available) return;
  const { lower } = lab.memory;
  const declaration = lab.params[lower];
  const fits = (value: number | string): boolean => {
    const patched = { ...params, [lower]: value } as unknown as Resolved;
    return factor * lab.memory.bytes(patched) <= available;
  };
  const largest = declaration === undefined ? undefined : largestThatFits(declaration, params[lower], fits);
  const label = declaration?.label ?? lower;
  const remedy =
    largest === undefined
      ? 'no setting of it fits, close other labs'
      : `lower “${label}” to ${String(largest)}, which fits`;
  throw new OutOfMemoryError(
    `This run needs ${megabytes(neededBytes)}, but ${megabytes(available)} of device memory are free: ${remedy}.`,
    { neededBytes, availableBytes: available, parameter: lower, largest: largest ?? null },
  );
}

/** The largest value of a parameter, at most the present one, that fits. Memory is taken to grow with numbers. */
export function largestThatFits(
  declaration: ParameterDeclaration,
  present: unknown,
  fits: (value: number | string) => boolean,
): number | string | undefined {
  switch (declaration.kind) {
    case 'integer': {
      const { min, step } = declaration;
      const top = typeof present === 'number' ? present : declaration.max;
      const index = bisect(Math.floor((top - min) / step), (candidate) => fits(min + candidate * step));
      return index === undefined ? undefined : min + index * step;
    }
    case 'real': {
      const parts = 1000;
      const top = typeof present === 'number' ? present : declaration.max;
      const index = bisect(parts, (candidate) => fits(declaration.min + ((top - declaration.min) * candidate) / parts));
      return index === undefined ? undefined : declaration.min + ((top - declaration.min) * index) / parts;
    }
    case 'choice':
      return Object.keys(declaration.options).filter(fits).at(-1);
    case 'toggle':
    case 'text':
    case 'seed':
    case 'data':
      return undefined;
    default:
      return declaration satisfies never;
  }
}

/** The largest index from 0 to `last` that passes, if all that pass come first. */
function bisect(last: number, passes: (index: number) => boolean): number | undefined {
  if (!passes(0)) return undefined;
  let low = 0;
  let high = last + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function availableBytes({ budgetBytes, liveBytes }: MemoryUse): number {
  return Math.max(0, budgetBytes - liveBytes);
}

function megabytes(bytes: number): string {
  const mega = bytes / 1e6;
  return mega >= 1000 ? `${(mega / 1000).toPrecision(3)} GB` : `${mega.toPrecision(3)} MB`;
}
