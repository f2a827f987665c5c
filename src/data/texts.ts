/** Text whose letters follow each other as they do in names that people gave, from npm package `vega-datasets` (BSD-3-Clause). */
import airports from '../../node_modules/vega-datasets/data/airports.csv?url';
import movies from '../../node_modules/vega-datasets/data/movies.json?url';
import { readRecords } from './tables';

const sources = {
  movies: { label: 'titles of movies', url: movies, column: 'Title' },
  airports: { label: 'names of airports', url: airports, column: 'name' },
} as const;

/** The name of a text. */
export type TextName = keyof typeof sources;

/** What people choose a text by. */
export const textLabels = {
  movies: sources.movies.label,
  airports: sources.airports.label,
} as const satisfies Readonly<Record<TextName, string>>;

/** All names, a line each. Throws `EngineError` if they cannot be fetched. */
export async function loadText(name: TextName): Promise<string> {
  const { url, label, column } = sources[name];
  const names = (await readRecords(url, label)).map((row) => row[column]);
  return names.filter((text) => typeof text === 'string').join('\n');
}
