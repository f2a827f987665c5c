/** `<tessella-parameter-field>`: one parameter as its declaration wants it, with its label, help, reset and what was refused. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type {
  IntegerParameter,
  ParameterDeclaration,
  ParameterValue,
  RealParameter,
  SeedParameter,
} from '../labs/parameters';
import { sameValue } from '../share/attributes';
import { formatExact, formatTick } from '../share/format';
import { lastPosition, parseNumber, positionOf, valueAt } from '../share/slider-scale';
import { base, controls } from '../share/theme';
import './data-drop';
import { send } from './events';
import { optionsControl } from './options-control';

const largestSeed = 0xffff_ffff;

/** Sends `parameter-change`; holds no value of its own. */
export class ParameterFieldElement extends LitElement {
  static override properties = {
    name: { attribute: false },
    declaration: { attribute: false },
    value: { attribute: false },
    initial: { attribute: false },
    problem: { attribute: false },
    refusal: { state: true },
  };
  declare name: string;
  declare declaration: ParameterDeclaration | null;
  declare value: ParameterValue | null;
  /** What reset and a double click go back to: the preset's value. */
  declare initial: ParameterValue | null;
  /** What a run had to say about this parameter, or null. */
  declare problem: string | null;
  declare refusal: string | null;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
      }
      .head {
        display: flex;
        align-items: center;
        gap: 6px;
        min-height: 28px;
        margin-bottom: 3px;
      }
      .head > label,
      .head > .label {
        flex: 1;
        min-width: 0;
        overflow-wrap: anywhere;
        line-height: 1.3;
      }
      .unit {
        color: var(--tessella-quiet);
        margin-left: 0.35em;
      }
      .entry {
        width: 84px;
        text-align: right;
      }
      .seed {
        width: 108px;
      }
      select,
      .text {
        width: 100%;
      }
      .text {
        font: inherit;
        resize: vertical;
      }
      .reset,
      .dice {
        border: 0;
        padding: 4px;
        margin: 0;
        line-height: 0;
        background: none;
        color: var(--tessella-quiet);
        border-radius: 4px;
      }
      .reset:hover,
      .dice:hover {
        color: var(--tessella-accent);
      }
      .reset[data-same] {
        visibility: hidden;
      }
      svg {
        width: 14px;
        height: 14px;
      }
      small {
        display: block;
        margin-top: 2px;
        font-size: 12px;
        line-height: 1.4;
        color: var(--tessella-quiet);
      }
      small.warn {
        color: var(--tessella-warn);
      }
      .segments > label {
        cursor: pointer;
        position: relative;
      }
      .segments > :has(:focus-visible) {
        outline: 2px solid var(--tessella-accent);
        outline-offset: 2px;
      }
      input[type='range'] {
        display: block;
        height: 22px;
        cursor: pointer;
      }
      input[type='checkbox'] {
        width: 18px;
        height: 18px;
        margin: 0;
      }
    `,
  ];

  constructor() {
    super();
    this.name = '';
    this.declaration = null;
    this.value = null;
    this.initial = null;
    this.problem = null;
    this.refusal = null;
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has('value') && !changed.has('refusal')) this.refusal = null;
  }

  override render(): TemplateResult | typeof nothing {
    const { declaration, value } = this;
    if (declaration === null || value === null) return nothing;
    const said = this.refusal ?? this.problem;
    const help = declaration.help ?? rangeHelp(declaration);
    return html`
      <div part="field">
        ${this.control(declaration, value)} ${help === '' ? nothing : html`<small id="help">${help}</small>`}
        ${said === null ? nothing : html`<small class="warn" id="problem" role="alert">${said}</small>`}
      </div>
    `;
  }

  private control(declaration: ParameterDeclaration, value: ParameterValue): TemplateResult {
    switch (declaration.kind) {
      case 'real':
      case 'integer':
        return this.numberControl(declaration, typeof value === 'number' ? value : declaration.default);
      case 'seed':
        return this.seedControl(declaration, typeof value === 'number' ? value : declaration.default);
      case 'toggle':
        return this.head(
          html`<input
            id="entry"
            type="checkbox"
            role="switch"
            aria-describedby=${this.described}
            .checked=${live(value === true)}
            @change=${(event: Event) => {
              if (event.target instanceof HTMLInputElement) this.set(event.target.checked);
            }}
          />`,
          'entry',
        );
      case 'choice':
        return html`${this.head(nothing, null)}${optionsControl({
          id: 'entry',
          label: declaration.label,
          options: declaration.options,
          value: typeof value === 'string' ? value : null,
          choose: (choice) => {
            this.set(choice);
          },
        })}`;
      case 'text':
        return html`${this.head(nothing, 'entry')}
          <textarea
            id="entry"
            part="entry"
            class="text"
            rows="3"
            maxlength=${declaration.maxLength}
            spellcheck="false"
            aria-describedby=${this.described}
            .value=${live(typeof value === 'string' ? value : declaration.default)}
            @change=${(event: Event) => {
              if (event.target instanceof HTMLTextAreaElement) this.set(event.target.value);
            }}
          ></textarea>`;
      case 'data':
        return html`${this.head(nothing, null)}
          <tessella-data-drop
            .declaration=${declaration}
            .value=${typeof value === 'object' ? value : { kind: 'none' }}
            @data-choose=${(event: CustomEvent<ParameterValue>) => {
              event.stopPropagation();
              this.set(event.detail);
            }}
          ></tessella-data-drop>`;
      default:
        return declaration satisfies never;
    }
  }

  private head(entry: TemplateResult | typeof nothing, labelFor: string | null): TemplateResult {
    const { declaration } = this;
    const label = declaration?.label ?? '';
    const unit = declaration !== null && 'unit' in declaration ? declaration.unit : undefined;
    const text = html`${label}${unit === undefined ? nothing : html`<span class="unit">${unit}</span>`}`;
    return html`<div class="head">
      ${
        labelFor === null
          ? html`<span class="label" id="label" @dblclick=${this.reset}>${text}</span>`
          : html`<label id="label" for=${labelFor} @dblclick=${this.reset}>${text}</label>`
      }
      ${this.resetButton()}${entry}
    </div>`;
  }

  private resetButton(): TemplateResult {
    const same = this.initial === null || this.value === null || sameValue(this.initial, this.value);
    const label = `Reset ${this.declaration?.label ?? ''}${typeof this.initial === 'number' ? ` to ${formatExact(this.initial)}` : ''}`;
    return html`<button
      class="reset"
      part="reset"
      type="button"
      ?data-same=${same}
      title=${label}
      aria-label=${label}
      @click=${this.reset}
    >
      <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true">
        <path d="M3.2 9.6a5 5 0 1 0 1-5.2L2.5 6" />
        <path d="M2.5 2.4V6h3.6" />
      </svg>
    </button>`;
  }

  private numberControl(declaration: RealParameter | IntegerParameter, value: number): TemplateResult {
    const slide = (event: Event): void => {
      if (event.target instanceof HTMLInputElement) this.set(valueAt(declaration, event.target.valueAsNumber));
    };
    return html`${this.head(this.entry(value, 'entry', declaration.min, declaration.max), 'entry')}
      <input
        type="range"
        part="slider"
        min="0"
        max=${lastPosition(declaration)}
        step="1"
        .value=${live(String(positionOf(declaration, value)))}
        aria-label=${declaration.label}
        aria-valuetext=${`${formatExact(value)}${declaration.unit === undefined ? '' : ` ${declaration.unit}`}`}
        aria-describedby=${this.described}
        @input=${slide}
        @dblclick=${this.reset}
      />`;
  }

  private seedControl(declaration: SeedParameter, value: number): TemplateResult {
    return this.head(
      html`<button
          class="dice"
          type="button"
          title="Draw a new seed"
          aria-label="Draw a new seed"
          @click=${() => {
            this.set(Math.floor(Math.random() * 100_000));
          }}
        >
          <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.4" aria-hidden="true">
            <rect x="2" y="2" width="12" height="12" rx="2.5" />
            <g fill="currentColor" stroke="none">
              <circle cx="5.4" cy="5.4" r="1.1" />
              <circle cx="10.6" cy="5.4" r="1.1" />
              <circle cx="8" cy="8" r="1.1" />
              <circle cx="5.4" cy="10.6" r="1.1" />
              <circle cx="10.6" cy="10.6" r="1.1" />
            </g>
          </svg></button
        >${this.entry(value, `entry seed`, 0, largestSeed, declaration.label)}`,
      'entry',
    );
  }

  private entry(
    value: number,
    className: string,
    min: number,
    max: number,
    label = this.declaration?.label ?? '',
  ): TemplateResult {
    const commit = (event: Event): void => {
      if (!(event.target instanceof HTMLInputElement)) return;
      this.commit(event.target.value, label, min, max);
      event.target.value = formatExact(typeof this.value === 'number' ? this.value : value);
    };
    return html`<input
      id="entry"
      part="entry"
      class=${className}
      type="text"
      inputmode="decimal"
      autocomplete="off"
      spellcheck="false"
      aria-describedby=${this.described}
      aria-invalid=${this.refusal === null ? 'false' : 'true'}
      .value=${formatExact(value)}
      @change=${commit}
      @focus=${(event: Event) => {
        if (event.target instanceof HTMLInputElement) event.target.select();
      }}
      @keydown=${(event: KeyboardEvent) => {
        this.stepByKey(event, value);
      }}
    />`;
  }

  private stepByKey(event: KeyboardEvent, value: number): void {
    const direction = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0;
    const { declaration } = this;
    if (direction === 0 || declaration === null) return;
    event.preventDefault();
    if (declaration.kind === 'seed') this.set(Math.min(largestSeed, Math.max(0, value + direction)));
    else if (declaration.kind === 'real' || declaration.kind === 'integer') {
      this.set(valueAt(declaration, positionOf(declaration, value) + direction));
    }
  }

  private commit(text: string, label: string, min: number, max: number): void {
    const { declaration } = this;
    const wanted = parseNumber(text);
    const current = typeof this.value === 'number' ? this.value : min;
    if (Number.isNaN(wanted)) {
      this.refusal = `"${text.trim()}" is not a number; ${label} stays at ${formatExact(current)}.`;
      return;
    }
    let value = declaration?.kind === 'real' ? wanted : Math.round(wanted);
    if (declaration?.kind === 'integer')
      value = declaration.min + Math.round((value - declaration.min) / declaration.step) * declaration.step;
    value = Math.min(max, Math.max(min, value));
    const said =
      wanted < min || wanted > max
        ? `${label} goes from ${formatExact(min)} to ${formatExact(max)}; it was set to the nearest.`
        : null;
    if (value !== current) this.set(value);
    void this.updateComplete.then(() => {
      this.refusal = said;
    });
  }

  private get described(): string {
    return `${this.declaration?.help === undefined ? '' : 'help '}${this.refusal === null && this.problem === null ? '' : 'problem'}`.trim();
  }

  private set(value: ParameterValue): void {
    this.refusal = null;
    this.value = value;
    send(this, 'parameter-change', { name: this.name, value });
  }

  private readonly reset = (): void => {
    if (this.initial !== null && this.value !== null && !sameValue(this.initial, this.value)) this.set(this.initial);
    this.refusal = null;
  };
}

/** What stands under a control that has no help of its own. */
function rangeHelp(declaration: ParameterDeclaration): string {
  if (declaration.kind !== 'real' && declaration.kind !== 'integer') return '';
  const scale = declaration.scale === 'log' ? (declaration.kind === 'integer' ? 'powers of two, ' : 'log scale, ') : '';
  return `${scale}${formatTick(declaration.min)} to ${formatTick(declaration.max)}`;
}

if (!customElements.get('tessella-parameter-field'))
  customElements.define('tessella-parameter-field', ParameterFieldElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-parameter-field': ParameterFieldElement;
  }
}
