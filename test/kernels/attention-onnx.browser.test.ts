/** Attention against the ONNX backend's cases: masks, grouped heads, past keys, soft caps, windows, and the steps before the softmax. */
import { expect, test } from 'vitest';
import type { Device } from '../../src/device/device';
import type { Tensor } from '../../src/device/tensor';
import { attention, attentionWeights, type AttentionCallOptions } from '../../src/kernels/attention';
import golden from '../golden/onnx-attention.json';
import { openReference, openTestDevice } from '../support/device';

const gpu = await openTestDevice();
const cpu = openReference();

interface Stored {
  readonly shape: readonly number[];
  readonly data: number;
  readonly bool?: boolean;
}

interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[];
  readonly isBoolean: boolean;
}

interface Case {
  readonly id: string;
  readonly attributes: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly outputs: Readonly<Record<string, Stored>>;
}

const valuesOf = (stored: Stored | undefined): Values | undefined =>
  stored && { shape: stored.shape, data: golden.arrays[stored.data] ?? [], isBoolean: stored.bool ?? false };

/** [batch, rows, heads * d] or [batch, heads, rows, d] as [batch * heads, rows, d], behind the past if there is one. */
function headsOf(values: Values | undefined, heads: number | undefined, past?: Values): Values {
  if (values === undefined) throw new TypeError('no operand');
  const [batch = 1, second = 1, third = 1] = values.shape;
  const isSplit = values.shape.length === 4;
  const count = isSplit ? second : (heads ?? 1);
  const rows = isSplit ? third : second;
  const d = values.data.length / (batch * count * rows);
  const pastRows = past?.shape[2] ?? 0;
  const data: number[] = [];
  for (let head = 0; head < batch * count; head++) {
    data.push(...(past?.data.slice(head * pastRows * d, (head + 1) * pastRows * d) ?? []));
    for (let row = 0; row < rows; row++) {
      const [b, h] = [Math.floor(head / count), head % count];
      const start = isSplit ? (head * rows + row) * d : (b * rows + row) * count * d + h * d;
      data.push(...values.data.slice(start, start + d));
    }
  }
  return { shape: [batch * count, rows + pastRows, d], data, isBoolean: false };
}

/** A mask or bias, broadcast to [batch * heads, queries, keys]. */
function pairsOf(values: Values, batch: number, heads: number, queries: number, keys: number): Values {
  const [b = 1, h = 1, q = 1, k = 1] = [...Array<number>(4 - values.shape.length).fill(1), ...values.shape];
  const data: number[] = [];
  for (let batchAt = 0; batchAt < batch; batchAt++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < queries; query++) {
        for (let key = 0; key < keys; key++)
          data.push(values.data[(((batchAt % b) * h + (head % h)) * q + (query % q)) * k + (key % k)] ?? 0);
      }
    }
  }
  return { shape: [batch * heads, queries, keys], data, isBoolean: values.isBoolean };
}

/** The call that a case stands for. */
function callOf(device: Device, { attributes, inputs }: Case) {
  const past = { key: valuesOf(inputs.past_key), value: valuesOf(inputs.past_value) };
  const q = headsOf(valuesOf(inputs.Q), attributes.q_num_heads);
  const k = headsOf(valuesOf(inputs.K), attributes.kv_num_heads, past.key);
  const v = headsOf(valuesOf(inputs.V), attributes.kv_num_heads, past.value);
  const [count = 1, queries = 1] = q.shape;
  const keys = k.shape[1] ?? 1;
  const batch = inputs.Q?.shape[0] ?? 1;
  const pairs = inputs.attn_mask && valuesOf(inputs.attn_mask);
  const expanded = pairs && pairsOf(pairs, batch, count / batch, queries, keys);
  const keyLengths = valuesOf(inputs.nonpad_kv_seqlen)?.data;
  const upload = ({ data, shape }: Values, type: 'f32' | 'u32' = 'f32'): Tensor => device.tensor(data, shape, type);
  const { left_window_size: left = -1, right_window_size: right = -1, scale, softcap } = attributes;
  const options: AttentionCallOptions = {
    causal: attributes.is_causal === 1,
    firstPosition: keyLengths ? keyLengths.map((length) => length - queries) : (past.key?.shape[2] ?? 0),
    ...(keyLengths && { keyLengths }),
    ...((left >= 0 || right >= 0) && { window: [left < 0 ? 1e6 : left, right < 0 ? 1e6 : right] as const }),
    ...(scale !== undefined && { scale }),
    ...(softcap !== undefined && { softCap: softcap }),
    ...(expanded && (expanded.isBoolean ? { mask: upload(expanded, 'u32') } : { bias: upload(expanded) })),
  };
  return { q: upload(q), k: upload(k), v: upload(v), options };
}

/** [batch * heads, rows, d] as the case wants its result. */
function arranged(data: ArrayLike<number>, shape: readonly number[], heads: number): number[] {
  if (shape.length === 4) return Array.from(data);
  const [, rows = 1, columns = 1] = shape;
  const d = columns / heads;
  return Array.from({ length: data.length }, (_, index) => {
    const [b, rest] = [Math.floor(index / (rows * columns)), index % (rows * columns)];
    const [row, column] = [Math.floor(rest / columns), rest % columns];
    return data[((b * heads + Math.floor(column / d)) * rows + row) * d + (column % d)] ?? Number.NaN;
  });
}

function expectClose(made: readonly number[], expected: readonly number[], name: string): void {
  expect(made.length, name).toBe(expected.length);
  expected.forEach((value, index) => {
    const difference = Math.abs((made[index] ?? Number.NaN) - value);
    expect(difference, `${name}[${String(index)}]`).toBeLessThanOrEqual(1e-6 + 1e-4 * Math.abs(value));
  });
}

const stages = ['scaled', 'capped', 'logits', 'weights'] as const;

test.each(golden.cases as readonly unknown[] as readonly Case[])('$id', async (each) => {
  for (const [device, variant] of [
    [cpu, 'auto'],
    [gpu, 'flash'],
    [gpu, 'decode'],
    [gpu, 'naive'],
  ] as const) {
    using scope = device.scope();
    const { q, k, v, options } = callOf(device, each);
    const y = valuesOf(each.outputs.Y);
    const result = await device.read(attention(q, k, v, { ...options, variant }));
    expectClose(arranged(result, y?.shape ?? [], each.attributes.q_num_heads ?? 1), y?.data ?? [], `${variant} Y`);
    const inner = valuesOf(each.outputs.qk_matmul_output);
    if (inner === undefined || variant === 'flash' || variant === 'decode') continue;
    const stage = stages[each.attributes.qk_matmul_output_mode ?? 0] ?? 'scaled';
    expectClose(Array.from(await device.read(attentionWeights(q, k, { ...options, stage }))), inner.data, stage);
  }
});
