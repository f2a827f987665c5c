/** The layout of `<tessella-paint-pad>`: a sheet as large as fits, its axes, and the tools under it. */
import { css } from 'lit';

export const paintPadStyles = css`
  dialog {
    width: min(460px, calc(100vw - 24px));
    max-height: calc(100dvh - 24px);
    padding: 16px;
    border: 1px solid var(--tessella-rule);
    border-radius: calc(var(--tessella-radius) + 4px);
    background: var(--tessella-paper);
    color: var(--tessella-ink);
    font-size: 14px;
    line-height: 1.4;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 45%);
  }
  h2 {
    margin: 0 0 10px;
    font-size: 15px;
    font-weight: 650;
  }
  h2 .quiet {
    margin-left: 6px;
    font-size: 13px;
    font-weight: 400;
  }
  .sheet {
    display: grid;
    grid-template: 'up canvas' auto '. across' auto / auto minmax(0, 1fr);
    gap: 3px 5px;
    max-width: calc(100dvh - 300px);
    min-width: min(240px, 100%);
    margin: 0 auto;
    font-size: 12px;
    color: var(--tessella-quiet);
  }
  .axis {
    display: flex;
    justify-content: space-between;
  }
  .up {
    grid-area: up;
    flex-direction: column-reverse;
    text-align: right;
  }
  .across {
    grid-area: across;
  }
  canvas {
    grid-area: canvas;
    display: block;
    width: 100%;
    border: 1px solid var(--tessella-edge);
    border-radius: calc(var(--tessella-radius) - 2px);
    background: var(--tessella-surface);
    /* Read back by what paints: points, and the lines through zero. */
    color: var(--tessella-accent);
    text-decoration-color: var(--tessella-rule);
    caret-color: var(--tessella-ink);
    cursor: crosshair;
    touch-action: none;
  }
  .tools {
    display: flex;
    align-items: center;
    gap: 8px 12px;
    margin-top: 10px;
  }
  .tools label:first-child {
    flex: 1;
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .segments {
    margin-top: 10px;
  }
  .segments > label {
    cursor: pointer;
    position: relative;
  }
  .segments > :has(:focus-visible) {
    outline: 2px solid var(--tessella-accent);
    outline-offset: 2px;
  }
  .swatch {
    display: inline-block;
    width: 9px;
    height: 9px;
    margin-right: 6px;
    border-radius: 50%;
  }
  .end {
    display: flex;
    align-items: center;
    gap: 8px;
    margin-top: 14px;
  }
  .end > [role='status'] {
    flex: 1;
    color: var(--tessella-quiet);
  }
  small {
    display: block;
    margin-top: 8px;
    font-size: 12px;
    color: var(--tessella-quiet);
  }
`;
