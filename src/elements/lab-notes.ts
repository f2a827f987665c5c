/** What stands between the run bar and the figures: an error with its remedy, notes, and warnings in the warm colour. */
import { html, nothing, type TemplateResult } from 'lit';
import { errorHeading } from './error-words';
import type { LabSession } from './lab-session';

/** What was clamped, refused or chosen, then what to mind about the result. */
export function noteLines(session: LabSession): TemplateResult {
  const warning = session.status?.warning;
  const notes = [...new Set([...session.notes, ...session.runNotes])];
  return html`${notes.map((note) => html`<p class="quiet">${note}</p>`)}
  ${warning === undefined ? nothing : html`<p class="warn" role="note">${warning}</p>`}`;
}

/** The error that ended the run, and a way to try again. */
export function errorPanel(session: LabSession, retry: () => void): TemplateResult | typeof nothing {
  const { error } = session;
  if (error === null || session.state !== 'failed') return nothing;
  return html`<div class="error" part="error" role="alert">
    <h3>${errorHeading(error)}</h3>
    <p>${error.message}</p>
    <button type="button" part="retry" @click=${retry}>Retry</button>
  </div>`;
}
