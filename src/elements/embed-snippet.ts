/** `<tessella-embed-snippet>`: copies a link to what is on show, or the HTML that puts it into another page. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import type { LabManifest } from '../engine/protocol';
import type { ParameterValues } from '../labs/parameters';
import { embedModuleUrl, playgroundUrl } from '../share/addresses';
import { valueText } from '../share/attributes';
import { formatPermalink } from '../share/permalink';
import { embedSnippet } from '../share/snippet';
import { base, controls } from '../share/theme';

/** Set `manifest`, `values` and `preset`; with `open` the snippet is always on show. */
export class EmbedSnippetElement extends LitElement {
  static override properties = {
    manifest: { attribute: false },
    values: { attribute: false },
    preset: { attribute: false },
    open: { type: Boolean },
    said: { state: true },
    shown: { state: true },
  };
  declare manifest: LabManifest | null;
  declare values: ParameterValues;
  declare preset: string | null;
  declare open: boolean;
  declare said: string;
  /** Text to copy by hand, where the clipboard was refused. */
  declare shown: string | null;

  static override styles = [
    base,
    controls,
    css`
      :host {
        display: block;
        font-size: 13px;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 8px;
      }
      button {
        padding: 4px 10px;
      }
      .said {
        color: var(--tessella-quiet);
        min-height: 1.45em;
      }
      textarea {
        display: block;
        width: 100%;
        margin-top: 8px;
        padding: 10px 12px;
        font: 12.5px/1.55 var(--tessella-mono);
        resize: vertical;
        overflow-wrap: anywhere;
      }
      small {
        display: block;
        margin-top: 6px;
        color: var(--tessella-quiet);
        font-size: 12px;
      }
    `,
  ];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.manifest = null;
    this.values = {};
    this.preset = null;
    this.open = false;
    this.said = '';
    this.shown = null;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  override render(): TemplateResult | typeof nothing {
    const { manifest } = this;
    if (manifest === null) return nothing;
    const shown = this.shown ?? (this.open ? this.snippet(manifest) : null);
    const files = Object.values(this.values).some(
      (value) => typeof value === 'object' && valueText(value) === null && value.kind === 'file',
    );
    return html`
      <div class="row">
        <button type="button" part="copy-link" @click=${() => this.copy(this.link(manifest), 'Link copied.')}>
          Copy link
        </button>
        <button type="button" part="copy-snippet" @click=${() => this.copy(this.snippet(manifest), 'HTML copied.')}>
          Copy embed HTML
        </button>
        <span class="said" role="status">${this.said}</span>
      </div>
      ${
        shown === null
          ? nothing
          : html`<textarea
              readonly
              rows=${Math.min(8, Math.max(2, Math.ceil(shown.length / 60)))}
              aria-label="Text to copy"
              .value=${shown}
              @focus=${(event: Event) => {
                if (event.target instanceof HTMLTextAreaElement) event.target.select();
              }}
            ></textarea>`
      }
      ${files ? html`<small>Your own files stay on this machine: a link carries the preset's data in their place.</small>` : nothing}
    `;
  }

  private link(manifest: LabManifest): string {
    return `${playgroundUrl()}${formatPermalink(manifest, { preset: this.preset, values: this.values })}`;
  }

  private snippet(manifest: LabManifest): string {
    return embedSnippet(manifest, { preset: this.preset, values: this.values }, embedModuleUrl());
  }

  private async copy(text: string, said: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.shown = null;
      this.say(said);
    } catch {
      // No clipboard (an insecure page, or refused): the text is there to be copied by hand.
      this.shown = text;
      this.say('Press Ctrl+C or ⌘C to copy.');
      await this.updateComplete;
      const area = this.renderRoot.querySelector('textarea');
      area?.focus();
      area?.select();
    }
  }

  private say(text: string): void {
    this.said = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.said = '';
    }, 4000);
  }
}

if (!customElements.get('tessella-embed-snippet')) customElements.define('tessella-embed-snippet', EmbedSnippetElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-embed-snippet': EmbedSnippetElement;
  }
}
