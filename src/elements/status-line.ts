/** `<tessella-status-line>`: tells screen readers when a run's state changes, and only then. */
import { html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { base } from '../share/theme';

/** A slider's move restarts a run many times a second; only what lasts this long is said. */
const settleMs = 700;

/** Set `text`; it is spoken once it has settled. */
export class StatusLineElement extends LitElement {
  static override properties = { text: { attribute: false }, spoken: { state: true } };
  declare text: string;
  declare spoken: string;

  static override styles = [base];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.text = '';
    this.spoken = '';
  }

  override updated(changed: PropertyValues): void {
    if (!changed.has('text')) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.text !== '') this.spoken = this.text;
    }, settleMs);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override render(): TemplateResult {
    return html`<div class="visually-hidden" role="status" aria-live="polite">${this.spoken}</div>`;
  }
}

if (!customElements.get('tessella-status-line')) customElements.define('tessella-status-line', StatusLineElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-status-line': StatusLineElement;
  }
}
