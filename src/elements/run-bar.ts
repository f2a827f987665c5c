/** `<tessella-run-bar>`: run or pause, step, reset, cancel; how far it is; how it stands, in words. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import { base, controls } from '../share/theme';
import { send, type RunAction } from './events';
import { isActive, runShare, runWords, type RunStanding } from './run-words';

/** Sends `run-action`. */
export class RunBarElement extends LitElement {
  static override properties = { standing: { attribute: false } };
  declare standing: RunStanding;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
      }
      .bar {
        display: flex;
        align-items: center;
        flex-wrap: wrap;
        gap: 8px;
      }
      button {
        min-height: 34px;
      }
      button.primary {
        min-width: 5.2em;
      }
      .meter {
        flex: 1 1 80px;
        height: 3px;
        margin: 0 8px;
        border-radius: 2px;
        overflow: hidden;
        background: var(--tessella-rule);
      }
      .meter b {
        display: block;
        height: 100%;
        background: var(--tessella-accent);
        transform-origin: left;
      }
      .words {
        flex: 0 1 auto;
        min-width: min(26em, 100%);
        text-align: right;
        font-size: 13px;
        line-height: 1.4;
        color: var(--tessella-quiet);
        overflow-wrap: anywhere;
      }
      .words strong {
        font-weight: 600;
      }
      .words[data-tone='good'] strong {
        color: var(--tessella-accent);
      }
      .words[data-tone='warn'] strong {
        color: var(--tessella-warn);
      }
      @container lab (max-width: 859px) {
        .meter {
          order: 9;
          flex-basis: 100%;
          margin: 2px 0 0;
        }
        .words {
          order: 8;
          min-width: 0;
          flex: 1 1 100%;
          min-height: 2.8em;
          text-align: left;
        }
      }
      @container lab (min-width: 600px) and (max-width: 859px) {
        .words {
          flex: 1 1 0;
          min-height: 0;
          text-align: right;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.standing = { state: 'loading', status: null, progress: null, totalMs: null, error: null };
  }

  override render(): TemplateResult {
    const { state } = this.standing;
    const active = isActive(state);
    const going = active && state !== 'paused';
    const words = runWords(this.standing);
    const share = runShare(this.standing);
    const untouched = state === 'loading' || state === 'idle';
    return html`
      <div class="bar" role="group" aria-label="Run">
        <button
          class="primary"
          part="run"
          type="button"
          ?disabled=${state === 'loading'}
          @click=${this.ask(going ? 'pause' : 'run')}
        >
          ${going ? 'Pause' : 'Run'}
        </button>
        <button part="step" type="button" ?disabled=${state === 'loading' || going} @click=${this.ask('step')}>
          Step
        </button>
        <button part="reset" type="button" ?disabled=${untouched} @click=${this.ask('reset')}>Reset</button>
        <button part="cancel" type="button" ?disabled=${!active} @click=${this.ask('cancel')}>Cancel</button>
        <div
          class="meter"
          part="meter"
          role="progressbar"
          aria-label="Progress of the run"
          aria-valuemin="0"
          aria-valuemax="100"
          aria-valuenow=${Math.round((share ?? 0) * 100)}
        >
          <b style=${`transform:scaleX(${String(share ?? 0)})`}></b>
        </div>
        <span class="words" part="words" data-tone=${words.tone}>
          ${words.facts}${words.facts !== '' && words.outcome !== '' ? ' · ' : ''}<strong>${words.outcome}</strong>
        </span>
      </div>
    `;
  }

  private ask(action: RunAction): () => void {
    return () => {
      send(this, 'run-action', { action });
    };
  }
}

if (!customElements.get('tessella-run-bar')) customElements.define('tessella-run-bar', RunBarElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-run-bar': RunBarElement;
  }
}
