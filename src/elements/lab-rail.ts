/** `<tessella-lab-rail>`: all labs by family beside the one on show, with a field to find one by title or paper. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { LabSummary } from '../engine/protocol';
import { labAddress } from '../share/routes';
import { base, controls } from '../share/theme';
import { byFamily, familyTitles, matchesSearch } from './families';

/** Marks the lab on show. */
export class LabRailElement extends LitElement {
  static override properties = {
    catalogue: { attribute: false },
    current: { attribute: false },
    search: { state: true },
  };
  declare catalogue: readonly LabSummary[];
  declare current: string;
  declare private search: string;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
        font-size: 14px;
      }
      input {
        width: 100%;
        margin-bottom: 14px;
        padding: 6px 10px !important;
      }
      h3 {
        margin: 16px 0 4px;
        font-size: 12px;
        font-weight: 600;
        color: var(--tessella-quiet);
      }
      a {
        display: flex;
        justify-content: space-between;
        gap: 8px;
        margin-left: -8px;
        padding: 4px 8px;
        border-radius: var(--tessella-radius);
        color: inherit;
      }
      a:hover {
        background: var(--tessella-accent-soft);
        text-decoration: none;
      }
      a[aria-current] {
        background: var(--tessella-accent-soft);
        color: var(--tessella-accent);
      }
      small {
        font-size: 12px;
        color: var(--tessella-quiet);
      }
    `,
  ];

  constructor() {
    super();
    this.catalogue = [];
    this.current = '';
    this.search = '';
  }

  protected override render(): TemplateResult {
    const shown = this.catalogue.filter((lab) => matchesSearch(lab, this.search));
    return html`<input
        type="search"
        placeholder="Find a lab or a paper"
        aria-label="Find a lab or a paper"
        .value=${this.search}
        @input=${(event: InputEvent) => {
          if (event.target instanceof HTMLInputElement) this.search = event.target.value;
        }}
      />
      <nav aria-label="Labs">
        ${byFamily(shown).map(
          ([family, labs]) =>
            html`<h3>${familyTitles[family]}</h3>
              ${labs.map(
                ({ id, title, claims }) =>
                  html`<a href=${labAddress(id)} aria-current=${id === this.current ? 'page' : nothing}
                    >${title}<small title="claims">${claims.length}</small></a
                  >`,
              )}`,
        )}
      </nav>
      ${shown.length === 0 && this.search !== '' ? html`<p class="quiet">Nothing by that name.</p>` : nothing}`;
  }
}

customElements.define('tessella-lab-rail', LabRailElement);
