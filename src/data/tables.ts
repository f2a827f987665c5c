/**
 * Real tables of numbers, taken from npm package `vega-datasets` (BSD-3-Clause) at build time; each keeps the columns that
 * labs use, and the rows in which all of them are known. (The paths are relative because the package exports its script only.)
 */
import airports from '../../node_modules/vega-datasets/data/airports.csv?url';
import cars from '../../node_modules/vega-datasets/data/cars.json?url';
import movies from '../../node_modules/vega-datasets/data/movies.json?url';
import penguins from '../../node_modules/vega-datasets/data/penguins.json?url';
import weather from '../../node_modules/vega-datasets/data/seattle-weather.csv?url';
import prices from '../../node_modules/vega-datasets/data/sp500.csv?url';
import capitals from '../../node_modules/vega-datasets/data/us-state-capitals.json?url';
import volcano from '../../node_modules/vega-datasets/data/volcano.json?url';
import { EngineError, InvalidInputError } from '../device/errors';
import type { NumericMatrix } from '../labs/parameters';

/** A row of a file, by column. */
type Row = Readonly<Record<string, unknown>>;

/** A table that comes with Tessella. */
interface Table {
  /** What people choose it by. */
  readonly label: string;
  /** Where the built page serves the file. */
  readonly url: string;
  /** Who gathered it. */
  readonly credit: string;
  /** The columns by name, each from a row of the file; NaN where it is not known. */
  readonly columns: Record<string, (row: Row) => number>;
  /** Which rows belong to it; all unless given. */
  readonly keeps?: (row: Row) => boolean;
}

const number =
  (field: string, unit = 1) =>
  (row: Row): number => {
    const value = row[field];
    return value === null || value === undefined || value === '' ? NaN : Number(value) / unit;
  };

/** The place of a word in a list: classes as 0, 1, 2, ... */
const classOf =
  (field: string, words: readonly string[]) =>
  (row: Row): number => {
    const at = words.indexOf(String(row[field]));
    return at < 0 ? NaN : at;
  };

