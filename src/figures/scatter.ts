/** `<tessella-scatter>`: point clouds in two or three dimensions; three turn under the pointer and the arrow keys. */
import { css, html, type CSSResult, type TemplateResult } from 'lit';
import type { ScatterFrame } from '../labs/frames';
import { formatCount, formatNumber } from '../share/format';
import { colorBytes } from './colors';
import { writeCsv } from './csv';
import { FigureElement, fitCanvas, memoryCanvas, register } from './figure';
import { paintPoints, type Cloud } from './points';

/** Room for the axes' names, in CSS pixels. */
const EDGE = 20;
/** Radians for one press of an arrow key. */
const TURN = Math.PI / 24;
/** How a cloud is looked at first: from the front right, a little from above. */
const FIRST_VIEW = { yaw: 0.6, pitch: 0.35 };

/** Colours that are shown of a cloud whose points have their own. */
const SWATCHES = 4;

/** Some of a cloud's colours, from dark to light, as a CSS image. */
function swatchOf(colors: Uint8Array): string {
  const count = Math.floor(colors.length / 3);
  const all = Array.from({ length: Math.min(count, 256) }, (_, sample) => {
    const at = 3 * Math.floor((sample * count) / Math.min(count, 256));
    const [red = 0, green = 0, blue = 0] = colors.subarray(at, at + 3);
    return { light: red + 2 * green + blue, css: `rgb(${String(red)} ${String(green)} ${String(blue)})` };
  }).sort((one, other) => one.light - other.light);
  const stops = Array.from({ length: SWATCHES }, (_, index) => {
    const { css: color = 'transparent' } = all[Math.floor(((index + 0.5) * all.length) / SWATCHES)] ?? {};
    return `${color} ${String((100 * index) / SWATCHES)}% ${String((100 * (index + 1)) / SWATCHES)}%`;
  });
  return `linear-gradient(90deg, ${stops.join(', ')})`;
}

/** Where a point of the unit cube lands: across and down within the plot, and how far back. */
type Projection = (x: number, y: number, z: number) => readonly [x: number, y: number, depth: number];

