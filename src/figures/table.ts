/** `<tessella-table>`: rows of numbers and words, with a line that says where they come from. */
import { css, html, nothing, type CSSResult, type TemplateResult } from 'lit';
import type { TableFrame } from '../labs/frames';
import { formatCount, formatNumber, NO_NUMBER } from '../share/format';
import { writeCsv } from './csv';
import { FigureElement, register } from './figure';

type Cell = string | number | undefined;

/** A cell as text: whole numbers in full, others at four digits, NaN as a dash. */
function cellText(value: Cell): string {
  if (value === undefined) return NO_NUMBER;
  if (typeof value === 'string') return value;
  return Number.isInteger(value) && Math.abs(value) < 1e12 ? formatCount(value) : formatNumber(value);
}

/** Numbers stay on one line with their unit and uncertainty, and so do a word or two. */
const SHORT = 16;

const cell = (text: string, kind: 'number' | 'words'): TemplateResult =>
  html`<td class=${text.length <= SHORT ? `${kind} short` : kind}>${text}</td>`;

/** A real table; columns of numbers are set flush right. */
export class TessellaTableElement extends FigureElement<'table'> {
  static override styles: CSSResult[] = [
    ...FigureElement.styles,
    css`
      .plot {
        min-height: 120px;
      }
      .rows {
        max-height: 560px;
        overflow: auto;
        /* A shadow at the edge that there is more behind. */
        background:
          linear-gradient(to left, var(--tessella-surface) 30%, transparent) 100% 0 / 40px 100% no-repeat local,
          radial-gradient(farthest-side at 100% 50%, var(--tessella-edge), transparent) 100% 0 / 14px 100% no-repeat;
      }
      table {
        width: 100%;
        border-collapse: collapse;
      }
      th,
      td {
        padding: 5px 12px 5px 0;
        border-bottom: 1px solid var(--tessella-rule);
        text-align: left;
        vertical-align: baseline;
      }
      th {
        position: sticky;
        top: 0;
        background: var(--tessella-surface);
        font-size: 12px;
        font-weight: 600;
        vertical-align: bottom;
        color: var(--tessella-quiet);
      }
      .number {
        text-align: right;
      }
      .short {
        white-space: nowrap;
      }
      tbody tr:last-child td {
        border-bottom: 0;
      }
      th:last-child,
      td:last-child {
        padding-right: 0;
      }
      p {
        margin: 8px 0 0;
        font-size: 12px;
        color: var(--tessella-quiet);
      }
    `,
  ];

  #frame: TableFrame | null = null;

  override accept(frame: TableFrame): void {
    this.#frame = frame;
    this.accepted();
    this.requestUpdate();
  }

  override describe(): string {
    const { title, columns } = this.declaration;
    if (!this.#frame || this.stale) return `${title}: ${this.waiting}.`;
    return `${title}: a table of ${formatCount(this.#frame.rows.length)} rows with ${Object.values(columns).join(', ')}.`;
  }

  override toCsv(): string {
    const { columns } = this.declaration;
    const rows = this.stale ? [] : (this.#frame?.rows ?? []);
    return writeCsv([Object.values(columns), ...rows.map((row) => Object.keys(columns).map((key) => row[key] ?? ''))]);
  }

  /** The rows stay, dimmed, until there are new ones. */
  protected override clear(): void {
    this.requestUpdate();
  }

  protected override body(): TemplateResult {
    const frame = this.#frame;
    if (!frame) return html`<div class="plot" part="plot"><span class="empty">${this.waiting}</span></div>`;
    const columns = Object.entries(this.declaration.columns).map(([key, label]) => ({
      key,
      label,
      kind: frame.rows.some((row) => typeof row[key] === 'number') ? ('number' as const) : ('words' as const),
    }));
    return html`<div class="plot" part="plot">
      <div class="rows" tabindex="0" role="region" aria-label=${this.declaration.title}>
        <table part="table">
          <thead>
            <tr>
              ${columns.map(({ label, kind }) => html`<th scope="col" class=${kind}>${label}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${frame.rows.map(
              (row) =>
                html`<tr>
                  ${columns.map(({ key, kind }) => cell(cellText(row[key]), kind))}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${frame.source ? html`<p part="source">${frame.source}</p>` : nothing}
    </div>`;
  }

  /** The template is the picture. */
  protected override draw(): void {
    this.updateDescription();
  }
}

register('tessella-table', TessellaTableElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-table': TessellaTableElement;
  }
}
