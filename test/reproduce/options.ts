/** What a person may ask of `npm run reproduce`. */
import { parseArgs } from 'node:util';
import { InvalidInputError } from '../../src/device/errors';

const usage = 'npm run reproduce -- [lab ...] [--full] [--json] [--list]';

export interface ReproduceOptions {
  /** Which labs; none means all. */
  readonly labs: readonly string[];
  /** One JSON object a line in place of the table. */
  readonly json: boolean;
  /** Name the claims and run none. */
  readonly list: boolean;
  /** The paper's sizes even where there is no GPU. */
  readonly full: boolean;
}

/** Throws `InvalidInputError` for an option that does not exist. */
export function parseOptions(args: readonly string[]): ReproduceOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, list: { type: 'boolean' }, full: { type: 'boolean' } },
    });
    return { labs: positionals, json: values.json ?? false, list: values.list ?? false, full: values.full ?? false };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidInputError(`${reason} Use: ${usage}`, { field: 'arguments' });
  }
}

/** The labs to run, in the catalogue's order. Throws `InvalidInputError` naming those that exist for one that does not. */
export function chooseLabs<Lab extends { readonly id: string }>(
  catalogue: readonly Lab[],
  asked: readonly string[],
): readonly Lab[] {
  const unknown = asked.filter((id) => !catalogue.some((lab) => lab.id === id));
  if (unknown.length > 0) {
    const names = unknown.map((id) => `"${id}"`).join(', ');
    throw new InvalidInputError(
      `There is no lab ${names}: choose from ${catalogue.map(({ id }) => id).join(', ')}, or name none to run them all.`,
      { field: 'lab', lab: unknown[0] ?? '' },
    );
  }
  return asked.length === 0 ? catalogue : catalogue.filter(({ id }) => asked.includes(id));
}
