/** `<tessella-kernels-page>`: the kernels under every lab. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import type { LabSummary } from '../engine/protocol';
import { base, controls } from '../share/theme';
import './kernel-viewer';

/** One lab's kernels at a time. */
export class KernelsPageElement extends LitElement {
  static override properties = { catalogue: { attribute: false }, chosen: { state: true } };
  declare catalogue: readonly LabSummary[];
  declare private chosen: string;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
        max-width: 1100px;
        padding: 24px 32px 48px;
      }
      h1 {
        margin: 0 0 12px;
        font-size: 26px;
        line-height: 1.2;
        letter-spacing: -0.015em;
      }
      select {
        margin-bottom: 18px;
        font-size: 14px;
      }
      @media (max-width: 720px) {
        :host {
          padding: 18px 16px 32px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.catalogue = [];
    this.chosen = '';
  }

  protected override render(): TemplateResult {
    const chosen = this.chosen || (this.catalogue[0]?.id ?? '');
    return html`<h1>Kernels</h1>
      <select
        aria-label="Lab"
        @change=${(event: Event) => {
          if (event.target instanceof HTMLSelectElement) this.chosen = event.target.value;
        }}
      >
        ${this.catalogue.map(({ id, title }) => html`<option value=${id} ?selected=${id === chosen}>${title}</option>`)}
      </select>
      <tessella-kernel-viewer .lab=${chosen}></tessella-kernel-viewer>`;
  }
}

customElements.define('tessella-kernels-page', KernelsPageElement);
