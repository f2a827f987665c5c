/**
 * Keeps a device under the engine: opens one when it is needed, opens another when it is lost, counts generations, and
 * goes on with the reference device where there is no GPU or where it was lost too often.
 */
import type { Device } from '../device/device';
import type { DeviceLostError } from '../device/errors';
import { serializeError, UnsupportedError } from '../device/errors';

/** A device that can go away. */
export interface GpuRoot extends Device {
  readonly lost: Promise<DeviceLostError>;
  destroy(): void;
}

/** How devices are opened. */
export interface DeviceOpeners {
  /** Rejects with `UnsupportedError` where there is no GPU. */
  openGpu(): Promise<GpuRoot>;
  openReference(): Device;
}

/** A device and the generation it belongs to. */
export interface Lease {
  readonly device: Device;
  readonly generation: number;
  /** Why this is the reference device, or null. */
  readonly fallbackReason: string | null;
  /** Aborted with a `DeviceLostError` when this device is gone. */
  readonly lost: AbortSignal;
  /** Destroys the device; does nothing to the reference device. */
  destroy(): void;
}

const lossesAllowed = 2;
const lossWindowMs = 120_000;
/** Waits before asking again for a device after a loss: a driver needs a moment to come back. */
const reopenWaitsMs = [0, 300, 1000];

export class DeviceSupervisor {
  readonly #openers: DeviceOpeners;
  readonly #onChange: () => void;
  #lease: Lease | undefined;
  #opening: Promise<Lease> | undefined;
  #generation = 0;
  #losses: number[] = [];
  #lossesInAll = 0;

  /** `onChange` is called after a device was opened or lost. */
  constructor(openers: DeviceOpeners, onChange: () => void = () => undefined) {
    this.#openers = openers;
    this.#onChange = onChange;
  }

  /** How many devices were lost so far. */
  get losses(): number {
    return this.#lossesInAll;
  }

  /** The device in use, or undefined before the first and between two. */
  get current(): Lease | undefined {
    return this.#lease;
  }

  /** The device in use; opens one where there is none. Whoever asks meanwhile gets the same one. Never rejects for want of a GPU. */
  acquire(): Promise<Lease> {
    if (this.#lease !== undefined) return Promise.resolve(this.#lease);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Lease> {
    const recent = this.#losses.filter((time) => performance.now() - time < lossWindowMs);
    if (recent.length > lossesAllowed) {
      return this.#useReference(
        `The GPU was lost ${String(recent.length)} times in two minutes; runs go on with the float64 reference on the CPU. Reload the page to try the GPU again.`,
      );
    }
    const waits = this.#generation === 0 ? [0] : reopenWaitsMs;
    let failure: unknown;
    for (const waitMs of waits) {
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        return this.#use(await this.#openers.openGpu());
      } catch (error) {
        failure = error;
      }
    }
    const reason = failure instanceof UnsupportedError ? failure.message : serializeError(failure).message;
    return this.#useReference(`${reason} Until then runs use the float64 reference on the CPU.`);
  }

  #use(device: GpuRoot): Lease {
    const loss = new AbortController();
    const lease: Lease = {
      device,
      generation: ++this.#generation,
      fallbackReason: null,
      lost: loss.signal,
      destroy: () => {
        device.destroy();
      },
    };
    this.#lease = lease;
    void device.lost.then((error) => {
      // Cleared before anyone is told, so that whoever restarts gets a new device.
      if (this.#lease === lease) this.#lease = undefined;
      this.#losses.push(performance.now());
      this.#lossesInAll += 1;
      loss.abort(error);
      device.close();
      this.#onChange();
    });
    this.#onChange();
    return lease;
  }

  #useReference(reason: string): Lease {
    const lease: Lease = {
      device: this.#openers.openReference(),
      generation: ++this.#generation,
      fallbackReason: reason,
      lost: new AbortController().signal,
      destroy: () => undefined,
    };
    this.#lease = lease;
    this.#onChange();
    return lease;
  }
}
