/**
 * `<tessella-lab lab="sinkhorn" epsilon="0.05">`: one lab on any page. Its parameters are attributes, properties and, with
 * the `permalink` attribute, part of the page's address. All labs of a page share one engine; off screen they wait.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { EngineClient } from '../engine/client';
import type { LabManifest } from '../engine/protocol';
import type { FigureDeclaration, FigureDeclarations, Frames } from '../labs/frames';
import type { ParameterValues } from '../labs/parameters';
import { formatPermalink } from '../share/permalink';
import { base, controls, tokens } from '../share/theme';
import './embed-snippet';
import { receive } from './events';
import { FigureGrid } from './figure-grid';
import { LabDrop } from './lab-drop';
import { defineProperties, startWishes, applyAttributes } from './lab-properties';
import { LabSession, type LabEngine } from './lab-session';
import { errorPanel, noteLines } from './lab-notes';
import { labStyles } from './lab-styles';
import { PageAddress } from './page-address';
import './parameter-panel';
import './run-bar';
import { announcement, runWords, type LabState } from './run-words';
import './status-line';
import { WhileSeen } from './while-seen';

/** How long an element may be out of the document before its run ends: moving it is taking it out and putting it back. */
const moveGraceMs = 60;

/**
 * Attributes: `lab`, `preset`, `theme` (auto, light, dark), `hide` (any of `panel`, `run-bar`, `notes`, `share`),
 * `autostart="false"`, `permalink`, and each parameter in kebab-case.
 * Events: `tessella-status` ({ state, text }), `tessella-result` ({ status, values }), `tessella-change` ({ values, preset }).
 * Slots: `header` over the run bar, `footer` under the figures. Parts: `run-bar`, `notes`, `panel`, `figures`, `figure`, `error`.
 */
export class TessellaLabElement extends LitElement {
  static override properties = {
    lab: { type: String, reflect: true },
    preset: { type: String },
    hide: { type: String },
    autostart: { type: String },
    permalink: { type: Boolean },
    engine: { attribute: false },
  };
  declare lab: string;
  declare preset: string | null;
  /** Parts that are not shown, separated by blanks or commas. */
  declare hide: string;
  /** `false` waits for a person to press Run. */
  declare autostart: string | null;
  /** True if start values come from the page's address, which then follows them. One element of a page at most. */
  declare permalink: boolean;
  /** The engine; the page's shared one unless set before the element is connected. */
  declare engine: LabEngine | null;

  static override styles = [tokens, base, controls, labStyles];

