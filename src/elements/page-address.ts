/** A controller that keeps the page's address and a lab's setting together, for the one lab of a page that asks for it. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { formatPermalink, readPermalink, type LabSchema, type PermalinkText, type Setting } from '../share/permalink';

/** Browsers refuse to have their address changed too often: Safari more than 100 times in 30 s. */
const writeDelayMs = 250;

/** What the address belongs to. */
interface Addressed {
  readonly lab: string;
  /** False where the element does not have the address; then nothing is read or written. */
  readonly permalink: boolean;
}

/** Calls `changed` when a person follows another link to the same lab. */
export class PageAddress implements ReactiveController {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly host: ReactiveControllerHost & Addressed,
    private readonly changed: (hash: string) => void,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    globalThis.addEventListener('hashchange', this.follow);
  }

  hostDisconnected(): void {
    globalThis.removeEventListener('hashchange', this.follow);
    clearTimeout(this.timer);
  }

  /** What the address says about this lab, or null. */
  read(): PermalinkText | null {
    if (!this.host.permalink) return null;
    const link = readPermalink(location.hash);
    return link?.lab === this.host.lab ? link : null;
  }

  /** Writes the setting into the address, soon. */
  write(schema: LabSchema, setting: Pick<Setting, 'preset' | 'values'>): void {
    if (!this.host.permalink) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // Only while the address still belongs to this lab: a person may have gone elsewhere meanwhile.
      const isHome = /^#?\/?$/.test(location.hash);
      if (!isHome && readPermalink(location.hash)?.lab !== this.host.lab) return;
      history.replaceState(history.state, '', formatPermalink(schema, setting));
    }, writeDelayMs);
  }

  private readonly follow = (): void => {
    if (this.read() !== null) this.changed(location.hash);
  };
}
