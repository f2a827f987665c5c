/** `<tessella-reproductions>`: every claim in one table; any or all of them tried on the visitor's own GPU, kept and exported. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { EngineClient } from '../engine/client';
import type { ClaimManifest, LabSummary } from '../engine/protocol';
import { formatDuration, formatExpected, formatNumber } from '../share/format';
import { clearResults, loadResult, storeResult, subscribeResults, type StoredResult } from '../share/results';
import { labAddress } from '../share/routes';
import { base, controls } from '../share/theme';
import { reproductionsStyles } from './reproductions-styles';

interface Row {
  readonly lab: LabSummary;
  readonly claim: ClaimManifest;
  readonly result: StoredResult | null;
}

const columns = {
  lab: 'Lab',
  claim: 'The paper says',
  expected: 'Expected',
  measured: 'Measured here',
  verdict: 'Verdict',
  seconds: 'Took',
} as const;
type Column = keyof typeof columns;

/** Runs claims one after the other. */
export class ReproductionsElement extends LitElement {
  static override properties = {
    catalogue: { attribute: false },
    running: { state: true },
    progress: { state: true },
    waiting: { state: true },
    sort: { state: true },
    size: { state: true },
  };
  declare catalogue: readonly LabSummary[];
  /** The claim under way, as `lab/claim`. */
  declare private running: string;
  declare private progress: string;
  declare private waiting: readonly string[];
  declare private sort: { readonly column: Column; readonly isDescending: boolean } | null;
  declare private size: 'quick' | 'full';
  #stop: (() => void) | undefined;
  #controller: AbortController | undefined;

  static override styles = [base, controls, reproductionsStyles];

