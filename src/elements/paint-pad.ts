/** `<tessella-paint-pad>`: a dialog with a sheet on which points are painted, by pointer, touch or keyboard. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { PaintSheet } from '../labs/parameters';
import { formatCount, formatTick } from '../share/format';
import { base, controls } from '../share/theme';
import { paintPadStyles } from './paint-pad-styles';
import { dab, mostPoints, pointCount, type Painting, type Stroke } from './painting';

/** Pixels along the sheet's longer side; it is shown at whatever size fits. */
const resolution = 720;
/** Points where the brush comes down and at every dab after, and how far apart dabs are, as a share of the sheet. */
const dabCount = { first: 16, next: 6 } as const;
const spacing = 0.012;
/** How far an arrow key moves the brush, and with Shift. */
const keyStep = { fine: 0.01, coarse: 0.05 } as const;

/** Sends `paint-done` with the painting, or `paint-cancel`; either way whoever shows it takes it away. */
export class PaintPadElement extends LitElement {
  static override properties = {
    label: { attribute: false },
    sheet: { attribute: false },
    painting: { attribute: false },
    brush: { state: true },
    chosenClass: { state: true },
  };
  /** What is painted, for the title. */
  declare label: string;
  declare sheet: PaintSheet;
  /** What is on the sheet; set it to go on with an older painting. */
  declare painting: Painting;
  /** The brush's radius, as a share of the sheet; 0 sets single points. */
  declare private brush: number;
  declare private chosenClass: number;

  private past: readonly Painting[] = [];
  /** The stroke that is being painted, and where its last dab was. */
  private stroke: { label: number; points: number[]; x: number; y: number } | null = null;
  /** Where the keyboard's brush is; it shows once an arrow key was pressed. */
  private cursor: { readonly x: number; readonly y: number } | null = null;

  static override styles = [base, controls, paintPadStyles];

  constructor() {
    super();
    this.label = '';
    this.sheet = { x: [0, 1], y: [0, 1] };
    this.painting = [];
    this.brush = 0.06;
    this.chosenClass = 0;
  }

  override firstUpdated(): void {
    this.renderRoot.querySelector('dialog')?.showModal();
    this.canvas?.focus();
  }

  override updated(): void {
    this.draw();
  }

  override render(): TemplateResult {
    const { sheet } = this;
    const [x, y] = [sheet.x.map(formatTick), sheet.y.map(formatTick)];
    const [width, height] = this.size;
    return html`<dialog
      aria-labelledby="title"
      @cancel=${(event: Event) => {
        event.preventDefault();
        this.finish('paint-cancel');
      }}
      @keydown=${this.onKey}
    >
      <h2 id="title">Paint points <span class="quiet">${this.label}</span></h2>
      <div class="sheet">
        <div class="axis up"><span>${y[0]}</span><span>y</span><span>${y[1]}</span></div>
        <canvas
          part="sheet"
          width=${width}
          height=${height}
          style=${`aspect-ratio: ${String(width)} / ${String(height)}`}
          tabindex="0"
          role="application"
          aria-roledescription="sheet to paint on"
          aria-label=${`x from ${x.join(' to ')}, y from ${y.join(' to ')}`}
          aria-describedby="keys"
          @pointerdown=${this.onDown}
          @pointermove=${this.onMove}
          @pointerup=${this.lift}
          @pointercancel=${this.lift}
          @blur=${() => {
            this.cursor = null;
            this.draw();
          }}
        ></canvas>
        <div class="axis across"><span>${x[0]}</span><span>x</span><span>${x[1]}</span></div>
      </div>
      ${this.classChoice()}
      <div class="tools">
        <label
          >brush
          <input
            type="range"
            min="0"
            max="0.2"
            step="0.01"
            aria-valuetext=${this.brush === 0 ? 'single points' : `${(200 * this.brush).toFixed(0)} % of the sheet`}
            .value=${String(this.brush)}
            @input=${(event: Event) => {
              if (event.target instanceof HTMLInputElement) this.brush = event.target.valueAsNumber;
            }}
          />
        </label>
        <button type="button" part="undo" ?disabled=${this.past.length === 0} @click=${this.undo}>Undo</button>
        <button
          type="button"
          part="clear"
          ?disabled=${this.painting.length === 0}
          @click=${() => {
            this.change([]);
          }}
        >
          Clear
        </button>
      </div>
      <small id="keys"
        >Drag to paint. By keyboard: arrows move, Shift moves further, space paints, Backspace undoes.</small
      >
      <div class="end">
        <span role="status">${this.countText()}</span>
        <button
          type="button"
          part="cancel"
          @click=${() => {
            this.finish('paint-cancel');
          }}
        >
          Cancel
        </button>
        <button
          type="button"
          class="primary"
          part="done"
          ?disabled=${this.painting.length === 0}
          @click=${() => {
            this.finish('paint-done');
          }}
        >
          Use points
        </button>
      </div>
    </dialog>`;
  }

  private classChoice(): TemplateResult | typeof nothing {
    const { classes } = this.sheet;
    if (classes === undefined) return nothing;
    return html`<div class="segments" role="radiogroup" aria-label="class">
      ${Object.entries(classes).map(
        ([name, color], label) =>
          html`<label
            ><input
              class="visually-hidden"
              type="radio"
              name="class"
              .checked=${this.chosenClass === label}
              @change=${() => {
                this.chosenClass = label;
              }}
            /><span class="swatch" style=${`background: ${color}`}></span>${name}</label
          >`,
      )}
    </div>`;
  }

  private countText(): string {
    const count = pointCount(this.whole);
    if (count >= mostPoints) return `${formatCount(count)} points, no more fit`;
    return count === 1 ? '1 point' : `${formatCount(count)} points`;
  }

