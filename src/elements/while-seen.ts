/** A controller that knows whether its element can be seen: near the screen, in a tab that is shown. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Calls back at every change, and once when it is first known. */
export class WhileSeen implements ReactiveController {
  /** False until the browser has said otherwise. */
  seen = false;
  private near = false;
  private observer: IntersectionObserver | null = null;

  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly changed: (seen: boolean) => void,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    this.observer = new IntersectionObserver(
      (entries) => {
        this.near = entries.at(-1)?.isIntersecting ?? this.near;
        this.look();
      },
      { rootMargin: '120px' },
    );
    this.observer.observe(this.host);
    document.addEventListener('visibilitychange', this.look);
  }

  hostDisconnected(): void {
    this.observer?.disconnect();
    this.observer = null;
    this.near = false;
    document.removeEventListener('visibilitychange', this.look);
    this.look();
  }

  private readonly look = (): void => {
    const seen = this.near && document.visibilityState === 'visible';
    if (seen === this.seen) return;
    this.seen = seen;
    this.changed(seen);
  };
}
