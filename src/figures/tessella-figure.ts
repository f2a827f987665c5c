/** `<tessella-figure>`: the frame around a figure, with its title, its note and a menu to save it; loads the figure's code. */
import {
  LitElement,
  css,
  html,
  nothing,
  type CSSResult,
  type PropertyDeclarations,
  type PropertyValues,
  type TemplateResult,
} from 'lit';
import type { FigureDeclaration, FigureKind, FrameByKind } from '../labs/frames';
import { base, controls } from '../share/theme';
import { chartHeight, register, type FigureView } from './figure';
import type { Pixel } from './image';

/** Loads the code of a kind of figure, and makes one. */
async function create(kind: FigureKind): Promise<FigureView> {
  switch (kind) {
    case 'line':
      await import('./line');
      return document.createElement('tessella-line');
    case 'heatmap':
      await import('./heatmap');
      return document.createElement('tessella-heatmap');
    case 'scatter':
      await import('./scatter');
      return document.createElement('tessella-scatter');
    case 'image':
      await import('./image');
      return document.createElement('tessella-image');
    case 'bars':
      await import('./bars');
      return document.createElement('tessella-bars');
    case 'table':
      await import('./table');
      return document.createElement('tessella-table');
    case 'interval':
      await import('./interval');
      return document.createElement('tessella-interval');
    default:
      throw new Error(`There is no figure of kind "${String(kind satisfies never)}".`);
  }
}

/** Gives the visitor a file. */
function download(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has taken the address by the time the click returns, but Safari reads it a little later.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
}

/**
 * A figure of any kind. Frames that come before its code is there wait for it.
 *
 * Parts: `figure`, `caption`, `title`, `note`, `menu`, `body`.
 *
 * @fires figure-pick - From figures of pictures: a pixel was picked; `detail` is a `PickDetail`.
 */