  private get canvas(): HTMLCanvasElement | null {
    return this.renderRoot.querySelector('canvas');
  }

  private get size(): readonly [width: number, height: number] {
    const { x, y } = this.sheet;
    const [across, up] = [x[1] - x[0], y[1] - y[0]];
    const scale = resolution / Math.max(across, up);
    return [Math.round(scale * across), Math.round(scale * up)];
  }

  /** What is painted, the stroke under the brush included. */
  private get whole(): Painting {
    return this.stroke === null ? this.painting : [...this.painting, this.stroke];
  }

  private readonly onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || this.stroke !== null) return;
    this.cursor = null;
    this.canvas?.setPointerCapture(event.pointerId);
    this.begin(...this.placeOf(event));
  };

  private readonly onMove = (event: PointerEvent): void => {
    // A fast hand moves several times between two frames.
    const coalesced = event.getCoalescedEvents();
    for (const part of coalesced.length > 0 ? coalesced : [event]) this.paintTo(...this.placeOf(part));
  };

  private readonly lift = (): void => {
    const { stroke } = this;
    this.stroke = null;
    if (stroke !== null && stroke.points.length > 0)
      this.change([...this.painting, { label: stroke.label, points: stroke.points }]);
  };

  private begin(x: number, y: number): void {
    this.stroke = { label: this.chosenClass, points: [], x, y };
    this.press(x, y, dabCount.first);
  }

  /** Carries the brush there in a straight line, with dabs on the way. */
  private paintTo(x: number, y: number): void {
    const { stroke } = this;
    if (stroke === null) return;
    const distance = Math.hypot(x - stroke.x, y - stroke.y);
    const count = Math.floor(distance / spacing);
    for (let i = 1; i <= count; i++) {
      const share = spacing / (distance - (i - 1) * spacing);
      this.press(stroke.x + share * (x - stroke.x), stroke.y + share * (y - stroke.y), dabCount.next);
    }
  }

  /** One dab of the stroke under way. */
  private press(x: number, y: number, most: number): void {
    const { stroke } = this;
    if (stroke === null) return;
    Object.assign(stroke, { x, y });
    const done = pointCount(this.whole);
    const count = Math.min(this.brush === 0 ? 1 : most, mostPoints - done);
    stroke.points.push(...dab(x, y, this.brush, count, done));
    this.requestUpdate();
  }

  private placeOf(event: PointerEvent): [x: number, y: number] {
    const box = this.canvas?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    // The page behind has keys of its own.
    event.stopPropagation();
    const undoes = event.key === 'z' && (event.ctrlKey || event.metaKey);
    const isOnSheet = event.composedPath()[0] === this.canvas;
    if (undoes || (isOnSheet && event.key === 'Backspace')) this.undo();
    else if (isOnSheet && event.key === ' ') {
      const { x, y } = this.cursor ?? { x: 0.5, y: 0.5 };
      this.cursor = { x, y };
      this.begin(x, y);
      this.lift();
    } else if (!isOnSheet || !this.moveCursor(event)) return;
    event.preventDefault();
  };

  /** True if the key is an arrow. */
  private moveCursor({ key, shiftKey }: KeyboardEvent): boolean {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    if (way === undefined) return false;
    const step = shiftKey ? keyStep.coarse : keyStep.fine;
    const { x, y } = this.cursor ?? { x: 0.5, y: 0.5 };
    const moved = (from: number, direction = 0): number => Math.min(1, Math.max(0, from + step * direction));
    this.cursor = { x: moved(x, way[0]), y: moved(y, way[1]) };
    this.draw();
    return true;
  }

  private change(painting: Painting): void {
    this.past = [...this.past, this.painting];
    this.painting = painting;
  }

  private readonly undo = (): void => {
    const before = this.past.at(-1);
    if (before === undefined) return;
    this.past = this.past.slice(0, -1);
    this.painting = before;
  };

  private finish(type: 'paint-done' | 'paint-cancel'): void {
    this.renderRoot.querySelector('dialog')?.close();
    this.dispatchEvent(new CustomEvent<Painting>(type, { detail: this.painting }));
  }

  private draw(): void {
    const context = this.canvas?.getContext('2d');
    if (!this.canvas || !context) return;
    const { width, height } = this.canvas;
    const { color, textDecorationColor, caretColor } = getComputedStyle(this.canvas);
    context.clearRect(0, 0, width, height);
    context.strokeStyle = textDecorationColor;
    context.lineWidth = 2;
    const { x, y, classes } = this.sheet;
    const zero = ([low, high]: readonly [number, number]): number => -low / (high - low);
    context.beginPath();
    context.moveTo(0, height * (1 - zero(y)));
    context.lineTo(width, height * (1 - zero(y)));
    context.moveTo(width * zero(x), 0);
    context.lineTo(width * zero(x), height);
    context.stroke();
    const colors = Object.values(classes ?? {});
    const paint = ({ label, points }: Stroke): void => {
      context.fillStyle = colors[label] ?? color;
      for (let at = 0; at < points.length; at += 2)
        context.fillRect((points[at] ?? 0) * width - 2.5, (1 - (points[at + 1] ?? 0)) * height - 2.5, 5, 5);
    };
    this.whole.forEach(paint);
    if (this.cursor === null) return;
    context.strokeStyle = caretColor;
    context.beginPath();
    const radius = Math.max(5, this.brush * width);
    context.arc(this.cursor.x * width, (1 - this.cursor.y) * height, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

if (!customElements.get('tessella-paint-pad')) customElements.define('tessella-paint-pad', PaintPadElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-paint-pad': PaintPadElement;
  }
}
