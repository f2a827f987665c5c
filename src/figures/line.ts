/** `<tessella-line>`: lines that grow while a run goes on, drawn by uPlot, with a legend that reads the values off. */
import { css, html, unsafeCSS, type CSSResult, type PropertyDeclarations, type TemplateResult } from 'lit';
import './valid-language';
import UPlot from 'uplot';
import uplotStyles from 'uplot/dist/uPlot.min.css?inline';
import type { LineFrame } from '../labs/frames';
import { formatNumber, formatTick, NO_NUMBER } from '../share/format';
import { writeCsv } from './csv';
import { FigureElement, register } from './figure';
import { SeriesTable } from './series';

/** Dashes by series, so that lines differ without colour too. */
const DASHES: readonly number[][] = [[], [5, 4], [2, 3], [9, 4, 2, 4]];

/** uPlot's own number for a logarithmic scale (a const enum, so there is nothing to import). */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- a number is all that is there
const LOGARITHMIC = 3 as UPlot.Scale.Distr;

/** Ticks of a logarithmic axis: so many powers of ten as have room, or 1, 2 and 5 of each where it spans less than two. */
function logTicks(low: number, high: number, most: number): number[] {
  const from = Math.ceil(Math.log10(low) - 1e-9);
  const to = Math.floor(Math.log10(high) + 1e-9);
  if (to - from < 1) {
    const ticks = [from - 1, from, from + 1].flatMap((power) => [1, 2, 5].map((lead) => Number(`${lead}e${power}`)));
    const within = ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
    return within.length > 1 ? within : [low, high];
  }
  const stride = Math.max(1, Math.ceil((to - from) / Math.max(1, most)));
  return Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, index) =>
    Number(`1e${from + index * stride}`),
  );
}

/**
 * The ends of a range, the same one twice where they differ in their last digits only: uPlot would count for seconds in
 * steps too small to change the number (7 s for 1 and 1 - 1e-16, measured with uPlot 1.6.32).
 */
function apart(low: number, high: number): readonly [number, number] {
  return high - low > 1e-6 * Math.max(Math.abs(low), Math.abs(high)) ? [low, high] : [high, high];
}

/** A logarithmic axis from the first number to the last; powers of ten around it where there is only one. */
const wholeRange: UPlot.Scale.Range = (_, low: number | null, high: number | null) => {
  const [from, to] = [low ?? 1, high ?? 10];
  return from < to ? [from, to] : [10 ** Math.floor(Math.log10(from)), 10 ** Math.floor(Math.log10(from) + 1)];
};

