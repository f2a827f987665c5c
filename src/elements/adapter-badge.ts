/** `<tessella-adapter-badge>`: which adapter computes, with its features and limits on a click. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { EngineClient } from '../engine/client';
import type { EngineStatus } from '../engine/protocol';
import { formatBytes, formatCount } from '../share/format';
import { base, controls } from '../share/theme';

/** The limits that decide what fits, in the order shown. */
const shownLimits = {
  maxStorageBufferBindingSize: 'largest tensor',
  maxBufferSize: 'largest buffer',
  maxComputeWorkgroupStorageSize: 'workgroup memory',
  maxComputeInvocationsPerWorkgroup: 'invocations in a workgroup',
  maxComputeWorkgroupsPerDimension: 'workgroups in one direction',
  maxStorageBuffersPerShaderStage: 'storage buffers in a shader',
} as const;

/** Follows the engine's status. */
export class AdapterBadgeElement extends LitElement {
  static override properties = { status: { state: true }, problem: { state: true } };
  declare private status: EngineStatus | undefined;
  declare private problem: string;
  #stop: (() => void) | undefined;

  static override styles = [
    base,
    controls,
    css`
      :host {
        position: relative;
        font-size: 13px;
      }
      summary {
        display: flex;
        gap: 8px;
        align-items: center;
        padding: 6px 0;
        color: var(--tessella-quiet);
        cursor: pointer;
        list-style: none;
        border-radius: var(--tessella-radius);
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary span {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      i {
        flex: none;
        width: 7px;
        height: 7px;
        border-radius: 50%;
        background: var(--tessella-quiet);
      }
      i.live {
        background: var(--tessella-accent);
      }
      i.slow {
        background: var(--tessella-warn);
      }
      .details {
        position: absolute;
        right: 0;
        top: 100%;
        z-index: 5;
        width: min(380px, 92vw);
        padding: 14px 16px;
        border: 1px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
        background: var(--tessella-surface);
        box-shadow: 0 6px 24px #0002;
      }
      p {
        margin: 0 0 10px;
      }
      dl {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 3px 16px;
        margin: 0;
      }
      dt {
        color: var(--tessella-quiet);
      }
      dd {
        margin: 0;
        text-align: right;
      }
      dd.wide {
        grid-column: 1 / -1;
        text-align: left;
        margin-bottom: 6px;
      }
    `,
  ];

  constructor() {
    super();
    this.problem = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const client = EngineClient.shared();
    this.#stop = client.onStatus((status) => (this.status = status));
    client.refreshStatus().catch((cause: unknown) => {
      this.problem = cause instanceof Error ? cause.message : String(cause);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  protected override render(): TemplateResult {
    const { status } = this;
    if (status === undefined) {
      return html`<summary><i></i><span>${this.problem || 'opening the GPU'}</span></summary>`;
    }
    const { device } = status;
    const isSlow = device.kind === 'reference' || device.isFallback;
    return html`<details @keydown=${this.#close} @focusout=${this.#leave}>
      <summary title="What computes here">
        <i class=${isSlow ? 'slow' : 'live'}></i><span>${badgeWords(status)}</span>
      </summary>
      <div class="details">
        ${status.fallbackReason === null ? nothing : html`<p class="warn">${status.fallbackReason}</p>`}
        ${
          device.kind === 'webgpu' && device.isFallback
            ? html`<p class="warn">
                This adapter computes on the processor: everything runs, but slowly. Look in the browser’s settings for
                hardware acceleration.
              </p>`
            : nothing
        }
        <dl>
          <dt>adapter</dt>
          <dd>${device.label}</dd>
          <dt>features</dt>
          <dd class="wide">${device.features.length === 0 ? 'none beyond the core' : device.features.join(', ')}</dd>
          ${Object.entries(shownLimits).map(([limit, label]) => {
            const value = device.limits[limit];
            if (value === undefined) return nothing;
            return html`<dt>${label}</dt>
              <dd>${limit.endsWith('Size') ? formatBytes(value) : formatCount(value)}</dd>`;
          })}
          <dt>held now</dt>
          <dd>${formatBytes(status.memory.liveBytes)} of ${formatBytes(status.memory.budgetBytes)}</dd>
          <dt>devices lost</dt>
          <dd>${status.losses}</dd>
        </dl>
      </div>
    </details>`;
  }

  #close(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.renderRoot.querySelector('details')?.removeAttribute('open');
  }

  #leave(event: FocusEvent): void {
    if (event.relatedTarget instanceof Node && this.renderRoot.contains(event.relatedTarget)) return;
    this.renderRoot.querySelector('details')?.removeAttribute('open');
  }
}

/** The adapter in a few words. */
function badgeWords({ device }: EngineStatus): string {
  if (device.kind === 'reference') return 'no WebGPU · float64 on the processor';
  const words = [device.label, 'WebGPU'];
  if (device.subgroupSizes !== null) {
    const [smallest, largest] = device.subgroupSizes;
    words.push(`subgroups ${smallest === largest ? String(smallest) : `${String(smallest)}–${String(largest)}`}`);
  }
  if (device.features.includes('shader-f16')) words.push('f16');
  return words.join(' · ');
}

customElements.define('tessella-adapter-badge', AdapterBadgeElement);
