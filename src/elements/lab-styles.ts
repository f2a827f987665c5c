/** The layout of `<tessella-lab>`: result first and largest, the panel at its side; on a narrow page it comes under the run bar. */
import { css } from 'lit';

export const labStyles = css`
  :host {
    display: block;
    container: lab / inline-size;
    position: relative;
    /* The page's own family at a size that the layout is made for; a page may set another on the element. */
    font-size: 15px;
    line-height: 1.45;
    text-align: start;
  }
  .lab {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    grid-template-areas: 'header' 'run' 'notes' 'panel' 'figures' 'footer';
  }
  .header {
    grid-area: header;
    min-width: 0;
  }
  .run {
    grid-area: run;
    margin: 4px 0 8px;
  }
  .notes {
    grid-area: notes;
    min-height: 20px;
    margin: 0 0 10px;
    font-size: 13px;
    min-width: 0;
  }
  .notes p {
    margin: 0;
    line-height: 20px;
  }
  .notes p + p {
    margin-top: 2px;
  }
  .panel {
    grid-area: panel;
    min-width: 0;
    padding: 14px 0 22px;
  }
  .figures {
    grid-area: figures;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 14px;
    align-content: start;
    min-width: 0;
  }
  .footer {
    grid-area: footer;
    min-width: 0;
  }
  tessella-figure {
    min-width: 0;
  }
  @container lab (min-width: 560px) {
    .figures {
      grid-template-columns: repeat(6, minmax(0, 1fr));
    }
    .figures > * {
      grid-column: span 6;
    }
    .figures > [data-span='half'],
    .figures > [data-span='third'] {
      grid-column: span 3;
    }
  }
  @container lab (min-width: 860px) {
    .lab[data-panel] {
      grid-template-columns: minmax(0, 1fr) var(--tessella-panel-width, 280px);
      grid-template-areas: 'header panel' 'run panel' 'notes panel' 'figures panel' 'footer panel';
      grid-template-rows: auto auto auto auto 1fr;
      column-gap: 24px;
    }
    .lab:not([data-panel]) {
      grid-template-areas: 'header' 'run' 'notes' 'figures' 'footer';
    }
    .panel {
      padding: 0 0 22px 24px;
      border-left: 1px solid var(--tessella-rule);
    }
    .panel > div {
      position: sticky;
      top: var(--tessella-panel-top, 12px);
      max-height: calc(100vh - var(--tessella-panel-top, 12px) - 12px);
      overflow-y: auto;
      /* Room for focus rings, which overflow would cut. */
      padding: 4px 6px;
      margin: -4px -6px;
    }
  }
  @container lab (min-width: 760px) {
    .figures > [data-span='third'] {
      grid-column: span 2;
    }
  }
  .share {
    display: block;
    margin-top: 20px;
  }
  .error {
    margin: 0 0 14px;
    padding: 12px 16px;
    border: 1px solid var(--tessella-rule);
    border-left: 3px solid var(--tessella-warn);
    border-radius: var(--tessella-radius);
    background: var(--tessella-surface);
    font-size: 14px;
  }
  .error h3 {
    margin: 0 0 2px;
    font-size: 14px;
    font-weight: 650;
    color: var(--tessella-warn);
  }
  .error p {
    margin: 0 0 10px;
    max-width: 72ch;
    overflow-wrap: anywhere;
  }
  .error .row {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-items: center;
  }
  .waiting {
    grid-area: figures;
    min-height: 320px;
    display: grid;
    place-items: center;
    color: var(--tessella-quiet);
    font-size: 13px;
  }
  .drop {
    position: absolute;
    inset: 0;
    z-index: 5;
    display: grid;
    grid-auto-flow: column;
    grid-auto-columns: 1fr;
    gap: 14px;
    padding: 14px;
    border-radius: var(--tessella-radius);
    background: color-mix(in srgb, var(--tessella-paper) 82%, transparent);
  }
  .drop > div {
    display: grid;
    place-items: start center;
    padding-top: min(160px, 30%);
    border: 2px dashed var(--tessella-edge);
    border-radius: var(--tessella-radius);
    font-weight: 600;
    text-align: center;
  }
  .drop > [data-over] {
    border-color: var(--tessella-accent);
    background: var(--tessella-accent-soft);
    color: var(--tessella-accent);
  }
`;
