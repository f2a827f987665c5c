/** One of a few named options: a row of segments where they fit, a select where they do not. */
import { html, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';

interface OptionsControl {
  readonly id: string;
  readonly label: string;
  /** Value to what people read. */
  readonly options: Readonly<Record<string, string>>;
  readonly value: string | null;
  /** What the select says while none of the options is chosen. */
  readonly none?: string;
  readonly choose: (value: string) => void;
}

/** True if the labels are few and short enough for one row of a panel. */
function fitsSegments(labels: readonly string[]): boolean {
  const widest = Math.max(0, ...labels.map((label) => label.length));
  return labels.length >= 2 && labels.length <= 4 && widest * labels.length <= 34;
}

/** The control; segments are radio buttons, so that arrow keys and screen readers know them. */
export function optionsControl({ id, label, options, value, none, choose }: OptionsControl): TemplateResult {
  const entries = Object.entries(options);
  if (!fitsSegments(entries.map(([, text]) => text))) {
    const choice = value !== null && Object.hasOwn(options, value) ? value : '';
    return html`<select
      id=${id}
      aria-label=${label}
      .value=${live(choice)}
      @change=${(event: Event) => {
        if (event.target instanceof HTMLSelectElement && event.target.value !== '') choose(event.target.value);
      }}
    >
      ${choice === '' ? html`<option value="" selected disabled>${none ?? 'choose'}</option>` : null}
      ${entries.map(([key, text]) => html`<option value=${key} ?selected=${key === choice}>${text}</option>`)}
    </select>`;
  }
  return html`<div class="segments" role="radiogroup" aria-label=${label}>
    ${entries.map(
      ([key, text]) =>
        html`<label
          ><input
            type="radio"
            name=${id}
            class="visually-hidden"
            value=${key}
            .checked=${live(key === value)}
            @change=${() => {
              choose(key);
            }}
          />${text}</label
        >`,
    )}
  </div>`;
}
