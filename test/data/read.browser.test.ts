import { afterEach, describe, expect, it, vi } from 'vitest';
import { writeNpy } from '../../src/data/npy';
import { readData } from '../../src/data/read';
import { InvalidInputError, UnsupportedError } from '../../src/device/errors';
import type { DataChoice } from '../../src/labs/parameters';
import { pngFile } from '../support/png';

function chosen(file: Blob, name: string): DataChoice {
  return { kind: 'file', file, name };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('readData', () => {
  it('tells files apart by content, whatever they are called', async () => {
    const npy = new Blob([writeNpy({ rows: 1, columns: 2, values: [1, 2] })]);
    expect((await readData(chosen(npy, 'numbers.csv'), 'matrix')).value).toMatchObject({
      rows: 1,
      columns: 2,
      name: 'numbers.csv',
    });
    const csv = new Blob(['1;2\n3;4']);
    expect((await readData(chosen(csv, 'numbers.npy'), 'matrix')).value).toMatchObject({ rows: 2, columns: 2 });
    expect((await readData(chosen(await pngFile(8, 4), 'photo.txt'), 'image')).value).toMatchObject({
      width: 8,
      height: 4,
    });
  });

  it('reads samples, and nothing where nothing was chosen', async () => {
    expect((await readData({ kind: 'sample', name: 'march-pastoral' }, 'image')).value).toMatchObject({
      width: 1024,
      height: 498,
    });
    expect(await readData({ kind: 'none' }, 'matrix')).toEqual({ value: undefined, notes: [] });
  });

  it('passes on that a picture was scaled down', async () => {
    const { notes } = await readData(chosen(await pngFile(4000, 3000), 'large.png'), 'image');
    expect(notes).toEqual([expect.stringMatching(/^large\.png was scaled down from 4000 × 3000 to /)]);
  });

  it('decodes the same picture once, and hands out copies that may be transferred', async () => {
    const bytes = await (await pngFile(30, 20)).arrayBuffer();
    const decode = vi.spyOn(globalThis, 'createImageBitmap');
    const first = await readData(chosen(new Blob([bytes]), 'same.png'), 'image');
    structuredClone(first.value?.pixels, { transfer: [first.value?.pixels.buffer ?? new ArrayBuffer()] });
    const second = await readData(chosen(new Blob([bytes]), 'same.png'), 'image');
    expect(decode).toHaveBeenCalledTimes(1);
    expect(second.value?.pixels.length).toBe(4 * 30 * 20);
  });

  it('reads a file again when it holds something else under the same name', async () => {
    expect((await readData(chosen(new Blob(['1,2']), 'a.csv'), 'matrix')).value?.values).toEqual(Float64Array.of(1, 2));
    expect((await readData(chosen(new Blob(['3,4']), 'a.csv'), 'matrix')).value?.values).toEqual(Float64Array.of(3, 4));
  });

  it('tries a sample again after it could not be fetched', async () => {
    const fetching = vi.spyOn(globalThis, 'fetch').mockRejectedValueOnce(new TypeError('Failed to fetch'));
    await expect(readData({ kind: 'sample', name: 'nagasaki-boats' }, 'image')).rejects.toThrow(/could not be loaded/);
    expect((await readData({ kind: 'sample', name: 'nagasaki-boats' }, 'image')).value).toMatchObject({ width: 1024 });
    expect(fetching).toHaveBeenCalledTimes(2);
  });

  it('refuses a matrix for an image and an image for a matrix, in words', async () => {
    const npy = new Blob([writeNpy({ rows: 1, columns: 1, values: [1] })]);
    await expect(readData(chosen(npy, 'a.npy'), 'image')).rejects.toThrow(
      /a\.npy is a matrix, but a photograph is wanted/,
    );
    await expect(readData(chosen(await pngFile(4, 4), 'a.png'), 'matrix')).rejects.toThrow(
      /a\.png is an image, but a matrix is wanted/,
    );
    await expect(readData({ kind: 'sample', name: 'black-canyon' }, 'matrix')).rejects.toThrow(InvalidInputError);
  });

  it('says what to do with archives and spreadsheets', async () => {
    const zip = new Blob([Uint8Array.of(0x50, 0x4b, 0x03, 0x04, 0, 0)]);
    await expect(readData(chosen(zip, 'arrays.npz'), 'matrix')).rejects.toThrow(UnsupportedError);
    await expect(readData(chosen(zip, 'table.xlsx'), 'matrix')).rejects.toThrow(/table\.xlsx is an archive/);
  });
});
