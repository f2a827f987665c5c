/** ONNX Runtime Web, either of its WebGPU builds, behind the interface of the contenders: a model of one node, WebGPU, operands in GPU buffers. */
import type * as Runtime from 'onnxruntime-web';
import type { Contender, HostIndices, HostMatrix, HostOperand, Prepared } from './contenders';
import { oneNodeModel, type OneNode } from './onnx-model';

/** Its WebAssembly files are assets of the built page: nothing comes from elsewhere. */
export function openOnnxRuntime(name: string, ort: typeof Runtime): Contender {
  // More threads would need a page that is isolated from other origins.
  ort.env.wasm.numThreads = 1;
  const prepare = preparerOf(ort);
  return {
    name,
    attention: (queries, keys, values) =>
      prepare({ query: queries, key: keys, value: values }, ({ rows, columns }) => [1, rows, columns], {
        operator: 'MultiHeadAttention',
        domain: 'com.microsoft',
        integers: { num_heads: 1 },
        output: [1, queries.rows, values.columns],
      }),
    softmax: (x) =>
      prepare({ x }, ({ rows, columns }) => [rows, columns], {
        operator: 'Softmax',
        domain: '',
        integers: { axis: 1 },
        output: [x.rows, x.columns],
      }),
    prefixSum: (x) =>
      prepare({ x }, ({ values }) => [values.length], {
        operator: 'CumSum',
        domain: '',
        integers: {},
        constants: { axis: { value: 0, shape: [] } },
        output: [x.values.length],
      }),
    topK: (x, k) =>
      prepare({ x }, ({ rows, columns }) => [rows, columns], {
        operator: 'TopK',
        domain: '',
        integers: {},
        constants: { k: { value: k, shape: [1] } },
        unused: ['indices'],
        output: [x.rows, k],
      }),
    gather: (x, indices) =>
      prepare({ x, indices }, ({ rows, columns }) => [rows, columns], {
        operator: 'Gather',
        domain: '',
        integers: {},
        output: [indices.values.length, x.columns],
      }),
  };
}

type Prepare = (
  operands: Readonly<Record<string, HostOperand>>,
  shapeOf: (matrix: HostMatrix) => number[],
  node: Omit<OneNode, 'inputs'>,
) => Promise<Prepared>;

const preparerOf =
  (ort: typeof Runtime): Prepare =>
  async (operands, shapeOf, node) => {
    const describe = (operand: HostMatrix | HostIndices) =>
      'rows' in operand
        ? ({ shape: shapeOf(operand), type: 'float32' } as const)
        : ({ shape: [operand.values.length], type: 'int32' } as const);
    const described = Object.entries(operands).map(([name, operand]) => [name, describe(operand)] as const);
    const session = await ort.InferenceSession.create(
      oneNodeModel({ ...node, inputs: Object.fromEntries(described) }),
      {
        executionProviders: ['webgpu'],
        preferredOutputLocation: 'gpu-buffer',
        // What it has no WebGPU kernel for, it would compute on the CPU without a word.
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      },
    );
    const device = await ort.env.webgpu.device;
    const buffers: GPUBuffer[] = [];
    const inputs = Object.fromEntries(
      Object.entries(operands).map(([name, operand]) => {
        const { shape, type } = describe(operand);
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        const buffer = device.createBuffer({ size: operand.values.byteLength, usage });
        device.queue.writeBuffer(buffer, 0, operand.values);
        buffers.push(buffer);
        return [name, ort.Tensor.fromGpuBuffer(buffer, { dataType: type, dims: shape })];
      }),
    );
    const compute = async (): Promise<Runtime.Tensor> => {
      const { result } = await session.run(inputs);
      if (result === undefined) throw new Error('The model gave no result.');
      if (result.location !== 'gpu-buffer')
        throw new Error(`The result is in ${result.location} instead of a GPU buffer.`);
      return result;
    };
    return {
      async run() {
        const result = await compute();
        // Copies to the host and lets the buffer go.
        return await result.getData(true);
      },
      async finish() {
        const result = await compute();
        await device.queue.onSubmittedWorkDone();
        result.dispose();
      },
      async dispose() {
        await session.release();
        for (const buffer of buffers) buffer.destroy();
      },
    };
  };
