/** Drag and drop over a whole lab: shows a target for each parameter that takes a file, for as long as one is dragged. */
import { html, nothing, type ReactiveController, type ReactiveControllerHost, type TemplateResult } from 'lit';
import type { DataParameter, ParameterDeclarations } from '../labs/parameters';
import { refuseFile } from './data-drop';

/** `dragover` comes every 50 ms or so while something is over the page; this long without one, and it left. */
const leftAfterMs = 300;

/** A parameter that takes a file. */
type Target = readonly [name: string, declaration: DataParameter];

/** Sets parameters through `choose`; says why a file was refused through `refuse`. */
export class LabDrop implements ReactiveController {
  private dragging = false;
  private over: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly declarations: () => ParameterDeclarations,
    private readonly choose: (name: string, file: File) => void,
    private readonly refuse: (name: string, message: string) => void,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    this.host.addEventListener('dragover', this.dragOver);
    this.host.addEventListener('drop', this.drop);
  }

  hostDisconnected(): void {
    this.host.removeEventListener('dragover', this.dragOver);
    this.host.removeEventListener('drop', this.drop);
    this.leave();
  }

  /** The targets over the lab, or nothing while nothing is dragged. */
  render(): TemplateResult | typeof nothing {
    if (!this.dragging) return nothing;
    return html`<div class="drop" part="drop-overlay">
      ${this.targets.map(
        ([name, declaration]) =>
          html`<div data-target=${name} ?data-over=${this.over === name}>${declaration.label}</div>`,
      )}
    </div>`;
  }

  private get targets(): readonly Target[] {
    return Object.entries(this.declarations()).filter(
      (entry): entry is [string, DataParameter] => entry[1].kind === 'data' && entry[1].hidden !== true,
    );
  }

  private readonly dragOver = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files') !== true || this.targets.length === 0) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.leave();
    }, leftAfterMs);
    const over = targetOf(event);
    if (this.dragging && over === this.over) return;
    this.dragging = true;
    this.over = over;
    this.host.requestUpdate();
  };

  private readonly drop = (event: DragEvent): void => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    this.leave();
    const { targets } = this;
    // Several files go to the parameters that follow the one under the pointer.
    const first = Math.max(
      0,
      targets.findIndex(([name]) => name === targetOf(event)),
    );
    files.forEach((file, index) => {
      const target = targets[(first + index) % Math.max(1, targets.length)];
      if (target === undefined || index >= targets.length) return;
      const [name, declaration] = target;
      const refusal = refuseFile(file, declaration.accepts);
      if (refusal === null) this.choose(name, file);
      else this.refuse(name, refusal);
    });
  };

  private leave(): void {
    clearTimeout(this.timer);
    if (!this.dragging) return;
    this.dragging = false;
    this.over = null;
    this.host.requestUpdate();
  }
}

function targetOf(event: Event): string | null {
  for (const node of event.composedPath()) {
    if (node instanceof HTMLElement && node.dataset.target !== undefined) return node.dataset.target;
  }
  return null;
}
