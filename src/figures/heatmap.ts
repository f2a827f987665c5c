/** `<tessella-heatmap>`: a matrix as colours, with axes, a colour bar, and the value under the pointer or the arrow keys. */
import { css, html, type CSSResult, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { HeatmapFrame } from '../labs/frames';
import { formatCount, formatNumber, formatShape, NO_NUMBER } from '../share/format';
import { MAP_STEPS, viridis, viridisWords } from './colors';
import { writeCsv } from './csv';
import { FigureElement, fitCanvas, memoryCanvas, register } from './figure';

/** Where things are, in CSS pixels. */
interface Layout {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Cell {
  readonly row: number;
  readonly column: number;
}

/** Room for the axes, and for the colour bar at the right. */
const LEFT = 20;
const BOTTOM = 18;
const BAR = 9;
const BAR_ROOM = 62;
/** Cells are square unless the matrix is longer than this in one direction. */
const LONGEST = 2.5;

/** The smallest and largest number in a matrix; null where there is none. */
function rangeOf(values: Float32Array): readonly [low: number, high: number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    // Comparisons with NaN are false, so NaN falls through; infinities are left out by hand.
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** A heatmap in viridis from the smallest to the largest value; cells that are not numbers are left empty. */
export class TessellaHeatmapElement extends FigureElement<'heatmap'> {
  static override properties: PropertyDeclarations = { cursor: { state: true } };
  static override styles: CSSResult[] = [
    ...FigureElement.styles,
    css`
      .plot {
        display: flex;
        flex-direction: column;
        height: var(--figure-height);
      }
      .chart {
        position: relative;
        flex: 1;
        min-height: 0;
        touch-action: pan-y;
      }
      .chart canvas {
        position: absolute;
      }
      output {
        display: block;
        overflow: hidden;
        font-size: 12px;
        line-height: 20px;
        height: 20px;
        color: var(--tessella-quiet);
        white-space: nowrap;
        text-overflow: ellipsis;
      }
    `,
  ];

  declare private cursor: Cell | null;
  #frame: HeatmapFrame | null = null;
  #range: readonly [low: number, high: number] | null = null;
  #picture: OffscreenCanvas | null = null;
  #layout: Layout | null = null;

  constructor() {
    super();
    this.cursor = null;
  }

  override accept(frame: HeatmapFrame): void {
    const first = this.#frame === null;
    this.#frame = frame;
    this.#range = rangeOf(frame.values);
    this.#picture = null;
    if (this.cursor && (this.cursor.row >= frame.rows || this.cursor.column >= frame.columns)) this.cursor = null;
    this.accepted();
    if (first || this.cursor) this.requestUpdate();
  }

  override describe(): string {
    const { title, value, rows, columns } = this.declaration;
    if (!this.#frame) return `${title}: ${this.waiting}.`;
    const range = this.#range;
    const numbers = range
      ? `${value} from ${formatNumber(range[0])} to ${formatNumber(range[1])}, largest at ${this.#name(this.#largest())}`
      : 'no numbers';
    return `${title}: ${rows} by ${columns}, ${this.#size()}; ${numbers}.`;
  }

  override toCsv(): string {
    const frame = this.#frame;
    if (!frame) return '';
    const rows = Array.from({ length: frame.rows }, (_, row) => [
      ...frame.values.subarray(row * frame.columns, (row + 1) * frame.columns),
    ]);
    return writeCsv(rows);
  }

  protected override clear(): void {
    this.#frame = null;
    this.#range = null;
    this.cursor = null;
  }

  protected override body(): TemplateResult {
    return html`<div class="plot" part="plot">
      <div
        class="chart"
        tabindex="0"
        role="img"
        aria-roledescription="heatmap"
        aria-labelledby="description"
        @pointermove=${this.#onPointer}
        @pointerdown=${this.#onPointer}
        @pointerleave=${() => (this.cursor = null)}
        @blur=${() => (this.cursor = null)}
        @keydown=${this.#onKey}
      >
        <canvas part="canvas"></canvas>
        ${this.#frame || this.stale ? '' : html`<span class="empty">${this.waiting}</span>`}
      </div>
      <output for="canvas">${this.cursor ? this.#reading(this.cursor) : this.#size()}</output>
    </div>`;
  }

  /** `512 x 512 of 16,384 x 16,384, max-pooled`. */
  #size(): string {
    const frame = this.#frame;
    if (!frame) return '';
    const drawn = formatShape([frame.rows, frame.columns]);
    if (!frame.of) return drawn;
    return `${drawn} of ${formatShape(frame.of)}${frame.pooling ? `, ${frame.pooling}-pooled` : ''}`;
  }

  #reading(cell: Cell): string {
    const value = this.#frame?.values[cell.row * this.#frame.columns + cell.column] ?? NaN;
    return `${this.#name(cell)}: ${Number.isNaN(value) ? NO_NUMBER : formatNumber(value)}`;
  }

  /** A cell in words; of a reduced matrix, the rows and columns that it stands for. */
  #name({ row, column }: Cell): string {
    const frame = this.#frame;
    const span = (index: number, drawn: number, all: number): string => {
      const from = Math.floor((index * all) / drawn);
      const to = Math.max(from, Math.ceil(((index + 1) * all) / drawn) - 1);
      return from === to ? formatCount(from) : `${formatCount(from)} to ${formatCount(to)}`;
    };
    const { rows = 1, columns = 1, of = [rows, columns], rowRange, columnRange } = frame ?? {};
    const at = (index: number, count: number, [first, last]: readonly [number, number]): string =>
      formatNumber(first + ((last - first) * index) / Math.max(1, count - 1), 3);
    const down = rowRange ? `${this.declaration.rows} ${at(row, rows, rowRange)}` : `row ${span(row, rows, of[0])}`;
    const across = columnRange
      ? `${this.declaration.columns} ${at(column, columns, columnRange)}`
      : `column ${span(column, columns, of[1])}`;
    return `${down}, ${across}`;
  }

  #largest(): Cell {
    const frame = this.#frame;
    const index = frame && this.#range ? frame.values.indexOf(this.#range[1]) : 0;
    const columns = frame?.columns ?? 1;
    return { row: Math.floor(index / columns), column: index % columns };
  }

  protected override draw(): void {
    const chart = this.renderRoot.querySelector<HTMLElement>('.chart');
    const canvas = this.renderRoot.querySelector('canvas');
    const frame = this.#frame;
    if (!chart || !canvas || !frame) return;
    const context = fitCanvas(canvas, chart.clientWidth, chart.clientHeight);
    const picture = (this.#picture ??= this.#paint(frame));
    if (!context || !picture) return;
    const layout = this.#arrange(frame, chart.clientWidth, chart.clientHeight);
    this.#layout = layout;
    // Cells stay sharp when enlarged; when shrunk, neighbours are averaged rather than dropped.
    const isEnlarged =
      layout.width * devicePixelRatio >= frame.columns && layout.height * devicePixelRatio >= frame.rows;
    context.imageSmoothingEnabled = !isEnlarged;
    context.drawImage(picture, layout.left, layout.top, layout.width, layout.height);
    this.#drawAxes(context, layout, frame);
    this.#drawBar(context, layout);
    if (this.cursor) this.#drawCursor(context, layout, frame, this.cursor);
  }

  #arrange(frame: HeatmapFrame, width: number, height: number): Layout {
    const roomAcross = width - LEFT - BAR_ROOM;
    const roomDown = height - BOTTOM - 4;
    const shape = Math.min(LONGEST, Math.max(1 / LONGEST, frame.columns / frame.rows));
    const across = Math.max(1, Math.min(roomAcross, roomDown * shape));
    return { left: LEFT + Math.max(0, (roomAcross - across) / 2), top: 4, width: across, height: across / shape };
  }

  /** The matrix as a picture of one pixel a cell. */
  #paint(frame: HeatmapFrame): OffscreenCanvas | null {
    const picture = new OffscreenCanvas(frame.columns, frame.rows);
    const context = picture.getContext('2d', memoryCanvas);
    if (!context) return null;
    const [low, high] = this.#range ?? [0, 0];
    const scale = high > low ? (MAP_STEPS - 1) / (high - low) : 0;
    const image = new ImageData(frame.columns, frame.rows);
    const words = new Uint32Array(image.data.buffer);
    for (let index = 0; index < words.length; index += 1) {
      const value = frame.values[index] ?? NaN;
      // Not a number: the pixel stays transparent. Infinities take the colour at their end.
      if (!Number.isNaN(value))
        words[index] = viridisWords[Math.round(Math.min(MAP_STEPS - 1, Math.max(0, (value - low) * scale)))] ?? 0;
    }
    context.putImageData(image, 0, 0);
    return picture;
  }

  #drawAxes(context: CanvasRenderingContext2D, { left, top, width, height }: Layout, frame: HeatmapFrame): void {
    const [rows, columns] = frame.of ?? [frame.rows, frame.columns];
    context.strokeStyle = this.colors.rule;
    context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
    context.fillStyle = this.colors.quiet;
    context.font = `11px ${getComputedStyle(this).fontFamily}`;
    context.textBaseline = 'top';
    const ends = (range: readonly [number, number] | undefined, count: number): readonly [string, string] =>
      range ? [formatNumber(range[0], 2), formatNumber(range[1], 2)] : ['0', formatCount(count - 1)];
    this.#drawAxis(context, this.declaration.columns, ends(frame.columnRange, columns), left, top + height + 5, width);
    const [first, last] = ends(frame.rowRange, rows);
    context.save();
    context.translate(left - 16, top + height);
    context.rotate(-Math.PI / 2);
    // Rows are counted from the top, so along this axis the count runs backwards.
    context.textAlign = 'right';
    context.fillText(first, height, 0);
    context.textAlign = 'left';
    context.fillText(last, 0, 0);
    context.textAlign = 'center';
    context.fillText(this.declaration.rows, height / 2, 0, height * 0.6);
    context.restore();
  }

  #drawAxis(
    context: CanvasRenderingContext2D,
    label: string,
    [first, last]: readonly [string, string],
    x: number,
    y: number,
    length: number,
  ): void {
    context.textAlign = 'left';
    context.fillText(first, x, y);
    context.textAlign = 'right';
    context.fillText(last, x + length, y);
    context.textAlign = 'center';
    context.fillText(label, x + length / 2, y, length * 0.6);
  }

  #drawBar(context: CanvasRenderingContext2D, { left, top, width, height }: Layout): void {
    if (!this.#range) return;
    const [low, high] = this.#range;
    const x = left + width + 12;
    const gradient = context.createLinearGradient(0, top + height, 0, top);
    for (let stop = 0; stop <= 16; stop += 1) {
      const step = 4 * Math.round((stop / 16) * (MAP_STEPS - 1));
      const [red = 0, green = 0, blue = 0] = viridis.subarray(step, step + 3);
      gradient.addColorStop(stop / 16, `rgb(${red} ${green} ${blue})`);
    }
    context.fillStyle = gradient;
    context.fillRect(x, top, BAR, height);
    context.fillStyle = this.colors.quiet;
    context.textAlign = 'left';
    context.textBaseline = 'top';
    context.fillText(formatNumber(high, 2), x + BAR + 4, top - 1);
    context.textBaseline = 'alphabetic';
    context.fillText(formatNumber(low, 2), x + BAR + 4, top + height);
    context.save();
    context.translate(x + BAR + 6, top + height / 2);
    context.rotate(Math.PI / 2);
    context.textAlign = 'center';
    context.fillText(this.declaration.value, 0, 0, height - 40);
    context.restore();
  }

  #drawCursor(context: CanvasRenderingContext2D, layout: Layout, frame: HeatmapFrame, { row, column }: Cell): void {
    const width = Math.max(5, layout.width / frame.columns);
    const height = Math.max(5, layout.height / frame.rows);
    const x = layout.left + ((column + 0.5) * layout.width) / frame.columns - width / 2;
    const y = layout.top + ((row + 0.5) * layout.height) / frame.rows - height / 2;
    context.lineWidth = 3;
    context.strokeStyle = 'black';
    context.strokeRect(x, y, width, height);
    context.lineWidth = 1;
    context.strokeStyle = 'white';
    context.strokeRect(x, y, width, height);
  }

  #onPointer(event: PointerEvent): void {
    const canvas = this.renderRoot.querySelector('canvas');
    if (!canvas || !this.#layout || !this.#frame) return;
    const box = canvas.getBoundingClientRect();
    const { left, top, width, height } = this.#layout;
    const column = Math.floor(((event.clientX - box.left - left) / width) * this.#frame.columns);
    const row = Math.floor(((event.clientY - box.top - top) / height) * this.#frame.rows);
    const inside = row >= 0 && column >= 0 && row < this.#frame.rows && column < this.#frame.columns;
    this.cursor = inside ? { row, column } : null;
  }

  #onKey(event: KeyboardEvent): void {
    const frame = this.#frame;
    if (!frame) return;
    const stride = event.shiftKey ? 10 : 1;
    const moves: Readonly<Record<string, readonly [down: number, right: number]>> = {
      ArrowUp: [-stride, 0],
      ArrowDown: [stride, 0],
      ArrowLeft: [0, -stride],
      ArrowRight: [0, stride],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const from = this.cursor ?? { ...this.#largest() };
    const [down, right] = this.cursor ? move : [0, 0];
    const clamp = (index: number, extent: number) => Math.min(extent - 1, Math.max(0, index));
    this.cursor = { row: clamp(from.row + down, frame.rows), column: clamp(from.column + right, frame.columns) };
    this.announce(this.#reading(this.cursor));
  }
}

register('tessella-heatmap', TessellaHeatmapElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-heatmap': TessellaHeatmapElement;
  }
}
