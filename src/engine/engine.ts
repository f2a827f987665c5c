/** The engine: labs, runs and claims over one supervised device. The worker exposes it; tests use it as it is. */
import { openReferenceDevice } from '../device/reference-device';
import { openWebGpuDevice } from '../device/webgpu-device';
import { CancelledError, serializeError, unlessAborted } from '../device/errors';
import { readData } from '../data/read';
import type { LabFamily } from '../labs/define';
import { registry, type LabSource } from '../labs/registry';
import { proveClaim } from './claims';
import { viewKernels } from './kernel-views';
import { manifest, summarize } from './manifest';
import type { ClaimResult, EngineApi, EngineStatus, KernelView, LabManifest, LabSummary, RunRequest } from './protocol';
import { executeRun, type DataReader, type RunEnvironment } from './run';
import { RunControl, type RunPort } from './run-control';
import { DeviceSupervisor, type DeviceOpeners } from './supervisor';

/** What the engine works with; every field has the real thing as its default. */
export interface EngineOptions extends Partial<DeviceOpeners> {
  readonly labs?: LabSource;
  readonly readData?: DataReader;
}

/** A run under way, as later runs see it. */
interface ActiveRun {
  readonly control: RunControl;
  /** Resolves when its session is closed. */
  readonly stopped: Promise<void>;
}

const familyOrder: Readonly<Record<LabFamily, number>> = { matrix: 0, transport: 1, attention: 2 };

export class Engine implements EngineApi {
  readonly #labs: LabSource;
  readonly #environment: RunEnvironment;
  readonly #supervisor: DeviceSupervisor;
  readonly #runs = new Map<number, ActiveRun>();
  readonly #watchers = new Set<MessagePort>();
  #proofs: Promise<unknown> = Promise.resolve();

  constructor(options: EngineOptions = {}) {
    this.#labs = options.labs ?? registry;
    this.#supervisor = new DeviceSupervisor(
      {
        openGpu: options.openGpu ?? (() => openWebGpuDevice({ limits: 'adapter' })),
        openReference: options.openReference ?? (() => openReferenceDevice()),
      },
      () => {
        this.#tellWatchers();
      },
    );
    this.#environment = { supervisor: this.#supervisor, readData: options.readData ?? readData };
  }

  async status(): Promise<EngineStatus> {
    await this.#supervisor.acquire();
    return this.#status() ?? (await this.status());
  }

  watch(port: MessagePort): Promise<void> {
    this.#watchers.add(port);
    this.#tellWatchers();
    return Promise.resolve();
  }

  async catalogue(): Promise<readonly LabSummary[]> {
    const labs = await Promise.all(this.#labs.ids.map(async (id) => summarize(await this.#labs.load(id))));
    return labs.sort((a, b) => familyOrder[a.family] - familyOrder[b.family] || a.title.localeCompare(b.title));
  }

  async describe(lab: string): Promise<LabManifest> {
    return await manifest(await this.#labs.load(lab));
  }

  async kernels(lab: string): Promise<readonly KernelView[]> {
    const { kernels } = await this.#labs.load(lab);
    return viewKernels(kernels, this.#supervisor.current?.device);
  }

  ping(): Promise<number> {
    return Promise.resolve(performance.now());
  }

  start(request: RunRequest, port: RunPort): Promise<void> {
    const control = new RunControl(request.values, port);
    const replaced = request.replaces === undefined ? undefined : this.#runs.get(request.replaces);
    replaced?.control.cancel();
    const stopped = this.#drive(request, control, replaced?.stopped).finally(() => {
      this.#runs.delete(request.runId);
      this.#tellWatchers();
    });
    this.#runs.set(request.runId, { control, stopped });
    return Promise.resolve();
  }

  /** Runs to the end and says how it ended. Never rejects. */
  async #drive(request: RunRequest, control: RunControl, before: Promise<void> | undefined): Promise<void> {
    // Whoever is replaced while it waits here is cancelled, so that of several only the latest runs.
    await before;
    try {
      control.cancelled.throwIfAborted();
      const lab = await unlessAborted(this.#labs.load(request.lab), control.cancelled);
      const { status, totalMs } = await executeRun(this.#environment, lab, control, request.interactive);
      control.end({ type: 'finished', status, totalMs });
    } catch (error) {
      control.end(
        error instanceof CancelledError ? { type: 'cancelled' } : { type: 'failed', error: serializeError(error) },
      );
    }
  }

  async prove(labId: string, claim: string, size: 'quick' | 'full', port?: RunPort): Promise<ClaimResult> {
    const lab = await this.#labs.load(labId);
    // One after the other: two claims at once would spoil each other's times.
    const proof = this.#proofs.then(() => proveClaim(this.#environment, lab, claim, size, port));
    this.#proofs = proof.catch(() => undefined);
    return proof;
  }

  async loseDevice(): Promise<void> {
    const lease = await this.#supervisor.acquire();
    lease.destroy();
  }

  #status(): EngineStatus | undefined {
    const lease = this.#supervisor.current;
    if (lease === undefined) return undefined;
    return {
      device: lease.device.info,
      generation: lease.generation,
      losses: this.#supervisor.losses,
      fallbackReason: lease.fallbackReason,
      memory: lease.device.memory(),
    };
  }

  #tellWatchers(): void {
    const status = this.#status();
    if (status === undefined) return;
    for (const port of this.#watchers) port.postMessage(status);
  }
}
