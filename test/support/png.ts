/** PNG files of any size that compress to almost nothing, for tests of what people might bring. */

async function deflate(bytes: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(bytes.stream().pipeThrough(new CompressionStream('deflate'))).arrayBuffer());
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(12 + data.length);
  const view = new DataView(result.buffer);
  view.setUint32(0, data.length);
  result.set(new TextEncoder().encode(type), 4);
  result.set(data, 8);
  view.setUint32(8 + data.length, crc32(result.subarray(4, 8 + data.length)));
  return result;
}

/** A black-and-white PNG of one bit a pixel: the left half black, the right half white. */
export async function pngFile(width: number, height: number): Promise<Blob> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 1;
  const line = new Uint8Array(1 + Math.ceil(width / 8));
  line.fill(0xff, 1 + Math.floor(width / 16));
  const data = await deflate(new Blob(Array.from({ length: height }, () => line)));
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return new Blob([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', new Uint8Array())], {
    type: 'image/png',
  });
}
