/** `<tessella-interval>`: what is certified to lie below and above a value, drawn to scale. */
import { css, html, nothing, type CSSResult, type TemplateResult } from 'lit';
import type { IntervalFrame } from '../labs/frames';
import { formatNumber, formatPercent, NO_NUMBER } from '../share/format';
import { writeCsv } from './csv';
import { FigureElement, register } from './figure';

/** Below this share of the axis, an interval is a mark without width: the axis closes in on it. */
const NARROWEST = 0.08;
const MARGIN = 0.15;

/** A number at so many digits, rounded the safe way: a lower bound down, an upper bound up. */
function roundOutward(value: number, digits: number, round: (scaled: number) => number): string {
  if (!Number.isFinite(value) || value === 0) return formatNumber(value);
  const power = digits - 1 - Math.floor(Math.log10(Math.abs(value)));
  const scale = 10 ** power;
  // At twelve digits the product's own rounding error is gone: 0.0143 at four digits stays what it is.
  return formatNumber(round(Number((value * scale).toPrecision(12))) / scale, digits);
}

/** Digits that tell the bounds apart by two more than the first that differs. */
function digitsFor(lower: number, upper: number): number {
  const gap = (upper - lower) / Math.max(Math.abs(lower), Math.abs(upper));
  return gap > 0 ? Math.min(9, Math.max(4, 2 + Math.ceil(-Math.log10(gap)))) : 7;
}

/** A certified interval as a line of text and a bar. */
export class TessellaIntervalElement extends FigureElement<'interval'> {
  static override styles: CSSResult[] = [
    ...FigureElement.styles,
    css`
      .plot {
        display: grid;
        grid-template-columns: auto minmax(60px, 1fr) auto;
        gap: 4px 12px;
        align-items: center;
        min-height: 24px;
        color: var(--tessella-quiet);
      }
      .axis {
        position: relative;
        height: 18px;
        border-bottom: 1px solid var(--tessella-rule);
        overflow: hidden;
      }
      .range {
        position: absolute;
        top: 5px;
        height: 8px;
        min-width: 2px;
        border-radius: 2px;
        background: color-mix(in srgb, var(--tessella-accent) 28%, transparent);
      }
      .value {
        position: absolute;
        top: 0;
        width: 2px;
        height: 18px;
        margin-left: -1px;
        background: var(--tessella-accent);
      }
      .bound {
        white-space: nowrap;
      }
      .gap {
        margin-left: 10px;
      }
      @container (max-width: 520px) {
        .plot {
          grid-template-columns: 1fr auto;
          min-height: 66px;
        }
        .bound:last-child {
          text-align: right;
        }
        .gap {
          display: block;
          margin: 0;
        }
        .axis {
          grid-row: 1;
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  #frame: IntervalFrame | null = null;
  #axis: readonly [from: number, to: number] = [0, 1];

  override accept(frame: IntervalFrame): void {
    const fresh = this.stale || !this.#frame;
    this.#frame = frame;
    this.#fitAxis(frame, fresh);
    this.accepted();
    this.requestUpdate();
  }

  override describe(): string {
    const { title, value } = this.declaration;
    if (!this.#frame || this.stale) return `${title}: ${this.waiting}.`;
    const { lower, upper } = this.#bounds(this.#frame);
    const measured = this.#frame.value === undefined ? '' : `, measured ${formatNumber(this.#frame.value)}`;
    return `${title}: ${value} is at least ${lower} and at most ${upper}${measured}.`;
  }

  override toCsv(): string {
    const header = ['lower', 'upper', this.declaration.value];
    if (!this.#frame || this.stale) return writeCsv([header]);
    const { lower, upper, value } = this.#frame;
    return writeCsv([header, [lower, upper, value ?? '']]);
  }

  /** The interval stays, dimmed, until there is a new one. */
  protected override clear(): void {
    this.requestUpdate();
  }

  protected override body(): TemplateResult {
    const frame = this.#frame;
    const { value } = this.declaration;
    if (!frame) {
      return html`<div class="plot" part="plot">
        <span class="bound">${NO_NUMBER} ≤ ${value}</span><span class="axis"></span
        ><span class="bound">≤ ${NO_NUMBER}</span>
      </div>`;
    }
    const { lower, upper } = this.#bounds(frame);
    const crossed = frame.lower > frame.upper;
    const gap = (frame.upper - frame.lower) / Math.max(Math.abs(frame.lower), Math.abs(frame.upper));
    return html`<div class="plot" part="plot">
      <span class="bound">${lower} ≤ ${value}</span>
      <span class="axis" part="axis">
        ${this.#range(frame)}
        ${
          frame.value !== undefined && Number.isFinite(frame.value)
            ? html`<span
                class="value"
                part="value"
                style=${`left: ${this.#place(frame.value)}`}
                title=${formatNumber(frame.value)}
              ></span>`
            : nothing
        }
      </span>
      <span class="bound"
        >≤
        ${upper}${
          crossed
            ? html`<span class="gap warn">the bounds cross: not certified</span>`
            : html`<span class="gap">gap ${Number.isFinite(gap) ? formatPercent(gap) : NO_NUMBER}</span>`
        }</span
      >
    </div>`;
  }

  #range({ lower, upper }: IntervalFrame): TemplateResult | typeof nothing {
    if (!(lower <= upper)) return nothing;
    const [from, to] = this.#axis;
    const width = `${String((100 * (upper - lower)) / (to - from))}%`;
    return html`<span class="range" part="range" style=${`left: ${this.#place(lower)}; width: ${width}`}></span>`;
  }

  #bounds({ lower, upper }: IntervalFrame): { lower: string; upper: string } {
    const digits = digitsFor(lower, upper);
    return { lower: roundOutward(lower, digits, Math.floor), upper: roundOutward(upper, digits, Math.ceil) };
  }

  #place(value: number): string {
    const [from, to] = this.#axis;
    return `${String(Math.min(100, Math.max(0, (100 * (value - from)) / (to - from))))}%`;
  }

  /** The axis stands still while the interval closes, until that has become too narrow to see, or leaves it. */
  #fitAxis({ lower, upper, value = lower }: IntervalFrame, fresh: boolean): void {
    const low = Math.min(lower, value);
    const high = Math.max(upper, value);
    if (!Number.isFinite(low) || !Number.isFinite(high)) return;
    const [from, to] = this.#axis;
    const isVisible = (upper - lower) / (to - from) > NARROWEST && low >= from && high <= to;
    if (!fresh && isVisible) return;
    const margin = high > low ? (high - low) * MARGIN * 3 : Math.abs(high) || 1;
    this.#axis = [low - margin, high + margin];
  }

  /** The template is the picture. */
  protected override draw(): void {
    this.updateDescription();
  }
}

register('tessella-interval', TessellaIntervalElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-interval': TessellaIntervalElement;
  }
}
