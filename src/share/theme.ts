/**
 * The look as Lit styles: design tokens, and how plain controls look. A root element (`<tessella-app>`, `<tessella-lab>`)
 * lists `tokens` in its styles; everything inside inherits them, and a page may override any of them on that element.
 */
import { css } from 'lit';

/**
 * Custom properties named `--tessella-*`. Colours are `light-dark()` pairs and follow `color-scheme`: the embedding
 * page's own without a `theme` attribute, the system's with `theme="auto"`, and fixed with `light` or `dark`.
 */
export const tokens = css`
  :root,
  :host {
    --tessella-paper: light-dark(#fbfbf8, #131517);
    --tessella-surface: light-dark(#ffffff, #1a1d20);
    --tessella-ink: light-dark(#1b1d21, #e9e9e4);
    --tessella-quiet: light-dark(#666b73, #9aa0a8);
    --tessella-rule: light-dark(#e4e4de, #2b2f34);
    --tessella-edge: light-dark(#8a8f96, #6b727a);
    --tessella-accent: light-dark(#0a6b62, #57c7b8);
    --tessella-accent-soft: light-dark(#e3f1ee, #16302d);
    --tessella-warn: light-dark(#a8521a, #e59a5f);
    --tessella-s1: light-dark(#0a6b62, #57c7b8);
    --tessella-s2: light-dark(#c0562b, #f0956a);
    --tessella-s3: light-dark(#4b5fa8, #94a5ec);
    --tessella-radius: 6px;
    --tessella-step: 8px;
    --tessella-font: system-ui, -apple-system, 'Segoe UI', sans-serif;
    --tessella-mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  }
  :root[theme='light'],
  :host([theme='light']) {
    color-scheme: light;
  }
  :root[theme='dark'],
  :host([theme='dark']) {
    color-scheme: dark;
  }
  :root[theme='auto'],
  :host([theme='auto']) {
    color-scheme: light dark;
  }
`;

/** What every shadow root starts from: box sizing, tabular figures, links, focus, text for screen readers only. */
export const base = css`
  :host {
    color: var(--tessella-ink);
    font-variant-numeric: tabular-nums;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  a {
    color: var(--tessella-accent);
    text-decoration: none;
  }
  a:hover {
    text-decoration: underline;
    text-underline-offset: 0.15em;
  }
  :focus {
    outline: none;
  }
  :focus-visible {
    outline: 2px solid var(--tessella-accent);
    outline-offset: 2px;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    padding: 0;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
    border: 0;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      scroll-behavior: auto !important;
      animation: none !important;
    }
  }
`;

/**
 * Buttons and inputs. `button.primary` is the one action of a bar; `button.plain` reads like a link; `.segments` is a row
 * of buttons of which one has `aria-pressed="true"` (or holds radio inputs with labels); `.warn` marks a warning.
 */
export const controls = css`
  button,
  input,
  select,
  textarea {
    font: inherit;
    font-variant-numeric: tabular-nums;
    color: inherit;
  }
  button {
    border: 1px solid var(--tessella-rule);
    border-radius: var(--tessella-radius);
    background: var(--tessella-surface);
    padding: 6px 12px;
    cursor: pointer;
  }
  button:hover:not(:disabled) {
    border-color: var(--tessella-edge);
  }
  button:disabled {
    color: var(--tessella-quiet);
    cursor: default;
    opacity: 0.65;
  }
  button.primary {
    background: var(--tessella-accent);
    border-color: var(--tessella-accent);
    color: var(--tessella-paper);
  }
  button.plain {
    border-color: transparent;
    background: none;
    padding: 2px 6px;
    margin: -2px -6px;
    color: var(--tessella-quiet);
  }
  button.plain:hover:not(:disabled) {
    border-color: transparent;
    color: var(--tessella-accent);
  }
  input:not([type='range'], [type='checkbox'], [type='radio'], [type='file']),
  select,
  textarea {
    border: 1px solid var(--tessella-rule);
    border-radius: calc(var(--tessella-radius) - 2px);
    background: var(--tessella-surface);
    padding: 3px 7px;
  }
  input::placeholder {
    color: var(--tessella-quiet);
    opacity: 1;
  }
  input[aria-invalid='true'] {
    border-color: var(--tessella-warn);
  }
  input[type='range'] {
    width: 100%;
    margin: 2px 0;
    accent-color: var(--tessella-accent);
  }
  input[type='checkbox'],
  input[type='radio'] {
    accent-color: var(--tessella-accent);
  }
  .segments {
    display: flex;
    border: 1px solid var(--tessella-rule);
    border-radius: var(--tessella-radius);
    background: var(--tessella-surface);
  }
  .segments > * {
    flex: 1;
    border: 0;
    border-radius: calc(var(--tessella-radius) - 1px);
    background: none;
    padding: 5px 8px;
    text-align: center;
    color: var(--tessella-quiet);
  }
  .segments > [aria-pressed='true'],
  .segments > [aria-checked='true'],
  .segments > :has(:checked) {
    background: var(--tessella-accent-soft);
    color: var(--tessella-accent);
  }
  .quiet {
    color: var(--tessella-quiet);
  }
  .warn {
    color: var(--tessella-warn);
  }
`;
