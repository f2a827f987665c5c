/** `<tessella-data-drop>`: a sample to choose, a file of one's own by drop, dialog or keyboard, or points painted by hand. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { DataChoice, DataKind, DataParameter } from '../labs/parameters';
import { formatBytes, formatCount } from '../share/format';
import { base, controls } from '../share/theme';
import { paintingFile, pointCount, type Painting } from './painting';

const acceptedTypes = {
  image: 'image/*',
  matrix: '.npy,.csv,.tsv,.txt,text/csv',
  tensors: '.safetensors',
} as const satisfies Record<DataKind, string>;

const kindWords = {
  image: 'a photograph',
  matrix: 'a CSV or .npy',
  tensors: 'a .safetensors',
} as const satisfies Record<DataKind, string>;

/** What was painted for a file, so that it can be gone on with wherever the file is chosen. */
const paintings = new WeakMap<Blob, Painting>();

/** Why a file cannot be what a parameter takes, as far as its name and size tell; null if it may be. The engine reads it. */
export function refuseFile(file: File, accepts: DataKind): string | null {
  if (file.size === 0) return `"${file.name}" is empty; choose another file.`;
  const looksLikeImage = file.type.startsWith('image/') || /\.(?:png|jpe?g|webp|gif|avif|bmp)$/i.test(file.name);
  const looksLikeMatrix = /\.(?:npy|csv|tsv|txt)$/i.test(file.name) || file.type === 'text/csv';
  if (accepts === 'image' && looksLikeMatrix)
    return `"${file.name}" is not a picture; this takes a PNG, JPEG, WebP or AVIF.`;
  if (accepts === 'matrix' && looksLikeImage)
    return `"${file.name}" is a picture; this takes numbers: a .npy or a CSV.`;
  if (accepts === 'tensors' && (looksLikeImage || looksLikeMatrix))
    return `"${file.name}" holds no named tensors; this takes a .safetensors.`;
  return null;
}

/** Sends `data-choose` with a `DataChoice`; holds no choice of its own. */
export class DataDropElement extends LitElement {
  static override properties = {
    declaration: { attribute: false },
    value: { attribute: false },
    over: { state: true },
    refusal: { state: true },
    isPainting: { state: true },
  };
  declare declaration: DataParameter | null;
  declare value: DataChoice;
  declare over: boolean;
  declare refusal: string | null;
  declare private isPainting: boolean;

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
    this.isPainting = false;
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
        ${value.kind === 'file' ? this.fileLine(value.name, value.file) : this.invitation(declaration)}
      </div>
      <input
        type="file"
        hidden
        accept=${acceptedTypes[declaration.accepts]}
        aria-label=${`File for ${declaration.label}`}
        @change=${this.chooseFile}
      />
      ${this.refusal === null ? nothing : html`<small role="alert">${this.refusal}</small>`}
      ${this.isPainting ? this.pad(declaration) : nothing}
    `;
  }

  /** Goes on with the painting that is chosen, if one is. */
  private pad({ label, paint }: DataParameter): TemplateResult | typeof nothing {
    if (paint === undefined) return nothing;
    const painting = this.value.kind === 'file' ? (paintings.get(this.value.file) ?? []) : [];
    return html`<tessella-paint-pad
      .label=${label}
      .sheet=${paint}
      .painting=${painting}
      @paint-done=${(event: CustomEvent<Painting>) => {
        const file = paintingFile(event.detail, paint);
        paintings.set(file, event.detail);
        this.closePad();
        this.refusal = null;
        this.choose({ kind: 'file', file, name: 'painted' });
      }}
      @paint-cancel=${this.closePad}
    ></tessella-paint-pad>`;
  }

  private invitation({ accepts, label, paint }: DataParameter): TemplateResult {
    const choose = html`<button type="button" aria-label=${`Choose a file for ${label}`} @click=${this.openDialog}>
      choose a file
    </button>`;
    if (paint === undefined) return html`Drop ${kindWords[accepts]} or ${choose}`;
    return html`Drop ${kindWords[accepts]}, ${choose} or ${this.paintButton('paint points')}`;
  }

  private paintButton(words: string): TemplateResult {
    return html`<button
      type="button"
      part="paint"
      aria-haspopup="dialog"
      aria-label=${`Paint points for ${this.declaration?.label ?? ''}`}
      @click=${this.openPad}
    >
      ${words}
    </button>`;
  }

  private fileLine(name: string, file: Blob): TemplateResult {
    const painting = paintings.get(file);
    const extent = painting ? `${formatCount(pointCount(painting))} points` : formatBytes(file.size, 'decimal');
    const another = html`<button
      type="button"
      aria-label=${`Choose another file for ${this.declaration?.label ?? ''}`}
      @click=${this.openDialog}
    >
      change
    </button>`;
    return html`<span class="name">${name}</span> · ${extent} ·
      ${painting === undefined ? another : this.paintButton('go on')} ·
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

  /** The pad is loaded when it is first asked for. */
  private readonly openPad = (): void => {
    void import('./paint-pad').then(() => {
      this.isPainting = true;
    });
  };

  /** Focus goes back to where the pad was opened. */
  private readonly closePad = (): void => {
    this.isPainting = false;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>('[part=paint]')?.focus());
  };

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
