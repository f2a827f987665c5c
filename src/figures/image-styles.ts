/** How `<tessella-image>` lays its pictures out: one row of equal heights where there is room, pairs of columns where not. */
import { css, type CSSResult } from 'lit';

export const imageStyles: CSSResult = css`
  .plot {
    display: flex;
    gap: 10px;
    --row: clamp(150px, calc((100cqi - 10px * (var(--tiles) - 1)) * 0.75 / var(--tiles)), 480px);
    height: calc(var(--row) + 20px);
  }
  /* The tiles share the row by aspect ratio, so that pictures of any shape get one height; the row's height never changes. */
  .tile {
    flex: var(--aspect) 1 0;
    min-width: 0;
    max-width: calc(var(--row) * var(--aspect));
    display: flex;
    flex-direction: column;
    gap: 4px;
  }
  .frame {
    flex: 1;
    min-height: 0;
    container-type: size;
    display: grid;
    place-items: end center;
  }
  .picture {
    position: relative;
    width: min(100cqw, calc(100cqh * var(--aspect)));
    aspect-ratio: var(--aspect);
    overflow: hidden;
    border-radius: 4px;
    background: var(--tessella-accent-soft);
  }
  .picks {
    cursor: crosshair;
  }
  .plot .picture canvas {
    position: absolute;
    width: 100%;
    height: 100%;
  }
  canvas:not([data-painted]) {
    visibility: hidden;
  }
  canvas.pixels {
    image-rendering: pixelated;
  }
  .captions {
    display: flex;
    justify-content: space-between;
    gap: 8px;
    min-height: 16px;
    font-size: 12px;
    line-height: 16px;
    color: var(--tessella-quiet);
  }
  .caption:nth-child(2) {
    text-align: right;
  }
  .handle {
    position: absolute;
    top: 0;
    bottom: 0;
    width: 28px;
    margin-left: -14px;
    cursor: ew-resize;
    touch-action: none;
    background: linear-gradient(white, white) center / 2px 100% no-repeat;
    filter: drop-shadow(0 0 1px #000a);
  }
  .handle::after {
    content: '';
    position: absolute;
    top: 50%;
    left: 50%;
    width: 18px;
    height: 18px;
    margin: -9px;
    border-radius: 50%;
    background: white;
    border: 5px solid white;
    background: var(--tessella-accent);
  }
  .handle:focus-visible {
    outline-offset: -4px;
  }
  .marker {
    position: absolute;
    width: 13px;
    height: 13px;
    margin: -6.5px;
    border: 2px solid white;
    border-radius: 50%;
    box-shadow:
      0 0 0 1.5px #000c,
      inset 0 0 0 1.5px #000c;
    pointer-events: none;
  }
  @container (max-width: 520px) {
    .plot {
      flex-wrap: wrap;
      height: auto;
    }
    .frame {
      flex: none;
      aspect-ratio: 4 / 3;
    }
    .tile {
      flex: 1 0 calc(50% - 5px);
      max-width: none;
    }
    .tile:last-child:nth-child(odd) {
      flex-basis: 100%;
    }
    .plot .tile:only-child,
    .plot .pair {
      flex-basis: 100%;
    }
  }
`;
