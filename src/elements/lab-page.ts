/** `<tessella-lab-page>`: one lab in full: what it is, the running element, its claims, its kernels, and taking it away. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { LabManifest, LabSummary } from '../engine/protocol';
import type { ParameterValues } from '../labs/parameters';
import { firstLab } from '../share/routes';
import { base, controls } from '../share/theme';
import './claim-panel';
import './embed-snippet';
import './lab-rail';
import type { TessellaLabElement } from './tessella-lab';
import './tessella-lab';

type Tab = 'claims' | 'kernels' | 'embed';
/** What can be linked to or embedded right now. */
interface Setting {
  readonly manifest: LabManifest;
  readonly values: ParameterValues;
  readonly preset: string | null;
}

const tabs = { claims: 'Claims', kernels: 'Kernels', embed: 'Embed' } as const satisfies Record<Tab, string>;

/** Shows `lab`; its words come from the catalogue. */
export class LabPageElement extends LitElement {
  static override properties = {
    lab: { attribute: false },
    catalogue: { attribute: false },
    tab: { state: true },
    setting: { state: true },
  };
  declare lab: string;
  declare catalogue: readonly LabSummary[];
  declare private tab: Tab;
  declare private setting: Setting | null;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: 232px minmax(0, 1fr);
        min-height: calc(100vh - 53px);
      }
      aside {
        padding: 20px 12px 20px 24px;
        border-right: 1px solid var(--tessella-rule);
      }
      main {
        min-width: 0;
        padding: 24px 32px 40px;
      }
      .about {
        min-height: 118px;
      }
      h1 {
        margin: 0 0 6px;
        font-size: 26px;
        font-weight: 650;
        line-height: 1.2;
        letter-spacing: -0.015em;
      }
      .lede {
        max-width: 72ch;
        margin: 0 0 4px;
        color: var(--tessella-quiet);
      }
      .cite {
        margin: 0 0 14px;
        font-size: 13px;
        color: var(--tessella-quiet);
      }
      .tabs {
        display: flex;
        gap: 20px;
        margin: 26px 0 16px;
        border-bottom: 1px solid var(--tessella-rule);
      }
      .tabs button {
        padding: 8px 0;
        border: 0;
        border-radius: 0;
        background: none;
        font-size: 14px;
        color: var(--tessella-quiet);
      }
      .tabs button[aria-selected='true'] {
        color: var(--tessella-ink);
        box-shadow: inset 0 -2px var(--tessella-accent);
      }
      @media (max-width: 980px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
        aside {
          display: none;
        }
        main {
          padding: 18px 16px 32px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.lab = firstLab;
    this.catalogue = [];
    this.tab = 'claims';
    this.setting = null;
  }

  protected override willUpdate(): void {
    if (this.tab === 'kernels') void import('./kernel-viewer').then(() => this.requestUpdate());
  }

  protected override render(): TemplateResult {
    const summary = this.catalogue.find(({ id }) => id === this.lab);
    return html`<aside><tessella-lab-rail .catalogue=${this.catalogue} .current=${this.lab}></tessella-lab-rail></aside>
      <main>
        <tessella-lab
          lab=${this.lab}
          permalink
          hide="share"
          @tessella-status=${this.#follow}
          @tessella-change=${this.#follow}
        >
          <div class="about" slot="header">
            <h1>${summary?.title ?? ''}</h1>
            <p class="lede">${summary?.summary ?? ''}</p>
            <p class="cite">
              ${(summary?.papers ?? []).map(
                ({ title, authors, year, link }, index) =>
                  html`${index === 0 ? nothing : ' · '}<a href=${link} title="${authors}, ${year}">${title}</a>`,
              )}
            </p>
          </div>
          <div slot="footer">
            <div class="tabs" role="tablist" @keydown=${this.#onKey}>
              ${Object.entries(tabs).map(
                ([tab, label]) =>
                  html`<button
                    id="tab-${tab}"
                    role="tab"
                    aria-selected=${tab === this.tab ? 'true' : 'false'}
                    aria-controls="panel"
                    tabindex=${tab === this.tab ? 0 : -1}
                    @click=${() => {
                      this.tab = tab as Tab;
                    }}
                  >
                    ${label}
                  </button>`,
              )}
            </div>
            <div id="panel" role="tabpanel" aria-labelledby="tab-${this.tab}">${this.#panel()}</div>
          </div>
        </tessella-lab>
      </main>`;
  }

  #panel(): TemplateResult {
    switch (this.tab) {
      case 'claims':
        return html`<tessella-claim-panel
          .lab=${this.catalogue.find(({ id }) => id === this.lab) ?? null}
        ></tessella-claim-panel>`;
      case 'kernels':
        return html`<tessella-kernel-viewer .lab=${this.lab}></tessella-kernel-viewer>`;
      case 'embed':
        return html`<tessella-embed-snippet
          open
          .manifest=${this.setting?.manifest ?? null}
          .values=${this.setting?.values ?? {}}
          .preset=${this.setting?.preset ?? null}
        ></tessella-embed-snippet>`;
      default:
        return this.tab satisfies never;
    }
  }

  #follow(event: Event): void {
    const element = event.currentTarget as TessellaLabElement;
    const { manifest, values, chosenPreset } = element;
    if (manifest !== null) this.setting = { manifest, values, preset: chosenPreset };
  }

  #onKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const names = Object.keys(tabs) as Tab[];
    this.tab = names.at((names.indexOf(this.tab) + step) % names.length) ?? this.tab;
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${this.tab}`)?.focus());
  }
}

customElements.define('tessella-lab-page', LabPageElement);
