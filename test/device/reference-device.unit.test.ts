/** The reference device keeps the same contract as the GPU one: scopes, memory, errors, abort. */
import { describe, expect, it } from 'vitest';
import {
  CancelledError,
  defineKernel,
  InvalidInputError,
  openReferenceDevice,
  OutOfMemoryError,
  type Tensor,
} from '../../src/device';

const double = defineKernel({
  name: 'double',
  summary: 'Twice every element.',
  shaders: [],
  cost: (x: Tensor) => ({ flops: x.size, bytes: 8 * x.size }),
  webgpu: () => {
    throw new Error('not used');
  },
  reference(cpu, x): Tensor {
    return cpu.tensor(
      x.data.map((value) => 2 * value),
      x.shape,
    );
  },
});

describe('ReferenceDevice', () => {
  it('holds f32 tensors in float64 and runs kernels at once', async () => {
    const device = openReferenceDevice().session();
    const tenth = device.tensor([0.1], [1]);
    expect(await double(tenth).read()).toEqual(new Float64Array([0.2]));
  });

  it('frees a scope, keeps what was kept, refuses what was freed, and counts', async () => {
    const root = openReferenceDevice();
    const device = root.session();
    let kept: Tensor;
    let lost: Tensor;
    {
      using scope = device.scope();
      kept = scope.keep(device.full([2], 1));
      lost = device.full([2], 1);
      expect(device.memory().liveBuffers).toBe(2);
    }
    expect(device.memory()).toMatchObject({ liveBuffers: 1, liveBytes: 16 });
    expect(await kept.read()).toEqual(new Float64Array([1, 1]));
    await expect(lost.read()).rejects.toThrow(InvalidInputError);
    device.close();
    expect(root.memory()).toMatchObject({ liveBuffers: 0, liveBytes: 0 });
  });

  it('refuses tensors of two devices, no tensor at all, and too much memory', () => {
    const add = defineKernel({
      name: 'add',
      summary: 'Sum.',
      shaders: [],
      cost: (a: Tensor, _b: Tensor) => ({ flops: a.size, bytes: 12 * a.size }),
      webgpu: () => 0,
      reference: () => 1,
    });
    const device = openReferenceDevice({ budgetBytes: 1000 });
    const one = device.session().full([1], 1);
    const other = device.session().full([1], 1);
    expect(add(one, one)).toBe(1);
    expect(() => add(one, other)).toThrow(/add was given tensors of two devices/);
    const nothing = defineKernel({
      name: 'nothing',
      summary: '',
      shaders: [],
      cost: () => ({ flops: 0, bytes: 0 }),
      webgpu: () => 0,
      reference: () => 0,
    });
    expect(() => nothing()).toThrow(InvalidInputError);
    expect(() => device.empty([200])).toThrow(OutOfMemoryError);
  });

  it('stops at its signal', async () => {
    const controller = new AbortController();
    const device = openReferenceDevice().session(controller.signal);
    const x = device.full([1], 1);
    controller.abort();
    expect(() => double(x)).toThrow(CancelledError);
    await expect(device.flush()).rejects.toThrow(CancelledError);
  });
});
