/** Hands frames to a lab's figures, at the page's pace, and lets an old picture stand until the new run has one to put there. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { FigureDeclarations, Frames } from '../labs/frames';

/** What the grid needs of `<tessella-figure>`. */
interface FigureTarget extends Element {
  accept(frame: NonNullable<Frames<FigureDeclarations>[string]>): void;
  reset(): void;
}

/** A figure that the new run has not reached for so long shows that it is of the old one. */
const staleAfterMs = 400;
/** Frames taken between two paints before the run is asked to wait for the next one. */
const framesPerPaint = 4;

/** A controller of the element whose render root holds the figures, each with its name in `data-name`. */
export class FigureGrid implements ReactiveController {
  /** Figures that the run under way has drawn. */
  private readonly reached = new Set<string>();
  /** Figures that show something, of whichever run. */
  private readonly filled = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sincePaint = 0;
  private paint: Promise<void> | null = null;

  constructor(
    private readonly host: ReactiveControllerHost & { readonly renderRoot: ParentNode; readonly isConnected: boolean },
  ) {
    host.addController(this);
  }

  hostDisconnected(): void {
    clearTimeout(this.timer);
  }

  /** Loads the code of the figures; the first lab on a page waits for it. */
  async define(): Promise<void> {
    await import('../figures/tessella-figure');
  }

  /** Draws frames; `fresh` where they are the first of a run. What it returns settles when more can be taken. */
  draw(frames: Frames<FigureDeclarations>, fresh: boolean): Promise<void> | undefined {
    if (!this.host.isConnected) return undefined;
    if (fresh) {
      this.reached.clear();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.settle();
      }, staleAfterMs);
    }
    for (const [name, figure] of this.byName()) {
      const frame = frames[name];
      if (frame === undefined) continue;
      if (!this.reached.has(name) && this.filled.has(name)) figure.reset();
      this.reached.add(name);
      this.filled.add(name);
      figure.accept(frame);
    }
    this.sincePaint += 1;
    return this.sincePaint < framesPerPaint ? undefined : this.nextPaint();
  }

  /** Empties the figures that the run has not reached. */
  settle(): void {
    clearTimeout(this.timer);
    for (const [name, figure] of this.byName()) {
      if (!this.reached.has(name) && this.filled.delete(name)) figure.reset();
    }
  }

  /** Forgets the figures of another lab. */
  forget(): void {
    clearTimeout(this.timer);
    this.reached.clear();
    this.filled.clear();
  }

  /** Empties all figures. */
  reset(): void {
    this.reached.clear();
    this.settle();
  }

  private byName(): (readonly [string, FigureTarget])[] {
    const figures = [
      ...this.host.renderRoot.querySelectorAll<FigureTarget & HTMLElement>('tessella-figure[data-name]'),
    ];
    return figures.map((figure) => [figure.dataset.name ?? '', figure] as const);
  }

  private nextPaint(): Promise<void> {
    this.paint ??= new Promise((resolve) => {
      requestAnimationFrame(() => {
        this.sincePaint = 0;
        this.paint = null;
        resolve();
      });
    });
    return this.paint;
  }
}
