/** `<tessella-parameter-panel>`: a lab's parameters, data and presets, made from its declarations. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { LabManifest } from '../engine/protocol';
import type { ParameterDeclaration, ParameterValues } from '../labs/parameters';
import { differences } from '../share/attributes';
import { base, controls } from '../share/theme';
import { send } from './events';
import { optionsControl } from './options-control';
import './parameter-field';

const noValues: ParameterValues = {};
const noProblems: Readonly<Record<string, string>> = {};

/** Sends `parameter-change`, `preset-choose` and `reset-all`; holds no values of its own. */
export class ParameterPanelElement extends LitElement {
  static override properties = {
    manifest: { attribute: false },
    values: { attribute: false },
    initial: { attribute: false },
    preset: { attribute: false },
    problems: { attribute: false },
    isUnfolded: { state: true },
  };
  declare manifest: LabManifest | null;
  declare values: ParameterValues;
  /** What the fields go back to: the preset's values. */
  declare initial: ParameterValues;
  declare preset: string | null;
  /** What a run had to say about single parameters. */
  declare problems: Readonly<Record<string, string>>;
  /** On a narrow page only the first parameters show, so that the result is never far, until a person asks for all. */
  declare private isUnfolded: boolean;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
        font-size: 14px;
      }
      h2 {
        display: flex;
        justify-content: space-between;
        align-items: baseline;
        font-size: 14px;
        font-weight: 650;
        line-height: 1.4;
        margin: 0 0 8px;
      }
      h2 button {
        font-size: 13px;
        font-weight: 400;
      }
      h2 button[data-same] {
        visibility: hidden;
      }
      section + section {
        margin-top: 22px;
      }
      .fields {
        display: grid;
        gap: 14px;
      }
      @container lab (min-width: 560px) and (max-width: 859px) {
        .fields {
          grid-template-columns: 1fr 1fr;
          gap: 14px 28px;
        }
      }
      .segments > label {
        cursor: pointer;
        position: relative;
      }
      .segments > :has(:focus-visible) {
        outline: 2px solid var(--tessella-accent);
        outline-offset: 2px;
      }
      select {
        width: 100%;
      }
      .more {
        display: none;
      }
      @container lab (max-width: 559px) {
        .more {
          display: block;
          width: 100%;
          margin-top: 12px;
        }
        .folded .fields > :nth-child(n + 3),
        .folded section + section {
          display: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.manifest = null;
    this.values = noValues;
    this.initial = noValues;
    this.preset = null;
    this.problems = noProblems;
    this.isUnfolded = false;
  }

  override render(): TemplateResult | typeof nothing {
    const { manifest } = this;
    if (manifest === null) return nothing;
    const shown = Object.entries(manifest.params).filter(([, declaration]) => declaration.hidden !== true);
    const data = shown.filter(([, declaration]) => declaration.kind === 'data');
    const others = shown.filter(([, declaration]) => declaration.kind !== 'data');
    const presets = Object.fromEntries(Object.entries(manifest.presets).map(([name, { label }]) => [name, label]));
    const same = differences(manifest.params, this.initial, this.values).length === 0;
    return html`<div class=${this.isUnfolded ? '' : 'folded'}>
        ${
          others.length === 0
            ? nothing
            : html`<section aria-label="Parameters">
                <h2>
                  Parameters
                  <button
                    class="plain"
                    part="reset-all"
                    type="button"
                    ?data-same=${same}
                    @click=${() => {
                      send(this, 'reset-all', null);
                    }}
                  >
                    reset all
                  </button>
                </h2>
                ${this.fields(others)}
              </section>`
        }
        ${
          data.length === 0
            ? nothing
            : html`<section aria-label="Data">
                <h2>Data</h2>
                ${this.fields(data)}
              </section>`
        }
        ${
          Object.keys(presets).length === 0
            ? nothing
            : html`<section aria-label="Presets">
                <h2>Presets</h2>
                ${optionsControl({
                  id: 'preset',
                  label: 'Preset',
                  options: presets,
                  value: this.preset,
                  none: 'choose a preset',
                  choose: (preset) => {
                    send(this, 'preset-choose', { preset });
                  },
                })}
              </section>`
        }
      </div>
      <button
        class="more"
        type="button"
        aria-expanded=${this.isUnfolded ? 'true' : 'false'}
        @click=${() => {
          this.isUnfolded = !this.isUnfolded;
        }}
      >
        ${this.isUnfolded ? 'Fewer parameters' : 'All parameters, data and presets'}
      </button>`;
  }

  private fields(entries: readonly (readonly [string, ParameterDeclaration])[]): TemplateResult {
    return html`<div class="fields">
      ${repeat(
        entries,
        ([name]) => `${this.manifest?.id ?? ''} ${name}`,
        ([name, declaration]) =>
          html`<tessella-parameter-field
            exportparts="field, slider, entry, reset, drop"
            data-name=${name}
            .name=${name}
            .declaration=${declaration}
            .value=${this.values[name] ?? null}
            .initial=${this.initial[name] ?? null}
            .problem=${this.problems[name] ?? null}
          ></tessella-parameter-field>`,
      )}
    </div>`;
  }
}

if (!customElements.get('tessella-parameter-panel'))
  customElements.define('tessella-parameter-panel', ParameterPanelElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-parameter-panel': ParameterPanelElement;
  }
}
