/** `<tessella-image>`: pictures side by side at their full size, a before/after slider for a pair, a marker that picks a pixel. */
import { html, nothing, type CSSResult, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { ImageFrame } from '../labs/frames';
import { formatShape } from '../share/format';
import { writeCsv } from './csv';
import { FigureElement, memoryCanvas, type PictureChoice, register } from './figure';
import { imageStyles } from './image-styles';
import { canvasPng } from './png';

/** Pixels written to a canvas at once: a few milliseconds of work. */
const BAND_PIXELS = 1 << 20;
/** The longest side of a picture in CSV; larger ones are sampled. */
const CSV_SIDE = 1024;

/** A pixel of a picture, counted from the top left. */
export interface Pixel {
  readonly x: number;
  readonly y: number;
}

/** What `figure-pick` carries. */
export interface PickDetail extends Pixel {
  readonly slot: string;
  /** The declared parameters by name, set to the pixel's column and row. */
  readonly values: Readonly<Record<string, number>>;
}

/** What is known of a slot's picture; its pixels are on the canvas. */
type Picture = Omit<ImageFrame, 'pixels'>;

const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/**
 * Pictures in the declared order; the `compare` pair shares one place.
 *
 * @fires figure-pick - A pixel was picked, by click or by arrow keys and Enter; `detail` is a `PickDetail`.
 */
export class TessellaImageElement extends FigureElement<'image'> {
  static override properties: PropertyDeclarations = {
    picked: { attribute: false },
    split: { state: true },
  };
  static override styles: CSSResult[] = [...FigureElement.styles, imageStyles];

  /** The marked pixel, or null for no marker. */
  declare picked: Pixel | null;
  /** Where the before/after line stands, in percent from the left. */
  declare private split: number;
  readonly #shown = new Map<string, Picture>();
  readonly #waiting = new Map<string, ImageFrame>();
  readonly #painting = new Map<string, Promise<void>>();

  constructor() {
    super();
    this.picked = null;
    this.split = 50;
  }

  override accept(frame: ImageFrame | readonly ImageFrame[]): void {
    for (const picture of 'slot' in frame ? [frame] : frame) {
      const { pixels: _, ...rest } = picture;
      this.#shown.set(picture.slot, rest);
      this.#waiting.set(picture.slot, picture);
    }
    this.accepted();
    this.requestUpdate();
  }

  override describe(): string {
    const { title, slots } = this.declaration;
    if (this.#shown.size === 0) return `${title}: ${this.waiting}.`;
    const pictures = Object.entries(slots).flatMap(([slot, caption]) => {
      const picture = this.#shown.get(slot);
      if (!picture) return [];
      return [
        `${caption}, ${formatShape([picture.width, picture.height])} pixels${picture.note ? `, ${picture.note}` : ''}`,
      ];
    });
    return `${title}: ${pictures.join('; ')}.`;
  }

  /** Colours of the pixels row by row; pictures with a side over 1,024 are sampled. */
  override toCsv(): string {
    const rows: string[][] = [['slot', 'row', 'colours of the pixels from left to right, sRGB']];
    for (const [slot, { width, height }] of this.#shown) {
      const canvas = this.#canvas(slot);
      const shrink = Math.min(1, CSV_SIDE / Math.max(width, height));
      const small = new OffscreenCanvas(
        Math.max(1, Math.round(width * shrink)),
        Math.max(1, Math.round(height * shrink)),
      );
      const context = small.getContext('2d', memoryCanvas);
      if (!canvas || !context) continue;
      context.imageSmoothingEnabled = false;
      context.drawImage(canvas, 0, 0, small.width, small.height);
      const { data } = context.getImageData(0, 0, small.width, small.height);
      for (let row = 0; row < small.height; row += 1) {
        const colors = Array.from({ length: small.width }, (_, column) => {
          const at = 4 * (row * small.width + column);
          const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
          return `#${((red << 16) | (green << 8) | blue).toString(16).padStart(6, '0')}`;
        });
        rows.push([slot, String(Math.floor((row + 0.5) / shrink)), ...colors]);
      }
    }
    return writeCsv(rows);
  }

  override pictures(): readonly PictureChoice[] {
    return Object.entries(this.declaration.slots)
      .filter(([slot]) => this.#shown.has(slot))
      .map(([id, caption]) => ({ id, label: `PNG: ${caption}` }));
  }

  /** One picture at its full size: the named slot, or else the result of the pair, or else the last. */
  override async toPng(slot?: string): Promise<Blob> {
    const wanted = slot ?? this.declaration.compare?.[1];
    const name = wanted !== undefined && this.#shown.has(wanted) ? wanted : [...this.#shown.keys()].at(-1);
    await this.updateComplete;
    this.draw();
    const canvas = name === undefined ? null : this.#canvas(name);
    if (name === undefined || !canvas) throw new Error('There is no picture to save yet; run the lab first.');
    await this.#painting.get(name);
    return canvasPng(canvas);
  }

  protected override clear(): void {
    this.#shown.clear();
    this.#waiting.clear();
  }

  protected override body(): TemplateResult {
    const { slots, compare, optional } = this.declaration;
    const pair = new Set<string>(compare ?? []);
    const names = Object.keys(slots).filter(
      (slot) => slot !== compare?.[0] && (this.#shown.has(slot) || optional?.includes(slot) !== true),
    );
    return html`<div class="plot" part="plot" style=${`--tiles: ${String(names.length)}`}>
      ${names.map((slot) => (pair.has(slot) && compare ? this.#pair(...compare) : this.#single(slot)))}
    </div>`;
  }

  /** Width over height; what is not there yet is taken for a photograph. */
  #aspect(slot: string): number {
    const canvas = this.#shown.get(slot) ?? this.#canvas(slot);
    return canvas &&
      canvas.width > 0 &&
      canvas.height > 0 &&
      !(canvas instanceof HTMLCanvasElement && !canvas.dataset.painted)
      ? canvas.width / canvas.height
      : 4 / 3;
  }

  #single(slot: string): TemplateResult {
    return this.#tile(slot, html`<canvas data-slot=${slot} part="canvas"></canvas>`, this.#caption(slot));
  }

  #pair(before: string, after: string): TemplateResult {
    const both = this.#shown.has(before) && this.#shown.has(after);
    const clip = both
      ? `clip-path: inset(0 0 0 ${String(this.split)}%)`
      : this.#shown.has(after)
        ? ''
        : 'visibility: hidden';
    return this.#tile(
      after,
      html`<canvas data-slot=${before} part="canvas"></canvas>
        <canvas class="over" data-slot=${after} part="canvas" style=${clip}></canvas>
        ${both ? this.#handle(before, after) : nothing}`,
      html`${this.#caption(before)} ${this.#caption(after)}`,
    );
  }

  #handle(before: string, after: string): TemplateResult {
    const { slots } = this.declaration;
    const share = Math.round(this.split);
    return html`<div
      class="handle"
      part="handle"
      role="slider"
      tabindex="0"
      aria-label=${`${slots[before] ?? before} or ${slots[after] ?? after}`}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share}
      aria-valuetext=${`${String(share)} % ${slots[before] ?? before}`}
      style=${`left: ${String(this.split)}%`}
      @pointerdown=${this.#onGrab}
      @pointermove=${this.#onDrag}
      @keydown=${this.#onSplitKey}
      @click=${(event: Event) => {
        event.stopPropagation();
      }}
    ></div>`;
  }

  #tile(slot: string, content: TemplateResult, captions: TemplateResult): TemplateResult {
    const aspect = this.#aspect(slot);
    const picture = this.#shown.get(slot);
    const picks = this.declaration.pick !== undefined && picture !== undefined;
    return html`<div
      class=${this.declaration.compare?.includes(slot) ? 'tile pair' : 'tile'}
      style=${`--aspect: ${String(aspect)}`}
    >
      <div class="frame">
        <div
          class=${picks ? 'picture picks' : 'picture'}
          part="picture"
          role=${picks ? 'group' : nothing}
          tabindex=${picks ? 0 : nothing}
          aria-label=${picks ? `${this.declaration.slots[slot] ?? slot}: arrow keys move the marker, Enter picks the pixel` : nothing}
          @click=${
            picks
              ? (event: PointerEvent) => {
                  this.#onClick(event, slot);
                }
              : nothing
          }
          @keydown=${
            picks
              ? (event: KeyboardEvent) => {
                  this.#onPickKey(event, slot);
                }
              : nothing
          }
        >
          ${content} ${picks && this.picked ? this.#marker(this.picked, picture) : nothing}
        </div>
      </div>
      <div class="captions">${captions}</div>
    </div>`;
  }

  #caption(slot: string): TemplateResult {
    const note = this.#shown.get(slot)?.note;
    return html`<span class="caption"
      >${this.declaration.slots[slot] ?? slot}${note ? html` <span class="note">${note}</span>` : nothing}</span
    >`;
  }

  #marker({ x, y }: Pixel, { width, height }: Picture): TemplateResult | typeof nothing {
    if (x >= width || y >= height) return nothing;
    const place = `left: ${String((100 * (x + 0.5)) / width)}%; top: ${String((100 * (y + 0.5)) / height)}%`;
    return html`<span class="marker" part="marker" style=${place}></span>`;
  }

  #canvas(slot: string): HTMLCanvasElement | null {
    return [...this.renderRoot.querySelectorAll('canvas')].find((canvas) => canvas.dataset.slot === slot) ?? null;
  }

  protected override draw(): void {
    for (const [slot, frame] of this.#waiting) {
      const canvas = this.#canvas(slot);
      if (!canvas) continue;
      this.#waiting.delete(slot);
      this.#painting.set(slot, this.#paint(canvas, frame));
    }
  }

  /** Writes a picture in bands, one per animation frame where it is large, until a newer picture takes its place. */
  async #paint(canvas: HTMLCanvasElement, { slot, width, height, pixels }: ImageFrame): Promise<void> {
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.dataset.painted = '';
    const context = canvas.getContext('2d', memoryCanvas);
    if (!context) return;
    const shown = this.#shown.get(slot);
    const image = new ImageData(pixels, width, height);
    const band = Math.max(1, Math.floor(BAND_PIXELS / width));
    for (let row = 0; row < height; row += band) {
      if (row > 0) await nextFrame();
      if (this.#shown.get(slot) !== shown) return;
      context.putImageData(image, 0, 0, 0, row, width, band);
    }
    // Small pictures are enlarged as squares: their pixels are what a person wants to see.
    canvas.classList.toggle('pixels', width * 2 <= canvas.clientWidth * devicePixelRatio);
  }

  #pick(slot: string, { x, y }: Pixel): void {
    const { pick } = this.declaration;
    if (!pick) return;
    this.picked = { x, y };
    const detail: PickDetail = { slot, x, y, values: { [pick.x]: x, [pick.y]: y } };
    this.dispatchEvent(new CustomEvent('figure-pick', { detail, bubbles: true, composed: true }));
  }

  #onClick(event: MouseEvent, slot: string): void {
    const picture = this.#shown.get(slot);
    if (!picture || !(event.currentTarget instanceof Element)) return;
    const box = event.currentTarget.getBoundingClientRect();
    const at = (share: number, extent: number) => Math.min(extent - 1, Math.max(0, Math.floor(share * extent)));
    this.#pick(slot, {
      x: at((event.clientX - box.left) / box.width, picture.width),
      y: at((event.clientY - box.top) / box.height, picture.height),
    });
  }

  #onPickKey(event: KeyboardEvent, slot: string): void {
    const picture = this.#shown.get(slot);
    if (!picture || event.target !== event.currentTarget) return;
    const from = this.picked ?? { x: picture.width >> 1, y: picture.height >> 1 };
    const stride = event.shiftKey ? Math.max(1, Math.round(picture.width / 20)) : 1;
    const moves: Readonly<Record<string, readonly [right: number, down: number]>> = {
      ArrowLeft: [-stride, 0],
      ArrowRight: [stride, 0],
      ArrowUp: [0, -stride],
      ArrowDown: [0, stride],
      Enter: [0, 0],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const x = Math.min(picture.width - 1, Math.max(0, from.x + move[0]));
    const y = Math.min(picture.height - 1, Math.max(0, from.y + move[1]));
    this.picked = { x, y };
    this.announce(`column ${String(x)}, row ${String(y)}`);
    if (event.key === 'Enter') this.#pick(slot, { x, y });
  }

  #onGrab(event: PointerEvent): void {
    if (event.currentTarget instanceof Element) event.currentTarget.setPointerCapture(event.pointerId);
  }

  #onDrag(event: PointerEvent): void {
    if (!(event.currentTarget instanceof Element) || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (box) this.split = Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width));
  }

  #onSplitKey(event: KeyboardEvent): void {
    const stride = event.shiftKey ? 10 : 2;
    const places: Readonly<Record<string, number>> = {
      ArrowLeft: this.split - stride,
      ArrowDown: this.split - stride,
      ArrowRight: this.split + stride,
      ArrowUp: this.split + stride,
      Home: 0,
      End: 100,
    };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.split = Math.min(100, Math.max(0, place));
  }
}

register('tessella-image', TessellaImageElement);

declare global {
  interface HTMLElementTagNameMap {
    'tessella-image': TessellaImageElement;
  }
}
