/** `<tessella-claim-panel>`: what the papers of a lab say, what was measured on this machine, and whether it holds. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { serializeError } from '../device/errors';
import { EngineClient } from '../engine/client';
import type { ClaimManifest, LabSummary } from '../engine/protocol';
import { formatDuration, formatExpected, formatNumber } from '../share/format';
import { loadResult, storeResult, subscribeResults, type StoredResult } from '../share/results';
import { base, controls } from '../share/theme';
import type { LabEngine } from './lab-session';

/** A claim being tried. */
interface Trial {
  readonly claim: string;
  readonly abort: AbortController;
  readonly words: string;
}

/** Set `lab` (a summary or a manifest). Results are kept by the browser and shared with the Reproductions page. */
export class ClaimPanelElement extends LitElement {
  static override properties = {
    lab: { attribute: false },
    engine: { attribute: false },
    trial: { state: true },
    failure: { state: true },
  };
  declare lab: LabSummary | null;
  declare engine: Pick<LabEngine, 'prove'> | null;
  declare trial: Trial | null;
  declare failure: Readonly<Record<string, string>>;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        gap: 14px;
        container: claims / inline-size;
      }
      .claim {
        background: var(--tessella-surface);
        border: 1px solid var(--tessella-rule);
        border-left: 3px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
        padding: 14px 16px;
        display: grid;
        gap: 12px 20px;
        align-items: start;
      }
      .claim[data-outcome='holds'] {
        border-left-color: var(--tessella-accent);
      }
      .claim[data-outcome='fails'] {
        border-left-color: var(--tessella-warn);
      }
      @container claims (min-width: 620px) {
        .claim {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) 8.5em;
        }
        .verdict {
          justify-items: end;
          text-align: end;
        }
      }
      h4 {
        margin: 0 0 2px;
        font-size: 12px;
        font-weight: 600;
        color: var(--tessella-quiet);
      }
      p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      .paper {
        margin-top: 4px;
        font-size: 13px;
        line-height: 1.4;
      }
      .where {
        margin-top: 4px;
        font-size: 13px;
        color: var(--tessella-quiet);
      }
      .verdict {
        display: grid;
        gap: 8px;
      }
      .holds,
      .fails {
        font-weight: 650;
        font-size: 15px;
      }
      .holds {
        color: var(--tessella-accent);
      }
      .fails {
        color: var(--tessella-warn);
      }
      .untried {
        font-size: 13px;
      }
      button {
        font-size: 13px;
        padding: 4px 10px;
      }
    `,
  ];
  private unsubscribe: (() => void) | null = null;

  constructor() {
    super();
    this.lab = null;
    this.engine = null;
    this.trial = null;
    this.failure = {};
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.unsubscribe = subscribeResults(() => {
      this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.unsubscribe?.();
    this.unsubscribe = null;
    this.trial?.abort.abort();
  }

  override render(): TemplateResult | typeof nothing {
    const { lab } = this;
    if (lab === null || lab.claims.length === 0) return nothing;
    return html`${lab.claims.map((claim) => this.claim(lab, claim))}`;
  }

  private claim(lab: LabSummary, claim: ClaimManifest): TemplateResult {
    const result = loadResult(lab.id, claim.id);
    const outcome = result === null ? 'untried' : result.holds ? 'holds' : 'fails';
    const trial = this.trial?.claim === claim.id ? this.trial : null;
    const failure = this.failure[claim.id];
    return html`<section class="claim" part="claim" data-outcome=${outcome} aria-label="Claim">
      <div>
        <h4>The paper says</h4>
        <p>${claim.says}</p>
        <p class="paper">
          <a
            href=${claim.paper.link}
            target="_blank"
            rel="noopener"
            title=${`${claim.paper.authors}, ${String(claim.paper.year)}`}
            >${claim.paper.title}</a
          >
        </p>
      </div>
      <div>
        <h4>Here, on this machine</h4>
        ${measured(claim, result)}
        ${failure === undefined ? nothing : html`<p class="where warn" role="alert">${failure}</p>`}
        <p class="where" role="status">${trial?.words ?? ''}</p>
      </div>
      <div class="verdict">
        ${result === null ? html`<p class="quiet untried">not tried yet</p>` : html`<p class=${outcome}>${result.holds ? 'holds' : 'does not hold'}</p>`}
        ${trial === null ? this.tryButtons(lab, claim, result) : this.stopButton(trial)}
      </div>
    </section>`;
  }

  private tryButtons(lab: LabSummary, claim: ClaimManifest, result: StoredResult | null): TemplateResult {
    const busy = this.trial !== null;
    const go = (size: 'quick' | 'full') => () => this.prove(lab, claim, size);
    return html`<button type="button" part="try" ?disabled=${busy} @click=${go('quick')}>
        ${result === null ? 'Try it here' : 'Try again'}
      </button>
      ${
        claim.quick === claim.preset
          ? nothing
          : html`<button class="plain" type="button" part="try-full" ?disabled=${busy} @click=${go('full')}>
              at the paper's size
            </button>`
      }`;
  }

  private stopButton(trial: Trial): TemplateResult {
    return html`<button
      type="button"
      @click=${() => {
        trial.abort.abort();
      }}
    >
      Stop
    </button>`;
  }

  private async prove(lab: LabSummary, claim: ClaimManifest, size: 'quick' | 'full'): Promise<void> {
    const abort = new AbortController();
    this.trial = { claim: claim.id, abort, words: 'running' };
    this.failure = Object.fromEntries(Object.entries(this.failure).filter(([id]) => id !== claim.id));
    try {
      const engine = this.engine ?? EngineClient.shared();
      const result = await engine.prove(lab.id, claim.id, size, {
        signal: abort.signal,
        onProgress: (notice) => {
          if (notice.type !== 'progress' || this.trial?.abort !== abort) return;
          const left =
            notice.remainingMs !== null && notice.remainingMs >= 1000
              ? `, about ${formatDuration(notice.remainingMs, 2)} left`
              : '';
          const of = notice.steps === null ? '' : ` of ${formatNumber(notice.steps)}`;
          this.trial = { claim: claim.id, abort, words: `running: step ${formatNumber(notice.step)}${of}${left}` };
        },
      });
      if (result.error?.name !== 'CancelledError' && !abort.signal.aborted) storeResult(result, size);
    } catch (error) {
      if (!abort.signal.aborted) this.failure = { ...this.failure, [claim.id]: serializeError(error).message };
    } finally {
      this.trial = null;
    }
  }
}

function measured(claim: ClaimManifest, result: StoredResult | null): TemplateResult {
  const unit = claim.unit === null ? '' : ` ${claim.unit}`;
  if (result === null) return html`<p class="quiet">expected ${formatExpected(claim.expected)}${unit}</p>`;
  const where = `${result.adapter} · ${result.preset} · ${formatDuration(result.seconds * 1000)} · ${new Date(result.at).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' })}`;
  const value = result.measured === null ? 'no number' : `${formatNumber(result.measured, 3)}${unit}`;
  return html`<p>
      <strong>${value}</strong> <span class="quiet">expected ${formatExpected(result.expected)}${unit}</span>
    </p>
    ${result.error === null ? nothing : html`<p class="where warn">${result.error.message}</p>`}
    <p class="where">${where}</p>`;
}

if (!customElements.get('tessella-claim-panel')) customElements.define('tessella-claim-panel', ClaimPanelElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-claim-panel': ClaimPanelElement;
  }
}