  constructor() {
    super();
    this.catalogue = [];
    this.running = '';
    this.progress = '';
    this.waiting = [];
    this.sort = null;
    this.size = 'quick';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = subscribeResults(() => {
      this.requestUpdate();
    });
    const stopStatus = EngineClient.shared().onStatus(({ device }) => {
      this.size = device.kind === 'webgpu' && !device.isFallback ? 'full' : 'quick';
      queueMicrotask(() => {
        stopStatus();
      });
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
    this.#cancel();
  }

  protected override render(): TemplateResult {
    const rows = this.#rows();
    const tried = rows.filter(({ result }) => result !== null);
    const held = tried.filter(({ result }) => result?.holds === true).length;
    const isBusy = this.running !== '';
    return html`<h1>Reproductions</h1>
      <p class="lede">
        Each lab tries what its paper promises. Run any or all of it on this machine; what does not hold is shown as not
        holding. The results stay in this browser.
      </p>
      <div class="bar">
        ${
          isBusy
            ? html`<button @click=${this.#cancel}>Stop</button>`
            : html`<button class="primary" ?disabled=${rows.length === 0} @click=${() => this.#tryAll(rows)}>
                Run all
              </button>`
        }
        <div class="segments" role="group" aria-label="Size">
          ${(['quick', 'full'] as const).map(
            (size) =>
              html`<button
                aria-pressed=${this.size === size ? 'true' : 'false'}
                ?disabled=${isBusy}
                @click=${() => {
                  this.size = size;
                }}
              >
                ${size === 'quick' ? 'quick sizes' : 'the paper’s sizes'}
              </button>`,
          )}
        </div>
        <span class="state" role="status"
          >${
            isBusy
              ? html`${this.running.replace('/', ': ')}
                ${this.progress}${this.waiting.length > 0 ? html` · ${this.waiting.length} waiting` : nothing}`
              : tried.length > 0
                ? html`${held} of ${tried.length} tried ${tried.length === 1 ? 'claim holds' : 'claims hold'} here`
                : html`nothing tried here yet`
          }</span
        >
        <button
          ?disabled=${tried.length === 0}
          @click=${() => {
            this.#save(rows, 'json');
          }}
        >
          Save JSON
        </button>
        <button
          ?disabled=${tried.length === 0}
          @click=${() => {
            this.#save(rows, 'csv');
          }}
        >
          Save CSV
        </button>
        <button ?disabled=${tried.length === 0 || isBusy} @click=${clearResults}>Forget</button>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              ${Object.entries(columns).map(([column, label]) => this.#heading(column as Column, label))}
              <th><span class="visually-hidden">Try it</span></th>
            </tr>
          </thead>
          <tbody>
            ${this.#sorted(rows).map((row) => this.#row(row))}
          </tbody>
        </table>
      </div>`;
  }

  #heading(column: Column, label: string): TemplateResult {
    const direction = this.sort?.column !== column ? 'none' : this.sort.isDescending ? 'descending' : 'ascending';
    const isNumber = column === 'measured' || column === 'seconds';
    return html`<th scope="col" class=${isNumber ? 'number' : ''} aria-sort=${direction}>
      <button
        @click=${() => {
          this.sort = { column, isDescending: direction === 'ascending' };
        }}
      >
        ${label}${direction === 'none' ? nothing : direction === 'ascending' ? ' ↑' : ' ↓'}
      </button>
    </th>`;
  }

  #row({ lab, claim, result }: Row): TemplateResult {
    const key = `${lab.id}/${claim.id}`;
    const measured = result?.measured ?? null;
    const error = result?.error ?? null;
    const unit = claim.unit === null ? '' : ` ${claim.unit}`;
    return html`<tr>
      <td><a href=${labAddress(lab.id)}>${lab.title}</a></td>
      <td class="claim">
        ${claim.says}<small><a href=${claim.paper.link}>${claim.paper.title}</a>, ${claim.paper.year}</small>
      </td>
      <td data-label=${columns.expected}>${formatExpected(claim.expected)}${unit}</td>
      <td class="number" data-label=${columns.measured}>
        ${measured === null ? '–' : `${formatNumber(measured)}${unit}`}
        ${result === null ? nothing : html`<small>${result.preset}, ${result.adapter}</small>`}
      </td>
      <td class="verdict">
        ${
          result === null
            ? html`<span class="quiet">not tried</span>`
            : result.holds
              ? html`<span class="holds">holds</span>`
              : html`<span class="warn">does not hold</span>`
        }
        ${error === null ? nothing : html`<small class="warn">${error.message}</small>`}
      </td>
      <td class="number" data-label=${columns.seconds}>
        ${result === null ? '–' : formatDuration(1000 * result.seconds)}
      </td>
      <td>
        <button ?disabled=${this.running !== ''} @click=${() => this.#tryAll([{ lab, claim, result }])}>
          ${this.running === key ? 'running' : 'Try'}
        </button>
      </td>
    </tr>`;
  }

  #rows(): readonly Row[] {
    return this.catalogue.flatMap((lab) =>
      lab.claims.map((claim) => ({ lab, claim, result: loadResult(lab.id, claim.id) })),
    );
  }

  #sorted(rows: readonly Row[]): readonly Row[] {
    const { sort } = this;
    if (sort === null) return rows;
    const sign = sort.isDescending ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(sortValue(a, sort.column), sortValue(b, sort.column)));
  }

  async #tryAll(rows: readonly Row[]): Promise<void> {
    const controller = new AbortController();
    const isStopped = (): boolean => controller.signal.aborted;
    this.#controller = controller;
    this.waiting = rows.map(({ lab, claim }) => `${lab.id}/${claim.id}`);
    for (const { lab, claim } of rows) {
      if (isStopped()) break;
      this.running = `${lab.id}/${claim.id}`;
      this.waiting = this.waiting.slice(1);
      this.progress = '';
      const { size } = this;
      try {
        const result = await EngineClient.shared().prove(lab.id, claim.id, size, {
          signal: controller.signal,
          onProgress: (notice) => {
            if (notice.type !== 'progress') return;
            const { step, steps, remainingMs } = notice;
            this.progress = `step ${String(step)}${steps === null ? '' : ` of ${String(steps)}`}${
              remainingMs === null ? '' : `, ${formatDuration(remainingMs)} left`
            }`;
          },
        });
        if (!isStopped()) storeResult(result, size);
      } catch (cause) {
        this.progress = cause instanceof Error ? cause.message : String(cause);
        break;
      }
    }
    this.running = '';
    this.waiting = [];
  }

  readonly #cancel = (): void => {
    this.#controller?.abort();
  };

  #save(rows: readonly Row[], format: 'json' | 'csv'): void {
    const results = rows.flatMap(({ result }) => result ?? []);
    const text = format === 'json' ? JSON.stringify(results, null, 2) : resultsCsv(results);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: format === 'json' ? 'application/json' : 'text/csv' }));
    link.download = `tessella-reproductions.${format}`;
    link.click();
    setTimeout(() => {
      URL.revokeObjectURL(link.href);
    }, 1000);
  }
}

function sortValue({ lab, claim, result }: Row, column: Column): string | number {
  switch (column) {
    case 'lab':
      return lab.title;
    case 'claim':
      return claim.says;
    case 'expected':
      return claim.expected;
    case 'measured':
      return result?.measured ?? Number.POSITIVE_INFINITY;
    case 'verdict':
      return result === null ? 2 : result.holds ? 0 : 1;
    case 'seconds':
      return result?.seconds ?? Number.POSITIVE_INFINITY;
    default:
      return column satisfies never;
  }
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

const csvColumns = [
  'lab',
  'id',
  'paper',
  'claim',
  'preset',
  'measured',
  'expected',
  'holds',
  'seconds',
  'adapter',
] as const;

function resultsCsv(results: readonly StoredResult[]): string {
  const quote = (value: string | number | boolean | null): string => `"${String(value ?? '').replaceAll('"', '""')}"`;
  return [
    csvColumns.join(','),
    ...results.map((result) => csvColumns.map((name) => quote(result[name])).join(',')),
  ].join('\r\n');
}

customElements.define('tessella-reproductions', ReproductionsElement);
