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
        container: bar / inline-size;
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
      /* As high as the buttons, which is two lines, whatever it says: nothing below it moves. */
      .words {
        flex: 4 1 18em;
        min-width: 0;
        max-height: 2.6em;
        overflow: hidden;
        font-size: 13px;
        line-height: 1.3;
        text-align: right;
        color: var(--tessella-quiet);
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
      @container bar (max-width: 799px) {
        .words {
          order: 9;
          flex: 1 1 100%;
          height: 1.3em;
          text-align: left;
        }
      }
      @container bar (max-width: 459px) {
        .meter {
          order: 8;
          flex-basis: 100%;
          margin: 2px 0 0;
        }
        .words {
          height: 2.6em;
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
    const between = words.facts !== '' && words.outcome !== '' ? ' · ' : '';
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
        <div class="words" part="words" data-tone=${words.tone} title=${`${words.facts}${between}${words.outcome}`}>
          <span>${words.facts}${between}</span><strong>${words.outcome}</strong>
        </div>
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