export class TessellaFigureElement extends LitElement {
  static override properties: PropertyDeclarations = {
    name: {},
    prefix: {},
    declaration: { attribute: false },
    picked: { attribute: false },
    view: { state: true },
    problem: { state: true },
  };
  static override styles: CSSResult[] = [
    base,
    controls,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      figure {
        position: relative;
        height: 100%;
        margin: 0;
        padding: 12px 14px 10px;
        background: var(--tessella-surface);
        border: 1px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
      }
      figcaption {
        display: flex;
        flex-wrap: wrap;
        gap: 0 10px;
        padding-right: 26px;
        margin-bottom: 8px;
        font-size: 13px;
        line-height: 18px;
      }
      /* The title takes what the note leaves; a note that does not fit beside it has the next line. */
      .title {
        flex: 1 1 auto;
        font-weight: 600;
      }
      .note {
        color: var(--tessella-quiet);
      }
      .body {
        container-type: inline-size;
      }
      .chart {
        height: ${chartHeight};
      }
      .words {
        height: 120px;
      }
      .line {
        height: 24px;
      }
      .bare {
        display: flex;
        gap: 8px;
        align-items: center;
        padding: 0;
        border: 0;
        background: none;
      }
      .bare figcaption {
        order: 2;
        padding: 0;
        margin: 0;
      }
      .bare .body {
        flex: 1;
        min-width: 0;
      }
      details {
        position: absolute;
        top: 12px;
        right: 14px;
      }
      .bare details {
        position: relative;
        inset: auto;
      }
      summary {
        width: 22px;
        height: 18px;
        margin-right: -6px;
        border-radius: 4px;
        text-align: center;
        line-height: 14px;
        color: var(--tessella-quiet);
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary:hover,
      details[open] summary {
        background: var(--tessella-accent-soft);
        color: var(--tessella-accent);
      }
      .items {
        position: absolute;
        z-index: 3;
        top: 22px;
        right: -6px;
        display: grid;
        min-width: 110px;
        padding: 4px;
        border: 1px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
        background: var(--tessella-surface);
        box-shadow: 0 4px 16px #0002;
      }
      .items button {
        border: 0;
        border-radius: 4px;
        background: none;
        padding: 4px 10px;
        text-align: left;
        white-space: nowrap;
      }
      .items button:hover {
        background: var(--tessella-accent-soft);
        color: var(--tessella-accent);
      }
      .problem {
        margin: 8px 0 0;
        font-size: 12px;
      }
    `,
  ];

  /** The figure's name in its lab; files are named after it. */
  declare name: string;
  /** What file names begin with: the lab's id. */
  declare prefix: string;
  declare declaration: FigureDeclaration | undefined;
  /** The pixel marked on pictures. */
  declare picked: Pixel | null;
  declare private view: FigureView | null;
  declare private problem: string;

  #waiting: FrameByKind[FigureKind][] = [];
  #loaded: Promise<void> = Promise.resolve();

  constructor() {
    super();
    this.name = '';
    this.prefix = '';
    this.declaration = undefined;
    this.picked = null;
    this.view = null;
    this.problem = '';
  }

  /** Draws a frame of the declared kind; one of another kind is the lab's mistake and is not checked here. */
  accept(frame: FrameByKind[FigureKind]): void {
    if (this.view) this.view.accept(frame);
    else this.#waiting.push(frame);
  }

  /** Forgets all data; the picture stays, dimmed, until the next frame. */
  reset(): void {
    this.#waiting = [];
    this.view?.reset();
  }

  /** What the figure shows, in words. */
  describe(): string {
    return this.view?.describe() ?? this.declaration?.title ?? '';
  }

  /** The data shown, as CSV. */
  toCsv(): string {
    return this.view?.toCsv() ?? '';
  }

  /** The figure as a PNG; `picture` names the slot of an image figure. */
  async toPng(picture?: string): Promise<Blob> {
    await this.updateComplete;
    await this.#loaded;
    await this.view?.updateComplete;
    if (!this.view) throw new Error('There is no figure to save yet; run the lab first.');
    return this.view.toPng(picture);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('declaration') && this.declaration && changed.get('declaration') !== this.declaration) {
      this.#loaded = this.#load(this.declaration);
    }
    if (changed.has('picked')) this.#mark();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { declaration } = this;
    if (!declaration) return nothing;
    const bare = declaration.kind === 'interval';
    return html`<figure part="figure" class=${bare ? 'bare' : ''}>
      <figcaption part="caption">
        <span part="title" class=${bare ? 'visually-hidden' : 'title'}>${declaration.title}</span>
        ${bare ? nothing : html`<span part="note" class="note">${declaration.note}</span>`} ${this.#menu(declaration)}
      </figcaption>
      <div class="body" part="body">${this.view ?? this.#placeholder(declaration.kind)}</div>
      ${this.problem === '' ? nothing : html`<p class="problem warn" role="alert">${this.problem}</p>`}
    </figure>`;
  }

  /** As high as the figure will be. */
  #placeholder(kind: FigureKind): TemplateResult {
    const heights = {
      line: 'chart',
      heatmap: 'chart',
      scatter: 'chart',
      image: 'chart',
      bars: 'words',
      table: 'words',
      interval: 'line',
    };
    return html`<div class=${heights[kind]}></div>`;
  }

  #menu({ title }: FigureDeclaration): TemplateResult {
    return html`<details
      part="menu"
      @toggle=${() => {
        this.requestUpdate();
      }}
      @focusout=${this.#onBlur}
      @keydown=${this.#onKey}
    >
      <summary aria-label=${`Save ${title}`} title="Save">⋯</summary>
      <div class="items">
        ${(this.view?.pictures() ?? []).map(
          ({ id, label }) =>
            html`<button @click=${() => this.#save(() => this.toPng(id === '' ? undefined : id), 'png', id)}>
              Save ${label}
            </button>`,
        )}
        <button @click=${() => this.#save(() => new Blob([this.toCsv()], { type: 'text/csv' }), 'csv')}>
          Save CSV
        </button>
      </div>
    </details>`;
  }

  async #load(declaration: FigureDeclaration): Promise<void> {
    const view = await create(declaration.kind);
    if (this.declaration !== declaration) return;
    view.declaration = declaration;
    for (const frame of this.#waiting) view.accept(frame);
    this.#waiting = [];
    this.view = view;
    this.#mark();
    await this.updateComplete;
  }

  #mark(): void {
    if (this.view && 'picked' in this.view) this.view.picked = this.picked;
  }

  async #save(make: () => Blob | Promise<Blob>, extension: string, part = ''): Promise<void> {
    const name = [this.prefix, this.name || 'figure', part].filter((word) => word !== '').join('-');
    this.#close();
    try {
      download(await make(), `${name}.${extension}`);
      this.problem = '';
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  #close(): void {
    this.renderRoot.querySelector('details')?.removeAttribute('open');
  }

  #onBlur(event: FocusEvent): void {
    const inside =
      event.relatedTarget instanceof Node &&
      event.currentTarget instanceof Node &&
      event.currentTarget.contains(event.relatedTarget);
    if (!inside) this.#close();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'Escape') return;
    this.#close();
    this.renderRoot.querySelector('summary')?.focus();
  }
}

register('tessella-figure', TessellaFigureElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-figure': TessellaFigureElement;
  }
}
