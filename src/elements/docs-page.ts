/** `<tessella-docs>`: embedding a lab, its attributes (written by the labs' own declarations), and the library. */
import { css, html, LitElement, type TemplateResult } from 'lit';
import { EngineClient } from '../engine/client';
import type { LabManifest, LabSummary } from '../engine/protocol';
import type { ParameterDeclaration } from '../labs/parameters';
import { attributeName } from '../share/attributes';
import { formatExact } from '../share/format';
import { base } from '../share/theme';

/** Loads the manifests of all labs. */
export class DocsElement extends LitElement {
  static override properties = { catalogue: { attribute: false }, manifests: { state: true } };
  declare catalogue: readonly LabSummary[];
  declare private manifests: readonly LabManifest[];

  static override styles = [
    base,
    css`
      :host {
        display: block;
        max-width: 900px;
        padding: 24px 32px 48px;
      }
      h1 {
        margin: 0 0 12px;
        font-size: 26px;
        line-height: 1.2;
        letter-spacing: -0.015em;
      }
      h2 {
        margin: 28px 0 8px;
        font-size: 18px;
      }
      h3 {
        margin: 22px 0 6px;
        font-size: 15px;
      }
      p {
        max-width: 72ch;
        margin: 0 0 10px;
      }
      pre {
        margin: 0 0 12px;
        padding: 12px 16px;
        overflow-x: auto;
        border: 1px solid var(--tessella-rule);
        border-radius: var(--tessella-radius);
        background: var(--tessella-surface);
        font: 13px/1.55 var(--tessella-mono);
      }
      code {
        font: 13px var(--tessella-mono);
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: 14px;
      }
      th,
      td {
        padding: 6px 12px 6px 0;
        text-align: left;
        vertical-align: top;
        border-top: 1px solid var(--tessella-rule);
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
    this.manifests = [];
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('catalogue')) return;
    const { catalogue } = this;
    void Promise.all(catalogue.map(({ id }) => EngineClient.shared().describe(id))).then((manifests) => {
      if (catalogue === this.catalogue) this.manifests = manifests;
    });
  }

  protected override render(): TemplateResult {
    const script = new URL('embed.js', document.baseURI).href;
    return html`<h1>Docs</h1>
      <h2>Put a lab into a page</h2>
      <p>One module script, then one element for each lab. All elements on a page share one engine.</p>
      <pre>
&lt;script type="module" src="${script}"&gt;&lt;/script&gt;
&lt;tessella-lab lab="sinkhorn" epsilon="0.05"&gt;&lt;/tessella-lab&gt;</pre>
      <p>
        Attributes set parameters; what is out of range is clamped and said, what is not understood is refused and said.
        <code>theme="light"</code>, <code>"dark"</code> or <code>"auto"</code> sets the colours; without it the element
        follows the page. <code>hide="panel"</code> hides the parameters. Events: <code>tessella-status</code>,
        <code>tessella-result</code>, <code>tessella-change</code>.
      </p>
      <h2>Attributes of each lab</h2>
      ${this.manifests.map(
        ({ id, title, params, presets }) =>
          html`<h3>${title} (<code>lab="${id}"</code>)</h3>
            <div class="scroll">
              <table>
                <tr>
                  <th scope="row"><code>preset</code></th>
                  <td>${Object.keys(presets).join(', ')}</td>
                  <td></td>
                </tr>
                ${Object.entries(params).map(
                  ([name, declaration]) =>
                    html`<tr>
                      <th scope="row"><code>${attributeName(name)}</code></th>
                      <td>${valueWords(declaration)}</td>
                      <td>${[declaration.label, declaration.help].filter(Boolean).join(': ')}</td>
                    </tr>`,
                )}
              </table>
            </div>`,
      )}
      <h2>Numbers</h2>
      <p>
        Kernels compute in float32 on the GPU. Each has a float64 counterpart that says what it means, and tests hold
        the two together within what WGSL promises. Results come with a certificate where theory gives one, and with a
        residual everywhere else. A run that did not converge says so.
      </p>`;
  }
}

/** What a parameter takes, in words. */
function valueWords(declaration: ParameterDeclaration): string {
  switch (declaration.kind) {
    case 'real':
    case 'integer':
      return `${formatExact(declaration.min)} to ${formatExact(declaration.max)}${
        declaration.unit === undefined ? '' : ` ${declaration.unit}`
      }, ${formatExact(declaration.default)} unless set`;
    case 'choice':
      return `${Object.keys(declaration.options).join(', ')}; ${declaration.default} unless set`;
    case 'toggle':
      return `true or false; ${String(declaration.default)} unless set`;
    case 'text':
      return `a text of at most ${String(declaration.maxLength)} characters`;
    case 'seed':
      return `a whole number; ${String(declaration.default)} unless set`;
    case 'data':
      return Object.keys(declaration.samples).length === 0
        ? `a file that a person drops (${declaration.accepts})`
        : Object.keys(declaration.samples).join(', ');
    default:
      return declaration satisfies never;
  }
}

customElements.define('tessella-docs', DocsElement);
