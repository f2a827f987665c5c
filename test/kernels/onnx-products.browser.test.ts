/** Products, normalizations and index sums against the ONNX backend's cases, on both devices. */
import { expect, test } from 'vitest';
import type { Device, Tensor } from '../../src/device';
import { affine, axpy } from '../../src/kernels/elementwise';
import { gatherRows } from '../../src/kernels/gather';
import { matmul } from '../../src/kernels/matmul';
import { layerNorm, rmsNorm, rowMoments } from '../../src/kernels/normalization';
import { reduceRows } from '../../src/kernels/reduce';
import { transpose } from '../../src/kernels/transpose';
import golden from '../golden/onnx-products.json';
import { openReference, openTestDevice } from '../support/device';

const devices: readonly Device[] = [await openTestDevice(), openReference()];

interface Values {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly id: string;
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  readonly inputs: readonly Values[];
  readonly outputs: readonly Values[];
}

type Results = readonly (readonly number[])[];
type Run = (device: Device, testCase: Case) => Promise<Results>;

const product = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);
const numbers = async (tensor: Tensor): Promise<number[]> => Array.from(await tensor.read());

function input({ inputs }: Case, index: number): Values {
  const found = inputs[index];
  if (found === undefined) throw new Error('A case without an operand.');
  return found;
}

/** The last two axes are matrices, the others count them; of one axis there is a single matrix. */
function matricesOf({ shape, data }: Values, oneAxis: 'row' | 'column') {
  const [rows = 1, columns = 1] =
    shape.length > 1 ? shape.slice(-2) : oneAxis === 'row' ? [1, ...shape] : [...shape, 1];
  const batch = shape.slice(0, -2);
  const matrix = (index: number): readonly number[] => data.slice(index * rows * columns, (index + 1) * rows * columns);
  return { rows, columns, batch, matrix };
}

/** One product for each place of the outer axes, which are broadcast. */
async function runMatmul(device: Device, testCase: Case): Promise<Results> {
  const a = matricesOf(input(testCase, 0), 'row');
  const b = matricesOf(input(testCase, 1), 'column');
  const batch = a.batch.map((length, axis) => Math.max(length, b.batch[axis] ?? 1));
  const results: number[] = [];
  for (let index = 0; index < product(batch); index++) {
    const of = (own: readonly number[]): number => {
      let rest = index;
      let [at, stride] = [0, 1];
      for (let axis = batch.length - 1; axis >= 0; axis--) {
        at += ((rest % (batch[axis] ?? 1)) % (own[axis] ?? 1)) * stride;
        stride *= own[axis] ?? 1;
        rest = Math.floor(rest / (batch[axis] ?? 1));
      }
      return at;
    };
    const left = device.tensor(a.matrix(of(a.batch)), [a.rows, a.columns]);
    const right = device.tensor(b.matrix(of(b.batch)), [b.rows, b.columns]);
    results.push(...(await numbers(matmul(left, right))));
  }
  return [results];
}

/** alpha A' B' + beta C, where C is broadcast. */
async function runGemm(device: Device, testCase: Case): Promise<Results> {
  const { alpha = 1, beta = 1, transA, transB } = testCase.attributes;
  const operand = (index: number, isTransposed: boolean): Tensor => {
    const { shape, data } = input(testCase, index);
    const tensor = device.tensor(data, shape);
    return isTransposed ? transpose(tensor) : tensor;
  };
  const y = matmul(operand(0, transA === 1), operand(1, transB === 1));
  const [rows = 1, columns = 1] = y.shape;
  const c = testCase.inputs[2];
  const [height = 1, width = 1] = c === undefined ? [] : [...Array<number>(2 - c.shape.length).fill(1), ...c.shape];
  const spread = Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns) % height, (i % columns) % width];
    return c?.data[row * width + column] ?? 0;
  });
  const shift = affine(device.tensor(spread, [rows, columns]), { scale: Number(beta) });
  return [await numbers(axpy(Number(alpha), y, shift))];
}

/** The axes from `axis` on are one row. */
async function runNormalization(device: Device, testCase: Case): Promise<Results> {
  const { axis = -1, epsilon } = testCase.attributes;
  const { shape, data } = input(testCase, 0);
  const columns = product(shape.slice(Number(axis)));
  const x = device.tensor(data, [data.length / columns, columns]);
  const scale = device.tensor(input(testCase, 1).data, [columns]);
  const options = epsilon === undefined ? {} : { epsilon: Number(epsilon) };
  if (testCase.op === 'RMSNormalization') return [await numbers(rmsNorm(x, scale, options))];
  const bias = device.tensor(input(testCase, 2).data, [columns]);
  const moments = await numbers(rowMoments(x, options));
  return [
    await numbers(layerNorm(x, scale, { ...options, bias })),
    moments.filter((_, i) => i % 2 === 0),
    moments.filter((_, i) => i % 2 === 1),
  ];
}

const einsums: Readonly<Record<string, (device: Device, x: Values, y: Values | undefined) => Promise<number[]>>> = {
  'ij->i': (device, x) => numbers(reduceRows(device.tensor(x.data, x.shape), 'sum')),
  'i,i': (device, x, y) => {
    const right = device.tensor(y?.data ?? [], [x.data.length, 1]);
    return numbers(matmul(device.tensor(x.data, [1, x.data.length]), right));
  },
  '...ii ->...i': (device, x) => {
    const n = x.shape.at(-1) ?? 1;
    const diagonal = x.data.flatMap((_, at) => (Math.floor((at % (n * n)) / n) === at % n ? [at] : []));
    return numbers(
      gatherRows(device.tensor(x.data, [x.data.length]), device.tensor(diagonal, [diagonal.length], 'u32')),
    );
  },
};

const runs: Readonly<Record<string, Run>> = {
  MatMul: runMatmul,
  Gemm: runGemm,
  LayerNormalization: runNormalization,
  RMSNormalization: runNormalization,
  Einsum: async (device, testCase) => {
    const run = einsums[String(testCase.attributes.equation)];
    if (run === undefined) throw new Error(`There is no kernel for ${String(testCase.attributes.equation)}.`);
    return [await run(device, input(testCase, 0), testCase.inputs[1])];
  },
};

test.each(golden.cases as readonly unknown[] as readonly Case[])('$id', async (testCase) => {
  for (const device of devices) {
    using _scope = device.scope();
    const results = await runs[testCase.op]?.(device, testCase);
    testCase.outputs.forEach(({ name, data }, index) => {
      const made = results?.[index] ?? [];
      expect(made.length, name).toBe(data.length);
      data.forEach((value, i) => {
        const difference = Math.abs((made[i] ?? Number.NaN) - value);
        expect(difference, `${name}[${String(i)}]`).toBeLessThanOrEqual(1e-6 + 1e-4 * Math.abs(value));
      });
    });
  }
});
