/**
 * What every figure can do, and the element they share: it draws at most once per animation frame, again when its size,
 * its pixel ratio or its theme changes, and keeps a text alternative beside the picture.
 */
import { LitElement, css, html, type CSSResult, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { FigureDeclaration, FigureKind, FrameByKind } from '../labs/frames';
import { base, controls } from '../share/theme';
import { paintPng } from './png';

/** The declaration of one kind of figure. */
export type DeclarationOf<Kind extends FigureKind> = Extract<FigureDeclaration, { kind: Kind }>;

/** A picture that a figure can save. */
export interface PictureChoice {
  readonly id: string;
  readonly label: string;
}

/** What `<tessella-figure>` needs of the figure inside it. */
export interface FigureView extends HTMLElement {
  readonly updateComplete: Promise<boolean>;
  declaration: FigureDeclaration;
  /** Takes a frame; it is drawn at the next animation frame. */
  accept(frame: FrameByKind[FigureKind]): void;
  /** Forgets all data; what is drawn stays, dimmed, until the next frame comes, so that nothing flashes. */
  reset(): void;
  /** What the picture shows, in words. */
  describe(): string;
  /** The data shown, as CSV; the first row names the columns (heatmaps have none). */
  toCsv(): string;
  /** Pictures that `toPng` makes: one, unless the figure holds several. */
  pictures(): readonly PictureChoice[];
  /** The figure as a PNG in the current theme. */
  toPng(picture?: string): Promise<Blob>;
}

/** The theme's colours as CSS text that a canvas understands. */
export interface ThemeColors {
  readonly surface: string;
  readonly ink: string;
  readonly quiet: string;
  readonly rule: string;
  readonly accent: string;
  /** Colours of series, in order. */
  readonly series: readonly string[];
}

/** What stands in a figure that has not been given anything yet. */
const WAITING = 'waiting for the first result';

/** The height of a chart: known from its width alone, before there is any data. */
export const chartHeight: CSSResult = css`clamp(190px, 66cqi, 340px)`;

const figureStyles = css`
  :host {
    display: block;
    position: relative;
    container-type: inline-size;
    font-size: 13px;
  }
  :host([stale]) .plot {
    opacity: 0.45;
  }
  .plot {
    --figure-height: ${chartHeight};
    position: relative;
  }
  .plot canvas {
    display: block;
  }
  .empty {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    color: var(--tessella-quiet);
    font-size: 12px;
    pointer-events: none;
  }
  .probe {
    position: absolute;
    visibility: hidden;
    width: 0;
    height: 0;
    background-color: var(--tessella-ink);
    border-color: var(--tessella-accent);
    transition:
      background-color 1ms,
      border-color 1ms;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0 14px;
    min-height: 20px;
    font-size: 12px;
    line-height: 20px;
  }
`;

/** The element that figures extend: `draw()` paints, `body()` is the template it paints into. */
export abstract class FigureElement<Kind extends FigureKind> extends LitElement implements FigureView {
  static override properties: PropertyDeclarations = {
    declaration: { attribute: false },
    stale: { type: Boolean, reflect: true },
    announcement: { state: true },
  };
  static override styles: CSSResult[] = [base, controls, figureStyles];

  /** What the figure is of. */
  declare declaration: DeclarationOf<Kind>;
  /** True between `reset()` and the next frame. */
  declare stale: boolean;
  declare protected announcement: string;

  #frameRequest = 0;
  #colors: ThemeColors | null = null;
  readonly #resizes = new ResizeObserver(() => {
    this.schedule();
  });

  constructor() {
    super();
    this.stale = false;
    this.announcement = '';
  }

  /** What stands in the figure, and is said of it, before its first frame. */
  protected get waiting(): string {
    return this.declaration.otherwise ?? WAITING;
  }

  abstract accept(frame: FrameByKind[Kind]): void;
  abstract describe(): string;
  abstract toCsv(): string;
  /** Forgets the data; `reset` calls it. */
  protected abstract clear(): void;
  /** The figure's own template; the element with class `plot` is what resizes, and what is saved. */
  protected abstract body(): TemplateResult;
  /** Paints into the template; called at most once per animation frame, and never without a size. */
  protected abstract draw(): void;

  reset(): void {
    this.clear();
    this.stale = true;
    this.updateDescription();
  }

  pictures(): readonly PictureChoice[] {
    return [{ id: '', label: 'PNG' }];
  }

  async toPng(_picture?: string): Promise<Blob> {
    this.#drawNow();
    await this.updateComplete;
    return paintPng(this.plot ?? this, this.colors.surface);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#colors = null;
    void this.updateComplete.then(() => {
      if (this.isConnected && this.plot) this.#resizes.observe(this.plot);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resizes.disconnect();
    cancelTurn(this.#frameRequest);
    this.#frameRequest = 0;
  }

  protected override render(): TemplateResult {
    return html`${this.body()}
      <span class="probe" @transitionend=${this.#themeChanged}></span>
      <div class="visually-hidden" id="description" part="description"></div>
      <div class="visually-hidden" aria-live="polite">${this.announcement}</div>`;
  }

  protected override updated(): void {
    this.schedule();
  }

  /** Draws at the next animation frame, however often it is called before. */
  protected schedule(): void {
    if (this.#frameRequest !== 0 || !this.isConnected) return;
    this.#frameRequest = requestTurn(() => {
      this.#frameRequest = 0;
      this.#drawNow();
    });
  }

  /** Marks the data as new, and draws soon. */
  protected accepted(): void {
    this.stale = false;
    this.schedule();
  }

  /** Says something to a screen reader: only ever in answer to a key. */
  protected announce(text: string): void {
    this.announcement = text;
  }

  protected get plot(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('.plot');
  }

  /** The theme's colours as they are now. */
  protected get colors(): ThemeColors {
    this.#colors ??= this.#readColors();
    return this.#colors;
  }

  /** Refreshes the text alternative; `draw` has usually just changed what it says. */
  protected updateDescription(): void {
    const element = this.renderRoot.querySelector('#description');
    const text = this.describe();
    if (element && element.textContent !== text) element.textContent = text;
  }

  #drawNow(): void {
    if (!this.hasUpdated) return;
    const plot = this.plot;
    if (!this.stale && plot && plot.clientWidth > 0 && plot.clientHeight > 0) this.draw();
    this.updateDescription();
  }

  #themeChanged(): void {
    this.#colors = null;
    this.schedule();
  }

  #readColors(): ThemeColors {
    const probe = this.renderRoot.querySelector<HTMLElement>('.probe');
    const read = (token: string, fallback: string): string => {
      if (!probe) return fallback;
      probe.style.color = `var(--tessella-${token}, ${fallback})`;
      return getComputedStyle(probe).color;
    };
    return {
      surface: read('surface', 'white'),
      ink: read('ink', 'black'),
      quiet: read('quiet', 'gray'),
      rule: read('rule', 'lightgray'),
      accent: read('accent', 'teal'),
      series: [read('s1', 'teal'), read('s2', 'chocolate'), read('s3', 'royalblue')],
    };
  }
}

