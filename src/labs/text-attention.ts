/** Attention over characters: their embedding and projections, or operands from a file; what a character looks at; errors and decoding. */
import { openReferenceDevice } from '../device';
import type { Device, Tensor } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { measure } from '../device/timing';
import { attention, attentionWeights, type AttentionOptions } from '../kernels/attention';
import { attentionGradient, type AttentionGradients } from '../kernels/attention-gradient';
import { matmul } from '../kernels/matmul';
import { Philox, randomNormal } from '../kernels/random';
import type { BarsFrame, HeatmapFrame } from './frames';
import type { NamedTensors, NumericTensor } from './parameters';

/** Numbers of a character before it is projected. */
const WIDTH = 64;
/** More of a longer input is not drawn. */
const SHOWN = 512;

export interface TextSettings {
  readonly text: string;
  readonly operands: NamedTensors | undefined;
  readonly heads: number;
  readonly share: 'none' | 'pairs' | 'all';
  readonly headSize: number;
  readonly positions: number;
  readonly sharpness: number;
  readonly causal: boolean;
  readonly window: number;
  readonly softCap: number;
  readonly sink: 'none' | 'zero' | 'strong';
  readonly seed: number;
}

/** Queries, keys and values as numbers, with what they were made from. */
export interface TextModel {
  readonly labels: readonly string[];
  readonly q: NumericTensor;
  readonly k: NumericTensor;
  readonly v: NumericTensor;
  readonly heads: number;
  readonly options: AttentionOptions;
  readonly sink: number | undefined;
  /** Projections of embeddings, [WIDTH, columns]; undefined for operands from a file. */
  readonly projections: Readonly<Record<'q' | 'k' | 'v', NumericTensor>> | undefined;
}

const normals = (seed: number, stream: number, count: number, factor: number): Float32Array<ArrayBuffer> => {
  const random = new Philox(seed, stream);
  return Float32Array.from({ length: count }, () => factor * random.normal());
};