  #session: LabSession | null = null;
  #wanted: Record<string, unknown> = {};
  #grace: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[] = [];
  #told: LabState | null = null;
  #waitsToStart = false;
  readonly #figures = new FigureGrid(this);
  readonly #address = new PageAddress(this, (hash) => {
    const session = this.#session;
    if (session?.manifest && hash !== formatPermalink(session.manifest, session)) this.#open();
  });
  readonly #seen = new WhileSeen(this, (seen) => {
    this.#session?.suspend(!seen);
    this.#startIfDue();
  });
  readonly #dropping = new LabDrop(
    this,
    () => this.#session?.manifest?.params ?? {},
    (name, file) => {
      this.#session?.set({ [name]: { kind: 'file', file, name: file.name } });
    },
    (name, message) => {
      if (this.#session !== null) this.#session.problems = { ...this.#session.problems, [name]: message };
      this.requestUpdate();
    },
  );
  readonly #attributesObserver = new MutationObserver((records) => {
    if (this.#session !== null)
      applyAttributes(this, this.#session, new Set(records.map((record) => record.attributeName)));
  });

  constructor() {
    super();
    this.lab = '';
    this.preset = null;
    this.hide = '';
    this.autostart = null;
    this.permalink = false;
    this.engine = null;
  }

  /** How the run stands. */
  get state(): LabState {
    return this.#session?.state ?? 'loading';
  }

  /** The values of all parameters. Setting it sets those that are named, and says in a note what cannot be used. */
  get values(): ParameterValues {
    return this.#session?.values ?? {};
  }
  set values(values: Readonly<Record<string, unknown>>) {
    if (!this.#session?.manifest) this.#wanted = { ...this.#wanted, ...values };
    else this.#session.setRaw(values);
  }

  /** What the engine says about the lab, or null before it has answered. */
  get manifest(): LabManifest | null {
    return this.#session?.manifest ?? null;
  }

  /** The preset chosen, or null. */
  get chosenPreset(): string | null {
    return this.#session?.preset ?? null;
  }

  /** Starts a run, or goes on with a paused one. */
  run(): void {
    this.#session?.run();
  }
  pause(): void {
    this.#session?.pause();
  }
  step(): void {
    this.#session?.step();
  }
  /** Back to before the first step; the parameters stay. */
  reset(): void {
    this.#figures.reset();
    this.#session?.reset();
  }
  cancel(): void {
    this.#session?.cancel();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    clearTimeout(this.#grace);
    this.#stops = [
      receive(this, 'parameter-change', ({ name, value }) => this.#session?.set({ [name]: value })),
      receive(this, 'preset-choose', ({ preset }) => this.#session?.choosePreset(preset)),
      receive(this, 'reset-all', () => this.#session?.choosePreset(this.#session.preset)),
      receive(this, 'run-action', ({ action }) => {
        this[action]();
      }),
    ];
    this.addEventListener('figure-pick', this.#picked);
    this.#attributesObserver.observe(this, { attributes: true });
    if (this.#session === null && this.hasUpdated) this.#open();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stops) stop();
    this.removeEventListener('figure-pick', this.#picked);
    this.#attributesObserver.disconnect();
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => {
      this.#session?.dispose();
      this.#session = null;
      this.#told = null;
    }, moveGraceMs);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (this.isConnected && (changed.has('lab') || changed.has('engine'))) this.#open();
  }

  #open(): void {
    const before = this.#session?.manifest?.id === this.lab ? this.#session : null;
    this.#session?.dispose();
    if (before === null) this.#figures.forget();
    this.#waitsToStart = false;
    this.#told = null;
    if (this.lab === '') {
      this.#session = null;
      return;
    }
    const session = new LabSession(this.engine ?? EngineClient.shared(), {
      changed: () => {
        this.#sessionChanged(session);
      },
      draw: (frames: Frames<FigureDeclarations>, fresh) => this.#figures.draw(frames, fresh),
      result: () => {
        this.#figures.settle();
        this.#tell('tessella-result', { status: session.status, values: session.values });
      },
      soon: (callback) => {
        requestAnimationFrame(callback);
      },
    });
    // The same lab with other values: what is on show stays until there is more.
    if (before !== null) session.follow(before);
    this.#session = session;
    session.suspend(!this.#seen.seen);
    void this.#load(session);
  }

  async #load(session: LabSession): Promise<void> {
    const defined = this.#figures.define().catch((error: unknown) => ({ error }));
    const known = await session.load(this.lab, (manifest) => {
      const wanted = this.#wanted;
      this.#wanted = {};
      return startWishes(this, manifest, wanted, this.#address.read());
    });
    const missing = await defined;
    if (!known || this.#session !== session) return;
    if (missing !== undefined) {
      session.refuse(missing.error);
      return;
    }
    if (session.manifest !== null) {
      defineProperties(
        this,
        session.manifest,
        (name) => this.#session?.values[name],
        (name, value) => {
          this.values = { [name]: value };
        },
      );
    }
    this.requestUpdate();
    // Frames need figures to go to.
    await this.updateComplete;
    if (this.#session !== session || this.autostart === 'false') return;
    this.#waitsToStart = true;
    this.#startIfDue();
  }

  #startIfDue(): void {
    if (!this.#waitsToStart || !this.#seen.seen || this.#session === null) return;
    this.#waitsToStart = false;
    this.#session.suspend(false);
    this.#session.run();
  }

  readonly #retry = (): void => {
    if (this.#session?.manifest) this.#session.run();
    else this.#open();
    this.requestUpdate();
  };

  readonly #picked = (event: Event): void => {
    if (!(event instanceof CustomEvent) || this.#session === null) return;
    event.stopPropagation();
    this.#session.setRaw(pickedValues(event.detail));
  };

  #lastValues: ParameterValues | null = null;

  #sessionChanged(session: LabSession): void {
    if (this.#session !== session) return;
    this.requestUpdate();
    if (session.state !== this.#told) {
      this.#told = session.state;
      const { facts, outcome } = runWords(session);
      this.#tell('tessella-status', {
        state: session.state,
        text: [facts, outcome].filter((text) => text !== '').join(' · '),
      });
    }
    if (session.touched && session.values !== this.#lastValues) {
      this.#lastValues = session.values;
      this.#tell('tessella-change', { values: session.values, preset: session.preset });
      if (session.manifest !== null) this.#address.write(session.manifest, session);
    }
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  override render(): TemplateResult {
    const session = this.#session;
    const hidden = new Set(this.hide.split(/[\s,]+/));
    const manifest = session?.manifest ?? null;
    const panel = !hidden.has('panel') && manifest !== null;
    // There is no lab to show: its error is all there is.
    const lost = manifest === null && session?.state !== 'loading';
    return html`
      <div class="lab" ?data-panel=${!hidden.has('panel') && !lost}>
        <div class="header"><slot name="header"></slot></div>
        ${
          session === null || lost || hidden.has('run-bar')
            ? nothing
            : html`<tessella-run-bar
                class="run"
                part="run-bar"
                exportparts="run, step, reset, cancel, meter, words"
                .standing=${standingOf(session)}
              ></tessella-run-bar>`
        }
        <div class="notes" part="notes">
          ${session === null ? this.#noLab() : errorPanel(session, this.#retry)}
          ${session === null || hidden.has('notes') ? nothing : noteLines(session)}
        </div>
        ${panel ? this.#panel(manifest, hidden) : nothing}
        ${
          manifest === null
            ? lost
              ? nothing
              : html`<div class="waiting">opening the lab</div>`
            : html`<div class="figures" part="figures">
                ${repeat(
                  Object.entries(manifest.figures),
                  ([name]) => `${manifest.id} ${name}`,
                  ([name, declaration]) =>
                    html`<tessella-figure
                      part="figure"
                      data-name=${name}
                      data-span=${declaration.span}
                      .name=${name}
                      prefix=${manifest.id}
                      .declaration=${declaration}
                      .picked=${pickedPixel(declaration, session?.values ?? {})}
                    ></tessella-figure>`,
                )}
              </div>`
        }
        <div class="footer"><slot name="footer"></slot></div>
      </div>
      ${this.#dropping.render()}
      <tessella-status-line
        .text=${session === null ? '' : announcement(manifest?.title ?? this.lab, session)}
      ></tessella-status-line>
    `;
  }

  #panel(manifest: LabManifest, hidden: ReadonlySet<string>): TemplateResult | typeof nothing {
    const session = this.#session;
    if (session === null) return nothing;
    return html`<div class="panel" part="panel">
      <div>
        <tessella-parameter-panel
          exportparts="field, slider, entry, drop, reset-all"
          .manifest=${manifest}
          .values=${session.values}
          .initial=${session.initial}
          .preset=${session.preset}
          .problems=${session.problems}
        ></tessella-parameter-panel>
        ${
          hidden.has('share')
            ? nothing
            : html`<tessella-embed-snippet
                class="share"
                .manifest=${manifest}
                .values=${session.values}
                .preset=${session.preset}
              ></tessella-embed-snippet>`
        }
      </div>
    </div>`;
  }

  #noLab(): TemplateResult {
    return html`<p class="warn">This element needs to know its lab: &lt;tessella-lab lab="…"&gt;.</p>`;
  }
}

/** A copy, so that the bar sees that something changed. */
function standingOf({
  state,
  status,
  progress,
  totalMs,
  error,
}: LabSession): Pick<LabSession, 'state' | 'status' | 'progress' | 'totalMs' | 'error'> {
  return { state, status, progress, totalMs, error };
}

/** The pixel that a picture marks, where it has a pair of parameters for one and they are set. */
function pickedPixel(declaration: FigureDeclaration, values: ParameterValues): { x: number; y: number } | null {
  if (declaration.kind !== 'image' || declaration.pick === undefined) return null;
  const { [declaration.pick.x]: x, [declaration.pick.y]: y } = values;
  return typeof x === 'number' && typeof y === 'number' && x >= 0 && y >= 0 ? { x, y } : null;
}

function pickedValues(detail: unknown): Readonly<Record<string, unknown>> {
  if (typeof detail !== 'object' || detail === null || !('values' in detail)) return {};
  return typeof detail.values === 'object' && detail.values !== null ? { ...detail.values } : {};
}

if (!customElements.get('tessella-lab')) customElements.define('tessella-lab', TessellaLabElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-lab': TessellaLabElement;
  }
}