const dayOfYear = (row: Row): number => {
  const date = new Date(`${String(row.date)}T00:00:00Z`);
  return 1 + Math.round((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000);
};

/** Longitudes and latitudes without Alaska, Hawaii and the islands. */
const isContiguous = (longitude: string, latitude: string) => (row: Row) =>
  Number(row[longitude]) > -125 &&
  Number(row[longitude]) < -66 &&
  Number(row[latitude]) > 24 &&
  Number(row[latitude]) < 50;

const tables = {
  penguins: {
    label: 'Penguins of the Palmer Archipelago',
    url: penguins,
    credit: 'Kristen Gorman and the Palmer Station Antarctica LTER, 2007-2009',
    columns: {
      'beak length (mm)': number('Beak Length (mm)'),
      'beak depth (mm)': number('Beak Depth (mm)'),
      'flipper length (mm)': number('Flipper Length (mm)'),
      'body mass (g)': number('Body Mass (g)'),
      species: classOf('Species', ['Adelie', 'Chinstrap', 'Gentoo']),
    },
  },
  airports: {
    label: 'Airports of the contiguous United States',
    url: airports,
    credit: 'United States Department of Transportation',
    columns: { longitude: number('longitude'), latitude: number('latitude') },
    keeps: isContiguous('longitude', 'latitude'),
  },
  capitals: {
    label: 'Capitals of the contiguous United States',
    url: capitals,
    credit: 'United States Geological Survey',
    columns: { longitude: number('lon'), latitude: number('lat') },
    keeps: isContiguous('lon', 'lat'),
  },
  cars: {
    label: 'Cars of 1970 to 1982',
    url: cars,
    credit: 'Ernesto Ramos and David Donoho, 1983',
    columns: {
      'miles per gallon': number('Miles_per_Gallon'),
      'displacement (cubic inch)': number('Displacement'),
      'power (hp)': number('Horsepower'),
      'weight (lb)': number('Weight_in_lbs'),
      'acceleration (s)': number('Acceleration'),
      year: (row) => new Date(String(row.Year)).getUTCFullYear(),
      origin: classOf('Origin', ['USA', 'Europe', 'Japan']),
    },
  },
  weather: {
    label: 'Weather in Seattle, daily, 2012 to 2015',
    url: weather,
    credit: 'National Oceanic and Atmospheric Administration',
    columns: {
      'day of year': dayOfYear,
      'precipitation (mm)': number('precipitation'),
      'maximum (°C)': number('temp_max'),
      'minimum (°C)': number('temp_min'),
      'wind (m/s)': number('wind'),
    },
  },
  sp500: {
    label: 'S&P 500, monthly, 2000 to 2010',
    url: prices,
    credit: 'Standard & Poor’s',
    columns: { price: number('price') },
  },
  movies: {
    label: 'Movies: ratings, budget, gross',
    url: movies,
    credit: 'The Numbers, IMDB, Rotten Tomatoes, until 2010',
    columns: {
      'IMDB rating': number('IMDB Rating'),
      'Rotten Tomatoes rating': number('Rotten Tomatoes Rating'),
      'budget (million $)': number('Production Budget', 1e6),
      'gross (million $)': number('Worldwide Gross', 1e6),
      'running time (min)': number('Running Time min'),
    },
  },
} as const satisfies Record<string, Table>;

const volcanoLabel = 'Heights of Maunga Whau';

/** The name of a table. */
export type TableName = keyof typeof tables | 'volcano';

/** Labels by name, for the `samples` of a data parameter. */
export function tableSamples<Name extends TableName>(...names: readonly Name[]): Readonly<Record<Name, string>> {
  return Object.fromEntries(names.map((name) => [name, labelOf(name)])) as Record<Name, string>;
}

function labelOf(name: TableName): string {
  return name === 'volcano' ? volcanoLabel : tables[name].label;
}

/** True if there is a table of that name. */
function isTableName(name: string): name is TableName {
  return name === 'volcano' || Object.hasOwn(tables, name);
}

/** Loads a table. Throws `InvalidInputError` for a name that does not exist, `EngineError` if it cannot be fetched. */
export async function loadTable(name: string): Promise<NumericMatrix> {
  if (!isTableName(name)) {
    throw new InvalidInputError(
      `There is no table "${name}": choose one of ${[...Object.keys(tables), 'volcano'].join(', ')}.`,
      { field: 'sample', name },
    );
  }
  if (name === 'volcano') return loadVolcano();
  const table: Table = tables[name];
  const columnNames = Object.keys(table.columns);
  const read = Object.values(table.columns);
  const rows = (await readRecords(table.url, table.label))
    .filter((row) => table.keeps?.(row) ?? true)
    .map((row) => read.map((column) => column(row)))
    .filter((values) => values.every(Number.isFinite));
  return {
    name: table.label,
    rows: rows.length,
    columns: columnNames.length,
    values: Float64Array.from(rows.flat()),
    columnNames,
  };
}

/** The one that is a grid: 61 rows from south to north of 87 heights in metres. */
async function loadVolcano(): Promise<NumericMatrix> {
  const { width, height, values } = JSON.parse(await textOf(volcano, volcanoLabel)) as {
    readonly width: number;
    readonly height: number;
    readonly values: readonly number[];
  };
  return { name: volcanoLabel, rows: height, columns: width, values: Float64Array.from(values) };
}

/** The rows of a JSON or CSV file. Throws `EngineError` if it cannot be fetched. */
export async function readRecords(url: string, label: string): Promise<readonly Row[]> {
  const text = await textOf(url, label);
  if (/^\s*\[/.test(text)) return JSON.parse(text) as Row[];
  const { default: Papa } = await import('papaparse');
  return Papa.parse<Row>(text, { header: true, skipEmptyLines: true }).data;
}

async function textOf(url: string, label: string): Promise<string> {
  try {
    const response = await fetch(new URL(url, globalThis.location.href));
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await response.text();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      `The table "${label}" could not be loaded (${reason}): check the connection and start again.`,
      {
        sample: label,
      },
    );
  }
}