/** Embeds and projects the text on the device, or takes the operands of the file. The model's numbers are on the host. */
export async function textModel(device: Device, settings: TextSettings): Promise<TextModel> {
  const common = {
    causal: settings.causal,
    ...(settings.window > 0 && { window: settings.window }),
    ...(settings.softCap > 0 && { softCap: settings.softCap }),
  };
  const sink = settings.sink === 'none' ? undefined : settings.sink === 'zero' ? 0 : 4;
  if (settings.operands !== undefined)
    return { ...fromFile(settings.operands), options: common, sink, projections: undefined };
  const labels = Array.from(settings.text);
  if (labels.length === 0)
    throw new InvalidInputError('There is no text to attend over: type a character or more.', { field: 'text' });
  const { heads, headSize, seed } = settings;
  const keyHeads = settings.share === 'none' ? heads : settings.share === 'all' ? 1 : Math.ceil(heads / 2);
  if (heads % keyHeads !== 0)
    throw new InvalidInputError('Heads can share keys in pairs only if there is an even number of them.', {
      field: 'share',
    });
  const n = labels.length;
  const embedded = new Float32Array(n * WIDTH);
  labels.forEach((character, position) => {
    embedded.set(normals(seed, 1000 + (character.codePointAt(0) ?? 0), WIDTH, 1), position * WIDTH);
    for (let i = 0; i < WIDTH; i++) {
      // Sinusoidal positions (Vaswani et al. 2017, section 3.5), scaled to variance one.
      const angle = position / 10_000 ** ((i - (i % 2)) / WIDTH);
      const wave = Math.SQRT2 * (i % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
      embedded[position * WIDTH + i] = (embedded[position * WIDTH + i] ?? 0) + settings.positions * wave;
    }
  });
  // Keys are drawn; queries are the keys of their group, turned a little, so that like looks at like.
  const columns = headSize * keyHeads;
  const forKeys = normals(seed, 1, WIDTH * columns, 1 / 8);
  const noise = normals(seed, 2, WIDTH * headSize * heads, 1 / 8);
  const group = heads / keyHeads;
  const forQueries = noise.map((value, index) => {
    const [row, column] = [Math.floor(index / (headSize * heads)), index % (headSize * heads)];
    const keyHead = Math.floor(column / headSize / group);
    return 0.9 * (forKeys[row * columns + keyHead * headSize + (column % headSize)] ?? 0) + 0.4 * value;
  });
  const projections = {
    q: { shape: [WIDTH, headSize * heads], values: forQueries },
    k: { shape: [WIDTH, columns], values: forKeys },
    v: { shape: [WIDTH, columns], values: normals(seed, 3, WIDTH * columns, 1 / 8) },
  };
  using scope = device.scope();
  const x = device.tensor(embedded, [n, WIDTH]);
  const project = async ({ shape, values }: NumericTensor): Promise<NumericTensor> => ({
    shape: [n, shape[1] ?? 1],
    values: Float32Array.from(await device.read(matmul(x, device.tensor(values, shape)))),
  });
  const [q, k, v] = [await project(projections.q), await project(projections.k), await project(projections.v)];
  const scale = settings.sharpness / Math.sqrt(headSize);
  return { labels, q, k, v, heads, options: { ...common, heads, keyHeads, scale }, sink, projections };
}

/** Tensors called q, k, v (or query, keys, ...), each [N, d], [heads, N, d] or [1, heads, N, d]. */
function fromFile({ name, tensors }: NamedTensors): Pick<TextModel, 'q' | 'k' | 'v' | 'heads' | 'labels'> {
  const find = (...names: readonly string[]): NumericTensor => {
    const found = [...tensors].find(([key]) => names.includes(key.toLowerCase()))?.[1];
    const shape = found?.shape.length === 4 && found.shape[0] === 1 ? found.shape.slice(1) : found?.shape;
    if (found === undefined || shape === undefined || (shape.length !== 2 && shape.length !== 3)) {
      throw new InvalidInputError(
        `${name} needs a tensor "${names[0] ?? ''}" of shape [N, d] or [heads, N, d]; it holds ${[...tensors].map(([key, tensor]) => `${key} [${tensor.shape.join(', ')}]`).join(', ')}.`,
        { field: 'operands' },
      );
    }
    return { shape, values: found.values };
  };
  const [q, k, v] = [find('q', 'query', 'queries'), find('k', 'key', 'keys'), find('v', 'value', 'values')];
  const keys = k.shape.at(-2) ?? 1;
  return {
    q,
    k,
    v,
    heads: q.shape.length === 3 ? (q.shape[0] ?? 1) : 1,
    labels: Array.from({ length: keys }, (_, key) => `#${String(key)}`),
  };
}

/** The operands on a device, in the open scope. */
function place(device: Device, { q, k, v, options, sink, heads }: TextModel) {
  const upload = ({ shape, values }: NumericTensor): Tensor => device.tensor(values, shape);
  const sinks = sink === undefined ? {} : { sinks: device.full([heads], sink) };
  return { q: upload(q), k: upload(k), v: upload(v), options: { ...options, ...sinks } };
}

const queriesOf = ({ q }: TextModel): number => q.shape.at(-2) ?? 1;

/** The weights of a head (from 1), or the mean of all (0), as far as they are drawn. */
export async function weightMap(device: Device, model: TextModel, head: number): Promise<HeatmapFrame> {
  using scope = device.scope();
  const { q, k, options } = place(device, model);
  const rows = Math.min(SHOWN, queriesOf(model));
  const keys = model.labels.length;
  const columns = Math.min(SHOWN, keys);
  const all = await device.read(attentionWeights(q, k, { ...options, rows: [0, rows] }));
  const chosen =
    head === 0 ? Array.from({ length: model.heads }, (_, index) => index) : [Math.min(head, model.heads) - 1];
  const values = Float32Array.from({ length: rows * columns }, (_, index) => {
    const at = Math.floor(index / columns) * keys + (index % columns);
    return chosen.reduce((sum, each) => sum + (all[each * rows * keys + at] ?? 0), 0) / chosen.length;
  });
  return { rows, columns, values };
}

const quoted = (label: string): string => (label.startsWith('#') ? label : label === ' ' ? 'space' : label);

/** The largest of some numbers as bars that carry their characters. */
function largestOf(values: ArrayLike<number>, labels: readonly string[], own: number): BarsFrame {
  const order = Array.from(values, (value, index) => ({ value, index }));
  const bars = order
    .sort((a, b) => b.value - a.value)
    .slice(0, 8)
    .map(({ value, index }) => ({
      label: `${quoted(labels[index] ?? '')} at ${String(index)}`,
      value,
      highlight: index === own,
    }));
  return { bars };
}

/** The row of queries that a token stands for. */
const rowOf = (model: TextModel, token: number): number => Math.min(token, queriesOf(model) - 1);

/** What a character looks at, by one head (from 1) or by all on average (0). */
export async function looksOf(device: Device, model: TextModel, token: number, head: number): Promise<BarsFrame> {
  using scope = device.scope();
  const { q, k, options } = place(device, model);
  const row = rowOf(model, token);
  const weights = await device.read(attentionWeights(q, k, { ...options, rows: [row, row + 1] }));
  const keys = model.labels.length;
  const chosen = head === 0 ? undefined : Math.min(head, model.heads) - 1;
  const looks = Float64Array.from({ length: keys }, (_, key) => {
    if (chosen !== undefined) return weights[chosen * keys + key] ?? 0;
    let sum = 0;
    for (let each = 0; each < model.heads; each++) sum += weights[each * keys + key] ?? 0;
    return sum / model.heads;
  });
  return largestOf(looks, model.labels, row);
}

/** Which characters its output depends on: |gradient of |output|^2 / 2 by each of them|. */
export async function saliencyOf(device: Device, model: TextModel, token: number): Promise<BarsFrame> {
  using scope = device.scope();
  const { q, k, v, options } = place(device, model);
  const row = rowOf(model, token);
  const result = attention(q, k, v, options);
  const only = onlyRow(await device.read(result), result.shape, row);
  const gradients = attentionGradient(q, k, v, device.tensor(only, result.shape), options);
  return largestOf(await bySensitivity(device, model, gradients), model.labels, row);
}

/** The result with every row but one set to 0. */
function onlyRow(values: ArrayLike<number>, shape: readonly number[], row: number): Float32Array<ArrayBuffer> {
  const [rows, columns] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  return Float32Array.from({ length: values.length }, (_, index) =>
    Math.floor(index / columns) % rows === row ? (values[index] ?? 0) : 0,
  );
}

/** Norms of the gradient by each character's embedding; for operands from a file, by each key and value together. */
async function bySensitivity(device: Device, model: TextModel, gradients: AttentionGradients): Promise<Float64Array> {
  const keys = model.labels.length;
  const squares = new Float64Array(keys);
  const { projections } = model;
  if (projections === undefined) {
    for (const gradient of [gradients.keys, gradients.values]) {
      const columns = gradient.shape.at(-1) ?? 1;
      (await device.read(gradient)).forEach((value: number, index: number) => {
        const key = Math.floor(index / columns) % keys;
        squares[key] = (squares[key] ?? 0) + value ** 2;
      });
    }
    return squares.map(Math.sqrt);
  }
  const total = new Float64Array(keys * WIDTH);
  for (const [gradient, { shape, values }] of [
    [gradients.queries, projections.q],
    [gradients.keys, projections.k],
    [gradients.values, projections.v],
  ] as const) {
    const part = await device.read(matmul(gradient, device.tensor(values, shape), { transposeB: true }));
    for (let index = 0; index < total.length; index++) total[index] = (total[index] ?? 0) + (part[index] ?? 0);
  }
  total.forEach((value, index) => {
    const key = Math.floor(index / WIDTH);
    squares[key] = (squares[key] ?? 0) + value ** 2;
  });
  return squares.map(Math.sqrt);
}

/** Largest errors against float64, relative to the largest entry: flash, naive, and each gradient. Undefined past 1,024 rows. */
export async function errorsOf(device: Device, model: TextModel) {
  if (queriesOf(model) > 1024 || model.labels.length > 1024) return undefined;
  const reference = openReferenceDevice();
  const onDevice = async (where: Device, variant: 'flash' | 'naive') => {
    using scope = where.scope();
    const { q, k, v, options } = place(where, model);
    return Float64Array.from(await where.read(attention(q, k, v, { ...options, variant })));
  };
  const exact = await onDevice(reference, 'flash');
  const gradientsOn = async (where: Device) => {
    using scope = where.scope();
    const { q, k, v, options } = place(where, model);
    const outputs = where.tensor(exact, attention(q, k, v, options).shape);
    const made = attentionGradient(q, k, v, outputs, options);
    const read = async (tensor: Tensor) => Float64Array.from(await where.read(tensor));
    return [await read(made.queries), await read(made.keys), await read(made.values)];
  };
  const expected = await gradientsOn(reference);
  const gradients = await gradientsOn(device);
  const errors = {
    flash: relativeError(await onDevice(device, 'flash'), exact),
    naive: relativeError(await onDevice(device, 'naive'), exact),
    gradient: Math.max(...gradients.map((made, index) => relativeError(made, expected[index] ?? made))),
  };
  reference.close();
  return errors;
}

function relativeError(made: Float64Array, exact: Float64Array): number {
  const size = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  return made.reduce((most, value, index) => Math.max(most, Math.abs(value - (exact[index] ?? 0))), 0) / size;
}

/** From here on the forward kernel, which would compute 64 rows for the one, takes longer than all the rest. */
const LONG_CACHE = 16_384;

/** One query over a long cache of seeded keys: keys split over workgroups, against one workgroup per head. */
export async function decodeRace(device: Device, cache: number, seed: number) {
  using scope = device.scope();
  const [heads, d] = [2, 64];
  const draw = (rows: number, offset: number): Tensor =>
    randomNormal(device, [heads, rows, d], { seed: seed + offset });
  const [q, k, v] = [draw(1, 0), draw(cache, 1), draw(cache, 2)];
  const out = device.empty([heads, 1, d]);
  const run = (splits?: number) => (): void =>
    void attention(q, k, v, { variant: 'decode', out, ...(splits !== undefined && { splits }) });
  const how = { samples: 5, minimumMs: 5, maximumMs: 1000 };
  const whole = await measure(device, run(1), how);
  const one = Float64Array.from(await device.read(out));
  const split = await measure(device, run(), how);
  const many = Float64Array.from(await device.read(out));
  const forward =
    cache > LONG_CACHE ? one : Float64Array.from(await device.read(attention(q, k, v, { variant: 'flash' })));
  const error = Math.max(relativeError(many, forward), relativeError(one, forward));
  return { wholeMs: whole.medianMs, splitMs: split.medianMs, error };
}
