/** `<tessella-app>`: the page's header, and the view that its address names. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { EngineClient } from '../engine/client';
import type { LabSummary } from '../engine/protocol';
import { readPermalink } from '../share/permalink';
import { labAddress, parseRoute, type Route } from '../share/routes';
import { base, controls, tokens } from '../share/theme';
import './adapter-badge';
import './lab-page';

/** The views that are loaded when they are first opened. */
const loaders = {
  gallery: () => import('./gallery-page'),
  reproductions: () => import('./reproductions-page'),
  kernels: () => import('./kernels-page'),
  docs: () => import('./docs-page'),
} as const satisfies Record<Exclude<Route['view'], 'lab'>, () => Promise<unknown>>;

const navigation = [
  { view: 'gallery', address: '#/labs', label: 'Labs' },
  { view: 'reproductions', address: '#/reproductions', label: 'Reproductions' },
  { view: 'kernels', address: '#/kernels', label: 'Kernels' },
  { view: 'docs', address: '#/docs', label: 'Docs' },
] as const;

/** The page. */
export class AppShellElement extends LitElement {
  static override properties = {
    route: { state: true },
    catalogue: { state: true },
    problem: { state: true },
  };
  declare private route: Route;
  declare private catalogue: readonly LabSummary[];
  declare private problem: string;

  static override styles = [
    tokens,
    base,
    controls,
    css`
      :host {
        display: block;
        min-height: 100vh;
        background: var(--tessella-paper);
        font: 15px/1.45 var(--tessella-font);
      }
      header {
        display: flex;
        align-items: center;
        gap: 24px;
        height: 52px;
        padding: 0 24px;
        border-bottom: 1px solid var(--tessella-rule);
      }
      .mark {
        display: flex;
        gap: 9px;
        align-items: center;
        color: inherit;
        font-weight: 650;
        letter-spacing: -0.01em;
      }
      .mark:hover {
        text-decoration: none;
      }
      .mark svg {
        width: 20px;
        height: 20px;
      }
      nav {
        display: flex;
        gap: 18px;
      }
      nav a {
        color: var(--tessella-quiet);
      }
      nav a[aria-current] {
        color: var(--tessella-ink);
      }
      tessella-adapter-badge {
        margin-left: auto;
        min-width: 0;
      }
      .skip:not(:focus) {
        position: absolute;
        left: -9999px;
      }
      .skip:focus {
        position: absolute;
        left: 8px;
        top: 8px;
        padding: 6px 12px;
        background: var(--tessella-surface);
      }
      .problem {
        margin: 24px;
      }
      @media (max-width: 720px) {
        header {
          height: auto;
          min-height: 52px;
          padding: 8px 16px;
          gap: 4px 16px;
          flex-wrap: wrap;
        }
        nav {
          order: 3;
          flex-basis: 100%;
          gap: 16px;
          font-size: 14px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.route = parseRoute(location.hash);
    // The lab that opens by itself has an address too, which then follows its parameters.
    if (this.route.view === 'lab' && readPermalink(location.hash) === null) {
      history.replaceState(history.state, '', labAddress(this.route.lab));
    }
    this.catalogue = [];
    this.problem = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.#follow);
    void this.#load(this.route);
    EngineClient.shared()
      .catalogue()
      .then(
        (catalogue) => (this.catalogue = catalogue),
        (cause: unknown) => (this.problem = cause instanceof Error ? cause.message : String(cause)),
      );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#follow);
  }

  readonly #follow = (): void => {
    const route = parseRoute(location.hash);
    // A permalink that only changes its parameters belongs to the lab on show.
    const isSameLab = route.view === 'lab' && this.route.view === 'lab' && route.lab === this.route.lab;
    if (!isSameLab) scrollTo(0, 0);
    this.route = route;
    void this.#load(route);
  };

  async #load(route: Route): Promise<void> {
    if (route.view === 'lab') return;
    await loaders[route.view]();
    this.requestUpdate();
  }

  protected override updated(): void {
    const names = { gallery: 'Labs', reproductions: 'Reproductions', kernels: 'Kernels', docs: 'Docs' } as const;
    const { route } = this;
    const name =
      route.view === 'lab'
        ? (this.catalogue.find(({ id }) => id === route.lab)?.title ?? route.lab)
        : names[route.view];
    document.title = `${name} · Tessella`;
  }

  protected override render(): TemplateResult {
    return html`<a class="skip" href="#main" @click=${this.#skip}>Skip to the content</a>
      <header>
        <a class="mark" href="#/" aria-label="Tessella: the first lab"
          ><svg viewBox="0 0 20 20" aria-hidden="true">
            <g fill="currentColor">
              <rect x="1" y="1" width="8" height="8" rx="1.5" />
              <rect x="11" y="1" width="8" height="8" rx="1.5" opacity=".35" />
              <rect x="1" y="11" width="8" height="8" rx="1.5" opacity=".35" />
              <rect x="11" y="11" width="8" height="8" rx="1.5" fill="var(--tessella-accent)" />
            </g></svg
          >Tessella</a
        >
        <nav aria-label="Views">
          ${navigation.map(({ view, address, label }) => {
            const isHere = this.route.view === view || (view === 'gallery' && this.route.view === 'lab');
            return html`<a href=${address} aria-current=${isHere ? 'page' : nothing}>${label}</a>`;
          })}
        </nav>
        <tessella-adapter-badge></tessella-adapter-badge>
      </header>
      <div id="main" tabindex="-1">
        ${this.problem === '' ? nothing : html`<p class="problem warn" role="alert">${this.problem}</p>`}${this.#view()}
      </div>`;
  }

  #view(): TemplateResult {
    const { catalogue, route } = this;
    switch (route.view) {
      case 'lab':
        return html`<tessella-lab-page .lab=${route.lab} .catalogue=${catalogue}></tessella-lab-page>`;
      case 'gallery':
        return html`<tessella-gallery .catalogue=${catalogue}></tessella-gallery>`;
      case 'reproductions':
        return html`<tessella-reproductions .catalogue=${catalogue}></tessella-reproductions>`;
      case 'kernels':
        return html`<tessella-kernels-page .catalogue=${catalogue}></tessella-kernels-page>`;
      case 'docs':
        return html`<tessella-docs .catalogue=${catalogue}></tessella-docs>`;
      default:
        return route satisfies never;
    }
  }

  #skip(event: Event): void {
    event.preventDefault();
    this.renderRoot.querySelector<HTMLElement>('#main')?.focus();
  }
}

customElements.define('tessella-app', AppShellElement);
