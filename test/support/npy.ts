/** .npy files as tests want them, broken ones too. */

/** What stands in the file; the defaults make a version 1 file of little-endian float32. */
export interface NpyParts {
  readonly version?: number;
  readonly descr?: string;
  readonly fortranOrder?: 'True' | 'False';
  readonly shape?: string;
  /** Replaces the whole dictionary. */
  readonly header?: string;
  readonly data: Uint8Array;
}

/** Puts a .npy file together without checking that its parts fit. */
export function npyFile({
  version = 1,
  descr = '<f4',
  fortranOrder = 'False',
  shape = '()',
  header,
  data,
}: NpyParts): Uint8Array<ArrayBuffer> {
  const dictionary = header ?? `{'descr': '${descr}', 'fortran_order': ${fortranOrder}, 'shape': ${shape}, }`;
  const start = version === 1 ? 10 : 12;
  const text = new TextEncoder().encode(
    `${dictionary.padEnd(Math.ceil((dictionary.length + 1 + start) / 64) * 64 - start - 1)}\n`,
  );
  const file = new Uint8Array(start + text.length + data.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(file.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  file.set(text, start);
  file.set(data, start + text.length);
  return file;
}