/** Who waits to draw. All figures of a page share the frames: each draws for itself, as many a frame as fit. */
const turns = new Map<number, () => void>();
let lastTurn = 0;
let turnsFrame = 0;
/** How long drawing may take in one frame before the rest waits for the next one. */
const turnsBudgetMs = 12;

function requestTurn(draw: () => void): number {
  lastTurn += 1;
  turns.set(lastTurn, draw);
  if (turnsFrame === 0) turnsFrame = requestAnimationFrame(takeTurns);
  return lastTurn;
}

function cancelTurn(turn: number): void {
  turns.delete(turn);
}

function takeTurns(): void {
  const start = performance.now();
  for (const [turn, draw] of turns) {
    turns.delete(turn);
    draw();
    if (performance.now() - start > turnsBudgetMs) break;
  }
  turnsFrame = turns.size > 0 ? requestAnimationFrame(takeTurns) : 0;
}

/**
 * For canvases of figures: they are kept in plain memory. An accelerated one shares the GPU's process with the lab's own
 * work, and the page's thread then waits for it (300 ms on the software adapter, measured with the colour transfer lab).
 */
export const memoryCanvas: CanvasRenderingContext2DSettings = { willReadFrequently: true };

/** Gives a canvas the pixels of a box in CSS pixels, and a context that draws in CSS pixels on it, cleared. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio;
  const columns = Math.max(1, Math.round(width * ratio));
  const rows = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
    canvas.style.width = `${String(width)}px`;
    canvas.style.height = `${String(height)}px`;
  }
  const context = canvas.getContext('2d', memoryCanvas);
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Registers an element once, also where two copies of the script meet on a page. */
export function register(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