/** A line chart; arrow keys move the crosshair, the legend's buttons hide and show series. */
export class TessellaLineElement extends FigureElement<'line'> {
  static override properties: PropertyDeclarations = { cursor: { state: true }, hiddenSeries: { state: true } };
  static override styles: CSSResult[] = [
    ...FigureElement.styles,
    unsafeCSS(uplotStyles),
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
      .chart > .uplot {
        position: absolute;
        inset: 0;
        font-family: inherit;
        line-height: normal;
      }
      .u-cursor-x,
      .u-cursor-y {
        border-color: var(--tessella-edge);
      }
      .legend button {
        border: 0;
        background: none;
        padding: 0;
        border-radius: 2px;
        line-height: 20px;
        white-space: nowrap;
      }
      .legend button[aria-pressed='false'] {
        color: var(--tessella-quiet);
        text-decoration: line-through;
      }
      .swatch {
        display: inline-block;
        width: 14px;
        margin-right: 5px;
        vertical-align: 3px;
        border-top: 2px solid;
      }
      .reading {
        display: inline-block;
        min-width: 6ch;
        margin-left: 5px;
      }
    `,
  ];

  declare private cursor: number | null;
  declare private hiddenSeries: ReadonlySet<string>;
  readonly #table = new SeriesTable();
  #plot: UPlot | null = null;
  /** Whether the legend reads the points that are drawn. */
  #isRead = true;

  constructor() {
    super();
    this.cursor = null;
    this.hiddenSeries = new Set();
  }

  override accept(frame: LineFrame | readonly LineFrame[]): void {
    const series = this.#table.names.length;
    for (const part of 'series' in frame ? [frame] : frame) this.#table.append(part);
    this.#isRead = false;
    if (series !== this.#table.names.length) this.requestUpdate();
    this.accepted();
  }

  override describe(): string {
    const { title, x, y } = this.declaration;
    const series = this.#table.names.map((name, index) => {
      const first = this.#table.first(index);
      const last = this.#table.last(index);
      if (!first || !last) return `${name}: no numbers`;
      return `${name}: ${formatNumber(first[1])} at ${x} ${formatNumber(first[0])}, ${formatNumber(last[1])} at ${x} ${formatNumber(last[0])}`;
    });
    const data = series.length > 0 ? `${series.join('; ')}.` : `${this.waiting}.`;
    return `${title}: ${y} against ${x}. ${data}`;
  }

  override toCsv(): string {
    const { xs, ys } = this.#table;
    const rows = xs.map((x, index) => [x, ...ys.map((column) => column[index] ?? '')]);
    return writeCsv([[this.declaration.x, ...this.#table.names], ...rows]);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#plot?.destroy();
    this.#plot = null;
  }

  protected override clear(): void {
    this.#table.clear();
    this.cursor = null;
  }

  protected override body(): TemplateResult {
    const { x, y } = this.declaration;
    const at = this.cursor === null ? undefined : this.#table.xs[this.cursor];
    return html`<div class="plot" part="plot">
      <div class="legend" part="legend">
        <span class="quiet">${y}${at === undefined ? '' : `, ${x} ${formatNumber(at)}`}</span>
        ${this.#table.names.map((name, index) => this.#legendEntry(name, index))}
      </div>
      <div
        class="chart"
        tabindex="0"
        role="img"
        aria-roledescription="line chart"
        aria-labelledby="description"
        @keydown=${this.#onKey}
        @blur=${() => this.#plot?.setCursor({ left: -10, top: -10 })}
      >
        ${this.#table.names.length === 0 && !this.stale ? html`<span class="empty">${this.waiting}</span>` : ''}
      </div>
    </div>`;
  }

  #legendEntry(name: string, index: number): TemplateResult {
    const shown = !this.hiddenSeries.has(name);
    const line = (DASHES[index % DASHES.length] ?? []).length > 0 ? 'dashed' : 'solid';
    const value = this.cursor === null ? this.#table.last(index)?.[1] : this.#table.ys[index]?.[this.cursor];
    return html`<button
      aria-pressed=${String(shown)}
      title=${shown ? 'hide' : 'show'}
      @click=${() => {
        this.#toggle(name);
      }}
    >
      <span
        class="swatch"
        style=${`color: var(--tessella-s${String((index % 3) + 1)}); border-top-style: ${line}`}
      ></span
      >${name}<span class="reading">${typeof value === 'number' ? formatNumber(value, 3) : NO_NUMBER}</span>
    </button>`;
  }

  #toggle(name: string): void {
    const hidden = new Set(this.hiddenSeries);
    if (!hidden.delete(name)) hidden.add(name);
    this.hiddenSeries = hidden;
    this.#plot?.setSeries(this.#table.names.indexOf(name) + 1, { show: !hidden.has(name) });
  }

  protected override draw(): void {
    const chart = this.renderRoot.querySelector<HTMLElement>('.chart');
    if (!chart || this.#table.names.length === 0) return;
    const size = { width: chart.clientWidth, height: chart.clientHeight };
    this.#plot ??= this.#create(chart, size);
    const plot = this.#plot;
    while (plot.series.length > this.#table.names.length + 1) plot.delSeries(plot.series.length - 1);
    while (plot.series.length < this.#table.names.length + 1) plot.addSeries(this.#series(plot.series.length - 1));
    for (const [index, name] of this.#table.names.entries()) {
      const series = plot.series[index + 1];
      if (series) series.label = name;
    }
    if (plot.width !== size.width || plot.height !== size.height) plot.setSize(size);
    plot.setData(this.#drawable(), true);
    plot.redraw(false, true);
    if (!this.#isRead) {
      this.#isRead = true;
      this.requestUpdate();
    }
  }

  /** What a logarithmic axis cannot hold is a gap. */
  #drawable(): UPlot.AlignedData {
    const { xs, ys } = this.#table;
    if (this.declaration.yScale === 'linear') return [xs, ...ys];
    return [xs, ...ys.map((column) => column.map((y) => (typeof y === 'number' && y <= 0 ? null : y)))];
  }

  #series(index: number): UPlot.Series {
    const dash = DASHES[index % DASHES.length];
    return {
      stroke: () => this.colors.series[index % 3] ?? this.colors.ink,
      width: 2,
      spanGaps: false,
      show: !this.hiddenSeries.has(this.#table.names[index] ?? ''),
      ...(dash && dash.length > 0 ? { dash } : {}),
      // A single point would be no line at all.
      points: { show: (_, series) => this.#isSinglePoint(series), size: 6 },
    };
  }

  #isSinglePoint(column: number): boolean {
    const first = this.#table.first(column - 1);
    return first !== null && first[0] === this.#table.last(column - 1)?.[0];
  }

  #create(chart: HTMLElement, size: { width: number; height: number }): UPlot {
    const { x, xScale, yScale } = this.declaration;
    const font = `11px ${getComputedStyle(this).fontFamily}`;
    const axis: UPlot.Axis = {
      stroke: () => this.colors.quiet,
      font,
      labelFont: font,
      grid: { stroke: () => this.colors.rule, width: 1 },
      ticks: { show: false },
      gap: 4,
      values: (_, splits) => splits.map((value) => (typeof value === 'number' ? formatTick(value) : '')),
    };
    const scale = (kind: 'linear' | 'log', axis: 'x' | 'y'): UPlot.Scale => ({
      time: false,
      ...(kind === 'log'
        ? { distr: LOGARITHMIC, ...(axis === 'x' && { range: wholeRange }) }
        : {
            range: (_, low: number | null, high: number | null): UPlot.Range.MinMax => {
              const [from, to] = apart(low ?? 0, high ?? 1);
              return axis === 'x' && from < to ? [from, to] : UPlot.rangeNum(from, to, 0.1, true);
            },
          }),
    });
    const ticks = (kind: 'linear' | 'log', room: number): UPlot.Axis =>
      kind === 'log'
        ? {
            splits: (plot, axis, low, high) => logTicks(low, high, (axis === 0 ? plot.width : plot.height) / room),
            filter: (_, splits) => splits,
          }
        : { space: room };
    return new UPlot(
      {
        ...size,
        legend: { show: false },
        padding: [8, 20, 0, 0],
        cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
        scales: { x: scale(xScale, 'x'), y: scale(yScale, 'y') },
        axes: [
          { ...axis, grid: { show: false }, size: 20, label: x, labelSize: 16, labelGap: 0, ...ticks(xScale, 48) },
          {
            ...axis,
            size: (_, values: string[] | null) => 10 + 6.4 * Math.max(3, ...(values ?? []).map((text) => text.length)),
            ...ticks(yScale, 28),
          },
        ],
        series: [{}],
        hooks: {
          setCursor: [
            (plot) => {
              this.cursor = plot.cursor.idx ?? null;
            },
          ],
        },
      },
      [[]],
      chart,
    );
  }

  #onKey(event: KeyboardEvent): void {
    const plot = this.#plot;
    const xs = this.#table.xs;
    if (!plot || xs.length === 0) return;
    const stride = event.shiftKey ? 10 : 1;
    const from = this.cursor ?? (event.key === 'ArrowRight' ? -1 : xs.length);
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: from - stride,
      ArrowRight: from + stride,
      Home: 0,
      End: xs.length - 1,
    };
    const wanted = steps[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    const index = Math.min(xs.length - 1, Math.max(0, wanted));
    const x = xs[index] ?? 0;
    plot.setCursor({ left: plot.valToPos(x, 'x'), top: plot.over.clientHeight / 2 });
    const readings = this.#table.names.map((name, series) => {
      const y = this.#table.ys[series]?.[index];
      return `${name} ${typeof y === 'number' ? formatNumber(y) : 'no number'}`;
    });
    this.announce(`${this.declaration.x} ${formatNumber(x)}: ${readings.join(', ')}`);
  }
}

register('tessella-line', TessellaLineElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-line': TessellaLineElement;
  }
}
