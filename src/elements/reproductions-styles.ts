/** How the Reproductions view looks: one table, which becomes a list of cards on a narrow page. */
import { css } from 'lit';

export const reproductionsStyles = css`
  :host {
    display: block;
    max-width: 1280px;
    padding: 24px 32px 48px;
  }
  h1 {
    margin: 0 0 4px;
    font-size: 26px;
    line-height: 1.2;
    letter-spacing: -0.015em;
  }
  .lede {
    max-width: 72ch;
    margin: 0 0 14px;
    color: var(--tessella-quiet);
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 12px;
    align-items: center;
    margin-bottom: 14px;
  }
  .segments {
    font-size: 14px;
    white-space: nowrap;
  }
  .state {
    flex: 1;
    min-width: 12em;
    font-size: 13px;
    color: var(--tessella-quiet);
  }
  .scroll {
    overflow-x: auto;
    border: 1px solid var(--tessella-rule);
    border-radius: var(--tessella-radius);
    background: var(--tessella-surface);
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 14px;
  }
  th,
  td {
    padding: 9px 12px;
    text-align: left;
    vertical-align: top;
    border-top: 1px solid var(--tessella-rule);
  }
  thead th {
    border-top: 0;
    font-size: 12px;
    white-space: nowrap;
  }
  thead button {
    padding: 0;
    margin: 0;
    border: 0;
    background: none;
    font-weight: 600;
    color: var(--tessella-quiet);
  }
  td.number {
    text-align: right;
    white-space: nowrap;
  }
  th.number {
    text-align: right;
  }
  td.claim {
    min-width: 300px;
  }
  td small {
    display: block;
    margin-top: 2px;
    font-size: 12px;
    color: var(--tessella-quiet);
  }
  .holds {
    color: var(--tessella-accent);
    font-weight: 600;
  }
  td.verdict {
    min-width: 104px;
  }
  td button {
    padding: 3px 10px;
    font-size: 13px;
  }
  @media (max-width: 720px) {
    :host {
      padding: 18px 16px 32px;
    }
    table,
    tbody,
    tr,
    td {
      display: block;
    }
    thead {
      display: none;
    }
    tr {
      padding: 8px 0;
      border-top: 1px solid var(--tessella-rule);
    }
    tr:first-child {
      border-top: 0;
    }
    td,
    td.number {
      padding: 3px 14px;
      border: 0;
      text-align: left;
      white-space: normal;
    }
    td[data-label]::before {
      content: attr(data-label) ': ';
      color: var(--tessella-quiet);
    }
    td.claim {
      min-width: 0;
    }
  }
`;
