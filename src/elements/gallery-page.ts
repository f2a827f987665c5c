/** `<tessella-gallery>`: the labs by family, each with a picture made by running it here, its papers, and what held here. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { LabSummary } from '../engine/protocol';
import { loadResult, subscribeResults } from '../share/results';
import { labAddress } from '../share/routes';
import { base, controls } from '../share/theme';
import { byFamily, familyTitles, matchesSearch } from './families';
import './lab-thumbnail';

/** Redraws when a claim was tried. */
export class GalleryElement extends LitElement {
  static override properties = { catalogue: { attribute: false }, search: { state: true } };
  declare catalogue: readonly LabSummary[];
  declare private search: string;
  #stop: (() => void) | undefined;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
        max-width: 1240px;
        padding: 24px 32px 48px;
      }
      .top {
        display: flex;
        flex-wrap: wrap;
        gap: 12px 24px;
        align-items: end;
        justify-content: space-between;
      }
      h1 {
        margin: 0 0 4px;
        font-size: 26px;
        line-height: 1.2;
        letter-spacing: -0.015em;
      }
      .lede {
        max-width: 64ch;
        margin: 0;
        color: var(--tessella-quiet);
      }
      .top input {
        width: 260px;
        padding: 6px 10px;
      }
      h2 {
        margin: 28px 0 10px;
        font-size: 13px;
        font-weight: 600;
        color: var(--tessella-quiet);
      }
      .families {
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
      }
      section {
        flex: 0 1 calc(var(--labs) * 356px - 16px);
        min-width: min(340px, 100%);
      }
      .grid {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr));
        gap: 16px;
      }
      a.card {
        display: flex;
        flex-direction: column;
        border: 1px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
        background: var(--tessella-surface);
        color: inherit;
        overflow: hidden;
      }
      a.card:hover {
        border-color: var(--tessella-edge);
        text-decoration: none;
      }
      .words {
        padding: 12px 16px 14px;
      }
      h3 {
        margin: 0 0 4px;
        font-size: 16px;
      }
      .words p {
        margin: 0 0 8px;
        font-size: 13px;
        color: var(--tessella-quiet);
      }
      .words p:last-child {
        margin: 0;
      }
      .held {
        color: var(--tessella-accent);
        font-weight: 600;
      }
      @media (max-width: 720px) {
        :host {
          padding: 18px 16px 32px;
        }
        .top input {
          width: 100%;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.catalogue = [];
    this.search = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = subscribeResults(() => {
      this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  protected override render(): TemplateResult {
    const shown = this.catalogue.filter((lab) => matchesSearch(lab, this.search));
    return html`<div class="top">
        <div>
          <h1>Papers you can run</h1>
          <p class="lede">
            Published algorithms at real size on your own GPU, their numbers checked against float64. Pick one, move its
            parameters, bring your own data.
          </p>
        </div>
        <input
          type="search"
          placeholder="Find a lab or a paper"
          aria-label="Find a lab or a paper"
          @input=${(event: InputEvent) => {
            if (event.target instanceof HTMLInputElement) this.search = event.target.value;
          }}
        />
      </div>
      <div class="families">
        ${byFamily(shown).map(
          ([family, labs]) =>
            html`<section style="--labs: ${labs.length}">
              <h2>${familyTitles[family]}</h2>
              <div class="grid">${labs.map((lab) => this.#card(lab))}</div>
            </section>`,
        )}
      </div>
      ${shown.length === 0 && this.search !== '' ? html`<p class="quiet">Nothing by that name.</p>` : nothing}`;
  }

  #card(lab: LabSummary): TemplateResult {
    const tried = lab.claims.flatMap(({ id }) => loadResult(lab.id, id) ?? []);
    const held = tried.filter(({ holds }) => holds).length;
    return html`<a class="card" href=${labAddress(lab.id)}>
      <tessella-lab-thumbnail .lab=${lab.id}></tessella-lab-thumbnail>
      <div class="words">
        <h3>${lab.title}</h3>
        <p>${lab.claims[0]?.says ?? lab.summary}</p>
        <p>
          ${
            tried.length === 0
              ? html`${lab.claims.length} ${lab.claims.length === 1 ? 'claim' : 'claims'}, not tried here yet`
              : html`<span class=${held === tried.length ? 'held' : 'warn'}>${held} of ${tried.length}</span> claims
                  held on this machine`
          }
        </p>
      </div>
    </a>`;
  }
}

customElements.define('tessella-gallery', GalleryElement);
