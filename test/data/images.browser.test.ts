import { describe, expect, it } from 'vitest';
import { decodeImage, MAXIMUM_PIXELS } from '../../src/data/images';
import { loadSample, samples } from '../../src/data/samples';
import { EngineError, InvalidInputError, UnsupportedError } from '../../src/device/errors';
import { pngFile } from '../support/png';

async function paintedFile(type: string, width: number, height: number, color: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no 2D canvas');
  context.fillStyle = color;
  context.fillRect(0, 0, width, height);
  return canvas.convertToBlob({ type, quality: 1 });
}

describe('decodeImage', () => {
  it.each([
    ['image/png', 0],
    ['image/jpeg', 3],
    ['image/webp', 3],
  ])('decodes %s', async (type, tolerance) => {
    const { photograph, note } = await decodeImage(await paintedFile(type, 20, 10, 'rgb(200, 100, 50)'), 'a');
    expect(note).toBeNull();
    expect(photograph).toMatchObject({ name: 'a', width: 20, height: 10 });
    expect(photograph.pixels.length).toBe(800);
    [200, 100, 50, 255].forEach((expected, i) => {
      expect(Math.abs((photograph.pixels[i] ?? NaN) - expected)).toBeLessThanOrEqual(tolerance);
    });
  });

  it('decodes a single pixel', async () => {
    const { photograph } = await decodeImage(await paintedFile('image/png', 1, 1, 'rgb(1, 2, 3)'), 'a.png');
    expect([photograph.width, photograph.height, ...photograph.pixels]).toEqual([1, 1, 1, 2, 3, 255]);
  });

  it('scales 12,000 x 9,000 pixels down to what a lab can hold, and says so', async () => {
    const { photograph, note } = await decodeImage(await pngFile(12_000, 9_000), 'huge.png');
    const { width, height, pixels } = photograph;
    expect(width * height).toBeLessThanOrEqual(MAXIMUM_PIXELS);
    expect(width * height).toBeGreaterThan(0.99 * MAXIMUM_PIXELS);
    expect(Math.abs(width / height - 4 / 3)).toBeLessThan(0.002);
    expect(pixels.length).toBe(4 * width * height);
    const middle = 4 * width * Math.floor(height / 2);
    expect([...pixels.subarray(middle, middle + 4)]).toEqual([0, 0, 0, 255]);
    expect([...pixels.subarray(middle + 4 * width - 4, middle + 4 * width)]).toEqual([255, 255, 255, 255]);
    expect(note).toBe(`huge.png was scaled down from 12000 × 9000 to ${width} × ${height} pixels.`);
  });

  it('keeps a very long picture at least one pixel high', async () => {
    const { photograph } = await decodeImage(await pngFile(10_000, 2), 'long.png', 100);
    expect(photograph.height).toBe(1);
    expect(photograph.width).toBeLessThanOrEqual(100);
  });

  it('refuses more pixels than can be decoded before it decodes them', async () => {
    const bytes = new Uint8Array(await (await pngFile(16, 16)).arrayBuffer());
    new DataView(bytes.buffer).setUint32(16, 100_000);
    new DataView(bytes.buffer).setUint32(20, 100_000);
    await expect(decodeImage(new Blob([bytes]), 'bomb.png')).rejects.toThrow(UnsupportedError);
    await expect(decodeImage(new Blob([bytes]), 'bomb.png')).rejects.toThrow(/bomb\.png has 100000 × 100000 pixels/);
  });

  it.each([
    ['nothing', new Blob([]), /is empty/],
    ['text', new Blob(['1,2\n3,4'], { type: 'image/png' }), /is not an image/],
    ['random bytes', new Blob([Uint8Array.from({ length: 999 }, (_, i) => (i * 7919) % 251)]), /is not an image/],
  ])('refuses %s', async (_, file, message) => {
    await expect(decodeImage(file, 'a.png')).rejects.toThrow(InvalidInputError);
    await expect(decodeImage(file, 'a.png')).rejects.toThrow(message);
  });

  it('refuses a picture whose data are missing', async () => {
    const file = (await pngFile(64, 64)).slice(0, 50);
    await expect(decodeImage(file, 'cut.png')).rejects.toThrow(/cut\.png is damaged/);
  });

  it('says which format a browser cannot decode', async () => {
    const svg = new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>']);
    await expect(decodeImage(svg, 'drawing.svg')).rejects.toThrow(UnsupportedError);
    await expect(decodeImage(svg, 'drawing.svg')).rejects.toThrow(/save it as JPEG or PNG/);
  });
});

describe('loadSample', () => {
  it('decodes every sample that it lists', async () => {
    for (const [name, { label }] of Object.entries(samples)) {
      const { name: shown, width, height, pixels } = await loadSample(name);
      expect(shown).toBe(label);
      expect(Math.max(width, height)).toBe(1024);
      expect(pixels.length).toBe(4 * width * height);
    }
  });

  it('names the samples that exist when asked for another', async () => {
    await expect(loadSample('toString')).rejects.toThrow(InvalidInputError);
    await expect(loadSample('mona-lisa')).rejects.toThrow(
      /There is no sample "mona-lisa": choose one of black-canyon, /,
    );
  });

  it('says what to do when the server does not answer', async () => {
    const realFetch = globalThis.fetch;
    globalThis.fetch = () => Promise.reject(new TypeError('Failed to fetch'));
    try {
      await expect(loadSample('black-canyon')).rejects.toThrow(EngineError);
      await expect(loadSample('black-canyon')).rejects.toThrow(/could not be loaded.*check the connection/);
    } finally {
      globalThis.fetch = realFetch;
    }
  });
});
