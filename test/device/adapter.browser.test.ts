/** The ground that every other browser test stands on: this browser has a WebGPU adapter, on the page and in a worker. */
import { expect, it } from 'vitest';
import { openTestDevice } from '../support/device';

it('offers a WebGPU adapter on the page', async () => {
  const adapter = await requestAdapter();
  expect(adapter.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
});

it('offers a WebGPU adapter in a worker from a file', async () => {
  const worker = new Worker(new URL('./adapter-worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<unknown>((resolve, reject) => {
      worker.onmessage = (event) => {
        resolve(event.data);
      };
      worker.onerror = () => {
        reject(new Error('The worker did not start.'));
      };
    });
    expect(answer).toBe('adapter');
  } finally {
    worker.terminate();
  }
});

it('computes', async () => {
  const device = await (await requestAdapter()).requestDevice();
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
           @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) { x[i] = i * i; }`,
  });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const storage = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: storage } }],
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, staging, 0, 16);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  expect([...new Uint32Array(staging.getMappedRange())]).toEqual([0, 1, 4, 9]);
  device.destroy();
});

it('opens one test device for a whole file, at default limits', async () => {
  const device = await openTestDevice();
  expect(await openTestDevice()).toBe(device);
  expect(device.context.gpu.limits.maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
});

async function requestAdapter(): Promise<GPUAdapter> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter !== null) return adapter;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('No WebGPU adapter: look at the flags in test/support/chromium.ts.');
}
