/** `<tessella-kernel-viewer>`: the kernels of a lab: WGSL as written and as linked, cost, and the last time each took. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { EngineClient } from '../engine/client';
import type { KernelView } from '../engine/protocol';
import { formatBandwidth, formatDuration, formatFlops } from '../share/format';
import { base, controls } from '../share/theme';
import { highlightWgsl } from './wgsl-highlight';

/** Asks again for what has been compiled and measured when it is told to. */
export class KernelViewerElement extends LitElement {
  static override properties = {
    lab: { attribute: false },
    kernels: { state: true },
    chosen: { state: true },
    problem: { state: true },
  };
  declare lab: string;
  declare private kernels: readonly KernelView[];
  /** Which text is open, as `kernel/source name`. */
  declare private chosen: Readonly<Record<string, string>>;
  declare private problem: string;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
        font-size: 14px;
      }
      .top {
        display: flex;
        justify-content: space-between;
        gap: 16px;
        margin-bottom: 10px;
        color: var(--tessella-quiet);
      }
      .top p {
        margin: 0;
      }
      section {
        margin-bottom: 14px;
        border: 1px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
        background: var(--tessella-surface);
      }
      header {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        align-items: baseline;
        padding: 12px 16px 0;
      }
      h3 {
        margin: 0;
        font: 600 14px var(--tessella-mono);
      }
      header p {
        flex: 1 1 280px;
        margin: 0;
        color: var(--tessella-quiet);
      }
      .time {
        color: var(--tessella-quiet);
        font-size: 13px;
      }
      .files {
        display: flex;
        flex-wrap: wrap;
        gap: 4px;
        padding: 8px 16px 0;
      }
      .files button {
        padding: 3px 9px;
        font-size: 12px;
        color: var(--tessella-quiet);
      }
      .files button[aria-pressed='true'] {
        border-color: var(--tessella-accent);
        color: var(--tessella-accent);
      }
      pre {
        max-height: 420px;
        margin: 0;
        padding: 12px 16px;
        overflow: auto;
        font: 13px/1.55 var(--tessella-mono);
        tab-size: 2;
      }
      pre .keyword {
        color: var(--tessella-s3);
      }
      pre .comment {
        color: var(--tessella-quiet);
      }
      pre .number {
        color: var(--tessella-s2);
      }
      pre .attribute {
        color: var(--tessella-s1);
      }
    `,
  ];

  constructor() {
    super();
    this.lab = '';
    this.kernels = [];
    this.chosen = {};
    this.problem = '';
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('lab')) void this.#load();
  }

  async #load(): Promise<void> {
    const { lab } = this;
    if (lab === '') return;
    try {
      const kernels = await EngineClient.shared().kernels(lab);
      if (lab === this.lab) this.kernels = kernels;
      this.problem = '';
    } catch (cause) {
      this.problem = cause instanceof Error ? cause.message : String(cause);
    }
  }

  protected override render(): TemplateResult {
    return html`<div class="top">
        <p>
          Files are as written; “linked” is what the browser compiled, with imports and constants put in. Times are of
          the last run here.
        </p>
        <button @click=${this.#load}>Refresh</button>
      </div>
      ${this.problem === '' ? nothing : html`<p class="warn" role="alert">${this.problem}</p>`}
      ${this.kernels.map((kernel) => this.#kernel(kernel))}`;
  }

  #kernel({ name, summary, sources, linked, timing }: KernelView): TemplateResult {
    const texts = [
      ...sources.map(({ file, source }) => ({ label: file, text: source })),
      ...linked.map(({ label, wgsl }) => ({ label: `linked: ${label}`, text: wgsl })),
    ];
    const open = texts.find(({ label }) => label === this.chosen[name]) ?? texts[0];
    return html`<section>
      <header>
        <h3>${name}</h3>
        <p>${summary}</p>
        <span class="time">${timing === null ? 'not measured yet' : timingWords(timing)}</span>
      </header>
      <div class="files" role="group" aria-label="Source of ${name}">
        ${texts.map(
          ({ label }) =>
            html`<button
              aria-pressed=${label === open?.label ? 'true' : 'false'}
              @click=${() => {
                this.chosen = { ...this.chosen, [name]: label };
              }}
            >
              ${label}
            </button>`,
        )}
      </div>
      ${open === undefined ? nothing : html`<pre tabindex="0" aria-label="WGSL">${highlightWgsl(open.text)}</pre>`}
    </section>`;
  }
}

function timingWords({ milliseconds, source, flops, bytes }: NonNullable<KernelView['timing']>): string {
  const seconds = milliseconds / 1000;
  const rates = [flops > 0 ? formatFlops(flops / seconds) : '', bytes > 0 ? formatBandwidth(bytes / seconds) : ''];
  const clock = source === 'timestamp' ? 'GPU timestamps' : 'wall clock of a submit';
  return [formatDuration(milliseconds), ...rates.filter((rate) => rate !== ''), clock].join(' · ');
}

customElements.define('tessella-kernel-viewer', KernelViewerElement);
