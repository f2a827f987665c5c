/** `<tessella-lab-thumbnail>`: a real picture of a lab, made by running it once on this machine and kept by the browser. */
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { EngineClient, type RunHandle } from '../engine/client';
import type { FigureDeclarations, Frames } from '../labs/frames';
import '../figures/tessella-figure';
import type { TessellaFigureElement } from '../figures/tessella-figure';
import { base } from '../share/theme';

const cacheName = 'tessella-thumbnails-1';

/** Pictures are made one after the other: the GPU is one. */
let queue: Promise<void> = Promise.resolve();

/** Runs its lab at the lab's thumbnail preset when it first comes into view. */
export class LabThumbnailElement extends LitElement {
  static override properties = { lab: { attribute: false }, picture: { state: true }, words: { state: true } };
  declare lab: string;
  declare private picture: string;
  declare private words: string;
  #run: RunHandle | undefined;
  #isStarted = false;
  readonly #visibility = new IntersectionObserver((entries) => {
    if (entries.some(({ isIntersecting }) => isIntersecting)) this.#start();
  });

  static override styles = [
    base,
    css`
      :host {
        display: block;
        position: relative;
        aspect-ratio: 16 / 9;
        overflow: hidden;
        border-bottom: 1px solid var(--tessella-rule);
        background: var(--tessella-paper);
        contain: strict;
      }
      img {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      .stage {
        position: absolute;
        left: -1000px;
        top: 0;
        width: 480px;
      }
      p {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        margin: 0;
        font-size: 13px;
        color: var(--tessella-quiet);
      }
    `,
  ];

  constructor() {
    super();
    this.lab = '';
    this.picture = '';
    this.words = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#visibility.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#visibility.disconnect();
    this.#run?.cancel();
    if (this.picture !== '') URL.revokeObjectURL(this.picture);
    this.picture = '';
    this.#isStarted = false;
  }

  protected override render(): TemplateResult {
    return html`${
      this.picture === ''
        ? html`<p>${this.words}</p>`
        : html`<img src=${this.picture} alt="A result of this lab, made on this machine" />`
    }
    ${this.picture === '' ? html`<div class="stage"><tessella-figure></tessella-figure></div>` : nothing}`;
  }

  #start(): void {
    if (this.#isStarted || this.lab === '') return;
    this.#isStarted = true;
    void this.#show();
  }

  async #show(): Promise<void> {
    const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    const key = `./thumbnails/${encodeURIComponent(this.lab)}?theme=${theme}`;
    const kept = await readPicture(key);
    if (kept !== undefined) {
      this.picture = URL.createObjectURL(kept);
      return;
    }
    this.words = 'waits for its turn';
    queue = queue.then(async () => {
      if (this.#isGone()) return;
      this.words = 'running';
      try {
        const picture = await this.#make();
        if (picture === undefined) return;
        await keepPicture(key, picture);
        if (!this.#isGone()) this.picture = URL.createObjectURL(picture);
      } catch (cause) {
        this.words = cause instanceof Error ? cause.message : String(cause);
      }
    });
  }

  /** Elements come and go while a picture is made. */
  #isGone(): boolean {
    return !this.isConnected;
  }

  /** Runs the lab and paints its figure. Undefined if the element went away meanwhile. */
  async #make(): Promise<Blob | undefined> {
    const client = EngineClient.shared();
    const manifest = await client.describe(this.lab);
    const { preset, figure: name } = manifest.thumbnail;
    const declaration = manifest.figures[name];
    const figure = this.renderRoot.querySelector<TessellaFigureElement>('tessella-figure');
    if (declaration === undefined || figure === null) return undefined;
    figure.name = name;
    figure.declaration = declaration;
    await figure.updateComplete;
    this.#run = client.run(
      { lab: this.lab, values: manifest.presets[preset]?.params ?? {}, interactive: false },
      {
        onFrames: (frames: Frames<FigureDeclarations>) => {
          const frame = frames[name];
          if (frame !== undefined) figure.accept(frame);
        },
      },
    );
    const outcome = await this.#run.ended;
    if (outcome.type === 'failed') throw outcome.error;
    if (outcome.type === 'cancelled' || this.#isGone()) return undefined;
    return figure.toPng();
  }
}

/** The Cache API keeps pictures across visits; where the browser refuses it, they are made again. */
async function readPicture(key: string): Promise<Blob | undefined> {
  try {
    const response = await (await caches.open(cacheName)).match(key);
    return await response?.blob();
  } catch {
    return undefined;
  }
}

async function keepPicture(key: string, picture: Blob): Promise<void> {
  try {
    await (await caches.open(cacheName)).put(key, new Response(picture));
  } catch {
    // Storage refused: the picture lives as long as the page does.
  }
}

customElements.define('tessella-lab-thumbnail', LabThumbnailElement);
