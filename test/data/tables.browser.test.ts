import { describe, expect, it, vi } from 'vitest';
import { readData } from '../../src/data/read';
import { loadTable, tableSamples } from '../../src/data/tables';
import { EngineError, InvalidInputError } from '../../src/device/errors';

/** Rows and columns, and one row that anybody can look up in the package's files. */
const expected = {
  penguins: { rows: 342, columns: 5, first: [39.1, 18.7, 181, 3750, 0] },
  airports: { rows: 3069, columns: 2, first: [-89.23450472, 31.95376472] },
  capitals: { rows: 48, columns: 2, first: [-86.3005639, 32.3777298] },
  cars: { rows: 392, columns: 7, first: [18, 307, 130, 3504, 12, 1970, 0] },
  weather: { rows: 1461, columns: 5, first: [1, 0, 12.8, 5, 4.7] },
  sp500: { rows: 123, columns: 1, first: [1394.46] },
  movies: { rows: 982, columns: 5, first: [5.8, 55, 65, 148.345997, 108] },
  volcano: { rows: 61, columns: 87, first: [103, 104, 104] },
} as const;

describe('tables', () => {
  it.each(Object.entries(expected))(
    '%s has its rows, its columns, and finite numbers',
    async (name, { rows, columns, first }) => {
      const table = await loadTable(name);
      expect([table.rows, table.columns]).toEqual([rows, columns]);
      expect(Array.from(table.values.subarray(0, first.length))).toEqual(first);
      expect(table.values.every(Number.isFinite)).toBe(true);
      expect(table.values.length).toBe(rows * columns);
      if (name !== 'volcano') expect(table.columnNames?.length).toBe(columns);
    },
  );

  it('are samples of a matrix parameter', async () => {
    expect(Object.keys(tableSamples('penguins', 'volcano'))).toEqual(['penguins', 'volcano']);
    const { value } = await readData({ kind: 'sample', name: 'capitals' }, 'matrix');
    expect(value).toMatchObject({ rows: 48, columnNames: ['longitude', 'latitude'] });
  });

  it('names what is wrong: no such table, a photograph, a server that does not answer', async () => {
    await expect(loadTable('pengins')).rejects.toThrow(InvalidInputError);
    await expect(readData({ kind: 'sample', name: 'black-canyon' }, 'matrix')).rejects.toThrow(/is a photograph/);
    const fetching = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 404 }));
    await expect(loadTable('cars')).rejects.toThrow(EngineError);
    fetching.mockRestore();
  });
});
