/** `<tessella-bars>`: a few labelled quantities as bars from zero, with a line across them where there is a target. */
import { css, html, nothing, type CSSResult, type TemplateResult } from 'lit';
import type { BarsFrame } from '../labs/frames';
import { formatNumber } from '../share/format';
import { writeCsv } from './csv';
import { FigureElement, register } from './figure';

type Bar = BarsFrame['bars'][number];

/** Horizontal bars, as a list that reads in order. */
export class TessellaBarsElement extends FigureElement<'bars'> {
  static override styles: CSSResult[] = [
    ...FigureElement.styles,
    css`
      .plot {
        min-height: 120px;
      }
      ul {
        display: grid;
        grid-template-columns: fit-content(45%) minmax(40px, 1fr) max-content;
        gap: 0 10px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-column: 1 / -1;
        grid-template-columns: subgrid;
        align-items: center;
        min-height: 28px;
        line-height: 1.3;
      }
      .label {
        padding: 4px 0;
      }
      .track {
        position: relative;
        align-self: stretch;
        min-height: 28px;
        border-left: 1px solid var(--tessella-rule);
      }
      .bar {
        position: absolute;
        inset: calc(50% - 7px) auto auto 0;
        height: 14px;
        min-width: 1px;
        border-radius: 0 3px 3px 0;
        background: color-mix(in srgb, var(--tessella-ink) 26%, var(--tessella-surface));
      }
      .highlight .bar {
        background: var(--tessella-accent);
      }
      .highlight .value {
        color: var(--tessella-accent);
        font-weight: 600;
      }
      .target {
        position: absolute;
        top: 0;
        bottom: 0;
        width: 0;
        border-left: 2px dotted var(--tessella-s2);
      }
      .value {
        text-align: right;
        white-space: nowrap;
      }
      .note {
        display: block;
        font-size: 12px;
        font-weight: 400;
        color: var(--tessella-quiet);
      }
      .key {
        display: inline-block;
        width: 0;
        height: 12px;
        margin: 0 7px -2px 0;
        border-left: 2px dotted var(--tessella-s2);
      }
    `,
  ];

  #frame: BarsFrame | null = null;

  override accept(frame: BarsFrame): void {
    this.#frame = frame;
    this.accepted();
    this.requestUpdate();
  }

  override describe(): string {
    const { title, value } = this.declaration;
    if (!this.#frame || this.stale) return `${title}: ${this.waiting}.`;
    const { bars, reference } = this.#frame;
    const words = bars.map((bar) => `${bar.label} ${this.#quantity(bar.value)}${bar.note ? ` (${bar.note})` : ''}`);
    const target = reference ? `; ${reference.label} ${this.#quantity(reference.value)}` : '';
    return `${title}: ${value}. ${words.join(', ')}${target}.`;
  }

  override toCsv(): string {
    const { value, unit } = this.declaration;
    const header = ['label', unit ? `${value} (${unit})` : value, 'note'];
    if (!this.#frame || this.stale) return writeCsv([header]);
    const { bars, reference } = this.#frame;
    const rows = bars.map((bar) => [bar.label, bar.value, bar.note ?? '']);
    return writeCsv([header, ...rows, ...(reference ? [[reference.label, reference.value, 'reference']] : [])]);
  }

  /** The bars stay, dimmed, until there are new ones. */
  protected override clear(): void {
    this.requestUpdate();
  }

  protected override body(): TemplateResult {
    const frame = this.#frame;
    if (!frame) return html`<div class="plot" part="plot"><span class="empty">${this.waiting}</span></div>`;
    const { bars, reference } = frame;
    const largest = Math.max(0, ...[...bars.map((bar) => bar.value), reference?.value ?? 0].filter(Number.isFinite));
    const share = (value: number) => (largest > 0 && value > 0 ? (100 * Math.min(value, largest)) / largest : 0);
    return html`<div class="plot" part="plot">
      <div class="legend" part="legend">
        <span class="quiet">${this.declaration.value}</span>
        ${
          reference
            ? html`<span><span class="key"></span>${reference.label} ${this.#quantity(reference.value)}</span>`
            : nothing
        }
      </div>
      <ul>
        ${bars.map((bar) => this.#row(bar, share(bar.value), reference && share(reference.value)))}
      </ul>
    </div>`;
  }

  #row(bar: Bar, share: number, target: number | undefined): TemplateResult {
    return html`<li class=${bar.highlight ? 'highlight' : ''}>
      <span class="label">${bar.label}${bar.note ? html`<span class="note">${bar.note}</span>` : nothing}</span>
      <span class="track">
        ${Number.isFinite(bar.value) ? html`<span class="bar" part="bar" style=${`width: ${String(share)}%`}></span>` : nothing}
        ${target === undefined ? nothing : html`<span class="target" style=${`left: ${String(target)}%`}></span>`}
      </span>
      <span class="value">${this.#quantity(bar.value)}</span>
    </li>`;
  }

  #quantity(value: number): string {
    const { unit } = this.declaration;
    return unit && Number.isFinite(value) ? `${formatNumber(value, 3)} ${unit}` : formatNumber(value, 3);
  }

  /** The template is the picture. */
  protected override draw(): void {
    this.updateDescription();
  }
}

register('tessella-bars', TessellaBarsElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-bars': TessellaBarsElement;
  }
}
