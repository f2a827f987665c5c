/** Events that the elements inside `<tessella-lab>` send up to it. They stop there; pages see `tessella-*` events. */
import type { ParameterValue } from '../labs/parameters';

/** A person set one parameter. */
export interface ParameterChange {
  readonly name: string;
  readonly value: ParameterValue;
}

/** What the run bar's buttons ask for. */
export type RunAction = 'run' | 'pause' | 'step' | 'reset' | 'cancel';

interface InnerEvents {
  'parameter-change': ParameterChange;
  'preset-choose': { readonly preset: string };
  'reset-all': null;
  'run-action': { readonly action: RunAction };
}

/** Sends an event that crosses shadow roots on its way up. */
export function send<Type extends keyof InnerEvents>(from: EventTarget, type: Type, detail: InnerEvents[Type]): void {
  from.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
}

/** Listens to such an event; it goes no further. Returns how to stop. */
export function receive<Type extends keyof InnerEvents>(
  at: EventTarget,
  type: Type,
  listener: (detail: InnerEvents[Type]) => void,
): () => void {
  const handle = (event: Event): void => {
    event.stopPropagation();
    listener((event as CustomEvent<InnerEvents[Type]>).detail);
  };
  at.addEventListener(type, handle);
  return () => {
    at.removeEventListener(type, handle);
  };
}
