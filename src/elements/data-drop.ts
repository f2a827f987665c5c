/** `<tessella-data-drop>`: a sample to choose, or a file of one's own by drop, dialog or keyboard. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { DataChoice, DataKind, DataParameter } from '../labs/parameters';
import { formatBytes } from '../share/format';
import { base, controls } from '../share/theme';

const acceptedTypes = {
  image: 'image/*',
  matrix: '.npy,.csv,.tsv,.txt,text/csv',
} as const satisfies Record<DataKind, string>;

const kindWords = { image: 'a photograph', matrix: 'a CSV or .npy' } as const satisfies Record<DataKind, string>;

/** Why a file cannot be what a parameter takes, as far as its name and size tell; null if it may be. The engine reads it. */
export function refuseFile(file: File, accepts: DataKind): string | null {
  if (file.size === 0) return `"${file.name}" is empty; choose another file.`;
  const looksLikeImage = file.type.startsWith('image/') || /\.(?:png|jpe?g|webp|gif|avif|bmp)$/i.test(file.name);
  const looksLikeMatrix = /\.(?:npy|csv|tsv|txt)$/i.test(file.name) || file.type === 'text/csv';
  if (accepts === 'image' && looksLikeMatrix)
    return `"${file.name}" is not a picture; this takes a PNG, JPEG, WebP or AVIF.`;
  if (accepts === 'matrix' && looksLikeImage)
    return `"${file.name}" is a picture; this takes numbers: a .npy or a CSV.`;
  return null;
}

/** Sends `data-choose` with a `DataChoice`; holds no choice of its own. */
export class DataDropElement extends LitElement {
  static override properties = {
    declaration: { attribute: false },
    value: { attribute: false },
    over: { state: true },
    refusal: { state: true },
  };
  declare declaration: DataParameter | null;
  declare value: DataChoice;
  declare over: boolean;
  declare refusal: string | null;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
      }
      select {
        width: 100%;
        margin-bottom: 6px;
      }
      .zone {
        border: 1px dashed var(--tessella-edge);
        border-radius: var(--tessella-radius);
        padding: 9px 12px;
        text-align: center;
        color: var(--tessella-quiet);
        font-size: 13px;
        overflow-wrap: anywhere;
      }
      .zone[data-over] {
        border-color: var(--tessella-accent);
        background: var(--tessella-accent-soft);
        color: var(--tessella-accent);
      }
      .zone .name {
        color: var(--tessella-ink);
      }
      .zone button {
        text-decoration: underline;
        text-underline-offset: 0.15em;
        padding: 2px;
        margin: -2px;
        border: 0;
        background: none;
        color: inherit;
      }
      .zone button:hover {
        color: var(--tessella-accent);
      }
      small {
        display: block;
        margin-top: 3px;
        font-size: 12px;
        color: var(--tessella-warn);
      }
    `,
  ];

  constructor() {
    super();
    this.declaration = null;
    this.value = { kind: 'none' };
    this.over = false;
    this.refusal = null;
  }

  override render(): TemplateResult | typeof nothing {
    const { declaration, value } = this;
    if (declaration === null) return nothing;
    const samples = Object.entries(declaration.samples);
    const choice = value.kind === 'sample' ? value.name : value.kind === 'file' ? '#file' : '#none';
    return html`
      ${
        samples.length === 0
          ? nothing
          : html`<select aria-label=${declaration.label} .value=${live(choice)} @change=${this.chooseSample}>
              ${value.kind === 'file' ? html`<option value="#file" selected>${value.name}</option>` : nothing}
              ${
                declaration.default === null || value.kind === 'none'
                  ? html`<option value="#none" ?selected=${value.kind === 'none'}>generated</option>`
                  : nothing
              }
              ${samples.map(([name, label]) => html`<option value=${name} ?selected=${choice === name}>${label}</option>`)}
            </select>`
      }
      <div
        class="zone"
        part="drop"
        ?data-over=${this.over}
        @dragover=${this.dragOver}
        @dragleave=${() => {
          this.over = false;
        }}
        @drop=${this.drop}
      >
        ${value.kind === 'file' ? this.fileLine(value.name, value.file.size) : this.invitation(declaration)}
      </div>
      <input
        type="file"
        hidden
        accept=${acceptedTypes[declaration.accepts]}
        aria-label=${`File for ${declaration.label}`}
        @change=${this.chooseFile}
      />
      ${this.refusal === null ? nothing : html`<small role="alert">${this.refusal}</small>`}
    `;
  }

  private invitation(declaration: DataParameter): TemplateResult {
    return html`Drop ${kindWords[declaration.accepts]} or
      <button type="button" aria-label=${`Choose a file for ${declaration.label}`} @click=${this.openDialog}>
        choose a file
      </button>`;
  }

  private fileLine(name: string, bytes: number): TemplateResult {
    return html`<span class="name">${name}</span> · ${formatBytes(bytes, 'decimal')} ·
      <button
        type="button"
        aria-label=${`Choose another file for ${this.declaration?.label ?? ''}`}
        @click=${this.openDialog}
      >
        change
      </button>
      ·
      <button
        type="button"
        aria-label=${`Remove the file for ${this.declaration?.label ?? ''}`}
        @click=${this.removeFile}
      >
        remove
      </button>`;
  }

  /** Takes a file as if it had been dropped here. Returns false if it was refused. */
  accept(file: File): boolean {
    const accepts = this.declaration?.accepts ?? 'image';
    this.refusal = refuseFile(file, accepts);
    if (this.refusal !== null) return false;
    this.choose({ kind: 'file', file, name: file.name });
    return true;
  }

  private choose(choice: DataChoice): void {
    this.dispatchEvent(new CustomEvent('data-choose', { detail: choice, bubbles: true }));
  }

  private readonly openDialog = (): void => {
    this.renderRoot.querySelector<HTMLInputElement>('input[type=file]')?.click();
  };

  private readonly removeFile = (): void => {
    this.refusal = null;
    const name = this.declaration?.default ?? null;
    this.choose(name === null ? { kind: 'none' } : { kind: 'sample', name });
  };

  private readonly chooseFile = (event: Event): void => {
    if (!(event.target instanceof HTMLInputElement)) return;
    const file = event.target.files?.[0];
    // Emptied, so that choosing the same file again is a change.
    event.target.value = '';
    if (file !== undefined) this.accept(file);
  };

  private readonly chooseSample = (event: Event): void => {
    if (!(event.target instanceof HTMLSelectElement)) return;
    this.refusal = null;
    const name = event.target.value;
    if (name !== '#file') this.choose(name === '#none' ? { kind: 'none' } : { kind: 'sample', name });
  };

  private readonly dragOver = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    this.over = true;
  };

  private readonly drop = (event: DragEvent): void => {
    this.over = false;
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.accept(file);
  };
}

if (!customElements.get('tessella-data-drop')) customElements.define('tessella-data-drop', DataDropElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-data-drop': DataDropElement;
  }
}