/** A scatter plot; a new frame of a series replaces the old one, and the axes only ever grow until `reset`. */
export class TessellaScatterElement extends FigureElement<'scatter'> {
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
      }
      .chart.turns {
        cursor: grab;
        touch-action: pan-y;
      }
      .chart canvas {
        position: absolute;
      }
      .swatch {
        display: inline-block;
        width: 8px;
        height: 8px;
        margin-right: 5px;
        border-radius: 4px;
      }
      .swatch.many {
        width: 22px;
      }
    `,
  ];

  readonly #clouds = new Map<string, ScatterFrame>();
  #low: number[] = [];
  #high: number[] = [];
  #view = { ...FIRST_VIEW };
  #drag: { x: number; y: number } | null = null;

  override accept(frame: ScatterFrame | readonly ScatterFrame[]): void {
    const series = this.#clouds.size;
    for (const cloud of 'series' in frame ? [frame] : frame) {
      this.#clouds.set(cloud.series, cloud);
      this.#grow(cloud.points);
    }
    this.accepted();
    if (series !== this.#clouds.size) this.requestUpdate();
  }

  override describe(): string {
    const { title, axes } = this.declaration;
    if (this.#clouds.size === 0) return `${title}: ${this.waiting}.`;
    const clouds = [...this.#clouds].map(
      ([name, { points }]) => `${name}: ${formatCount(points.length / axes.length)} points`,
    );
    const ranges = axes.map(
      (axis, index) =>
        `${axis} from ${formatNumber(this.#low[index] ?? NaN, 3)} to ${formatNumber(this.#high[index] ?? NaN, 3)}`,
    );
    return `${title}: ${clouds.join(', ')}; ${ranges.join(', ')}.`;
  }

  override toCsv(): string {
    const { axes } = this.declaration;
    const rows: (string | number)[][] = [['series', ...axes, 'red', 'green', 'blue']];
    for (const [name, { points, colors }] of this.#clouds) {
      for (let point = 0; point < points.length / axes.length; point += 1) {
        const color = colors ? [...colors.subarray(3 * point, 3 * point + 3)] : ['', '', ''];
        rows.push([name, ...points.subarray(point * axes.length, (point + 1) * axes.length), ...color]);
      }
    }
    return writeCsv(rows);
  }

  protected override clear(): void {
    this.#clouds.clear();
    this.#low = [];
    this.#high = [];
  }

  protected override body(): TemplateResult {
    const turns = this.#dimensions === 3;
    return html`<div class="plot" part="plot">
      <div class="legend" part="legend">
        ${[...this.#clouds.values()].map((cloud, index) => this.#legendEntry(cloud, index))}
      </div>
      <div
        class=${turns ? 'chart turns' : 'chart'}
        tabindex="0"
        role="img"
        aria-roledescription=${turns ? 'scatter plot, arrow keys turn it' : 'scatter plot'}
        aria-labelledby="description"
        @pointerdown=${turns ? this.#onDown : null}
        @pointermove=${turns ? this.#onMove : null}
        @pointerup=${() => (this.#drag = null)}
        @pointercancel=${() => (this.#drag = null)}
        @keydown=${turns ? this.#onKey : null}
      >
        <canvas part="canvas"></canvas>
        ${this.#clouds.size > 0 || this.stale ? '' : html`<span class="empty">${this.waiting}</span>`}
      </div>
    </div>`;
  }

  get #dimensions(): number {
    return this.declaration.axes.length;
  }

  #legendEntry(cloud: ScatterFrame, index: number): TemplateResult {
    const paint = cloud.colors ? swatchOf(cloud.colors) : `var(--tessella-s${String((index % 3) + 1)})`;
    return html`<span
      ><span class=${cloud.colors ? 'swatch many' : 'swatch'} style=${`background: ${paint}`}></span
      >${cloud.series}</span
    >`;
  }

  #grow(points: Float32Array): void {
    const dimensions = this.#dimensions;
    for (let axis = 0; axis < dimensions; axis += 1) {
      let low = this.#low[axis] ?? Infinity;
      let high = this.#high[axis] ?? -Infinity;
      for (let index = axis; index < points.length; index += dimensions) {
        const value = points[index] ?? NaN;
        if (value < low && value > -Infinity) low = value;
        if (value > high && value < Infinity) high = value;
      }
      this.#low[axis] = low;
      this.#high[axis] = high;
    }
  }

  protected override draw(): void {
    const chart = this.renderRoot.querySelector<HTMLElement>('.chart');
    const canvas = this.renderRoot.querySelector('canvas');
    if (!chart || !canvas || this.#clouds.size === 0) return;
    const width = chart.clientWidth;
    const height = chart.clientHeight;
    const context = fitCanvas(canvas, width, height);
    if (!context) return;
    const project = this.#dimensions === 3 ? this.#turned(width, height) : this.#flat(width, height);
    context.font = `11px ${getComputedStyle(this).fontFamily}`;
    const clouds = [...this.#clouds.values()].map((cloud, index) => this.#place(cloud, index, project));
    if (this.#dimensions === 3) this.#drawCube(context, project);
    else this.#drawAxes(context, width, height);
    const layer = new OffscreenCanvas(canvas.width, canvas.height);
    const image = new ImageData(canvas.width, canvas.height);
    paintPoints(image, clouds, 1.7 * devicePixelRatio);
    layer.getContext('2d', memoryCanvas)?.putImageData(image, 0, 0);
    context.drawImage(layer, 0, 0, width, height);
  }

  /** A cloud in pixels of the canvas. */
  #place(cloud: ScatterFrame, index: number, project: Projection): Cloud {
    const dimensions = this.#dimensions;
    const count = Math.floor(cloud.points.length / dimensions);
    const positions = new Float32Array(3 * count);
    const share = (point: number, axis: number): number => {
      if (axis >= dimensions) return 0.5;
      const low = this.#low[axis] ?? 0;
      const extent = (this.#high[axis] ?? 1) - low;
      const value = cloud.points[point * dimensions + axis] ?? NaN;
      return extent > 0 ? (value - low) / extent : value - low + 0.5;
    };
    for (let point = 0; point < count; point += 1) {
      const [x, y, depth] = project(share(point, 0), share(point, 1), share(point, 2));
      positions[3 * point] = x * devicePixelRatio;
      positions[3 * point + 1] = y * devicePixelRatio;
      positions[3 * point + 2] = depth;
    }
    const paint = colorBytes(this.colors.series[index % 3] ?? this.colors.ink);
    return { positions, colors: cloud.colors ?? null, paint };
  }

  #flat(width: number, height: number): Projection {
    return (x, y) => [EDGE + x * (width - 2 * EDGE), height - EDGE - y * (height - 2 * EDGE), 0];
  }

  #turned(width: number, height: number): Projection {
    const { yaw, pitch } = this.#view;
    const [cosYaw, sinYaw, cosPitch, sinPitch] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    // The cube fits, whatever its yaw.
    const down = Math.abs(cosPitch) + Math.SQRT2 * Math.abs(sinPitch);
    const size = Math.min((width - 2 * EDGE) / Math.SQRT2, (height - EDGE) / down);
    return (x, y, z) => {
      const across = (x - 0.5) * cosYaw - (y - 0.5) * sinYaw;
      const away = (x - 0.5) * sinYaw + (y - 0.5) * cosYaw;
      const up = (z - 0.5) * cosPitch + away * sinPitch;
      return [width / 2 + across * size, height / 2 - up * size, away * cosPitch - (z - 0.5) * sinPitch];
    };
  }

  #drawAxes(context: CanvasRenderingContext2D, width: number, height: number): void {
    const [x, y] = this.declaration.axes;
    context.strokeStyle = this.colors.rule;
    context.strokeRect(EDGE - 8.5, EDGE - 8.5, width - 2 * EDGE + 17, height - 2 * EDGE + 17);
    context.fillStyle = this.colors.quiet;
    const label = (text: string, low: number, high: number, length: number): void => {
      context.textAlign = 'left';
      context.fillText(formatNumber(low, 2), 0, 0);
      context.textAlign = 'right';
      context.fillText(formatNumber(high, 2), length, 0);
      context.textAlign = 'center';
      context.fillText(text, length / 2, 0, length / 2);
    };
    const at = (axis: number): [number, number] => [this.#low[axis] ?? NaN, this.#high[axis] ?? NaN];
    context.save();
    context.translate(EDGE, height);
    context.textBaseline = 'bottom';
    label(x, ...at(0), width - 2 * EDGE);
    context.restore();
    context.save();
    context.translate(0, height - EDGE);
    context.rotate(-Math.PI / 2);
    context.textBaseline = 'top';
    label(y, ...at(1), height - 2 * EDGE);
    context.restore();
  }

  /** The cube's edges, and the names of the axes at the ends of the three that meet in its origin. */
  #drawCube(context: CanvasRenderingContext2D, project: Projection): void {
    const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => project(bits & 1, (bits >> 1) & 1, (bits >> 2) & 1));
    context.lineWidth = 1;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (let from = 0; from < 8; from += 1) {
      for (let axis = 0; axis < 3; axis += 1) {
        const to = from | (1 << axis);
        const [start, end] = [corners[from], corners[to]];
        if (to === from || !start || !end) continue;
        context.strokeStyle = from === 0 ? this.colors.quiet : this.colors.rule;
        context.beginPath();
        context.moveTo(start[0], start[1]);
        context.lineTo(end[0], end[1]);
        context.stroke();
        if (from !== 0) continue;
        context.fillStyle = this.colors.quiet;
        const reach = 1 + 12 / Math.max(24, Math.hypot(end[0] - start[0], end[1] - start[1]));
        const name = this.declaration.axes[axis] ?? '';
        context.fillText(name, start[0] + (end[0] - start[0]) * reach, start[1] + (end[1] - start[1]) * reach);
      }
    }
  }

  #turn(yaw: number, pitch: number): void {
    this.#view.yaw += yaw;
    this.#view.pitch = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, this.#view.pitch + pitch));
    this.schedule();
  }

  #onDown(event: PointerEvent): void {
    if (event.currentTarget instanceof Element) event.currentTarget.setPointerCapture(event.pointerId);
    this.#drag = { x: event.clientX, y: event.clientY };
  }

  #onMove(event: PointerEvent): void {
    if (!this.#drag) return;
    this.#turn((event.clientX - this.#drag.x) / 120, (event.clientY - this.#drag.y) / 120);
    this.#drag = { x: event.clientX, y: event.clientY };
  }

  #onKey(event: KeyboardEvent): void {
    const turns: Readonly<Record<string, readonly [yaw: number, pitch: number]>> = {
      ArrowLeft: [-TURN, 0],
      ArrowRight: [TURN, 0],
      ArrowUp: [0, -TURN],
      ArrowDown: [0, TURN],
    };
    const turn = turns[event.key];
    if (event.key === 'Home') this.#view = { ...FIRST_VIEW };
    else if (!turn) return;
    event.preventDefault();
    this.#turn(...(turn ?? [0, 0]));
  }
}

register('tessella-scatter', TessellaScatterElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-scatter': TessellaScatterElement;
  }
}
