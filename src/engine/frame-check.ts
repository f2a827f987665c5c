/** What every frame goes through before it leaves the worker: no value that is not a number, and which buffers move. */
import { DivergedError, EngineError } from '../device/errors';
import type {
  BarsFrame,
  FigureDeclaration,
  FigureDeclarations,
  HeatmapFrame,
  ImageFrame,
  IntervalFrame,
  LineFrame,
  ScatterFrame,
  TableFrame,
} from '../labs/frames';

/** Throws `DivergedError`, naming figure and step, for numbers that no figure can show. */
export function checkFrames(
  figures: FigureDeclarations,
  frames: Readonly<Record<string, unknown>>,
  step: number,
): void {
  for (const [name, frame] of Object.entries(frames)) {
    if (name === 'status' || frame === undefined) continue;
    const figure = figures[name];
    if (figure === undefined)
      throw new EngineError(`The lab drew a figure "${name}" that it does not declare.`, { figure: name });
    const wrong = wrongNumber(figure, frame);
    if (wrong === undefined) continue;
    throw new DivergedError(
      `${figure.title} became ${String(wrong)} at step ${String(step)}: the computation left the range of its numbers. Choose a milder setting.`,
      { figure: name, iteration: step, value: String(wrong) },
    );
  }
}

/** The buffers of a frame that are moved to the page, each once. Those in `kept` are copied instead. */
export function transferables(
  frames: Readonly<Record<string, unknown>>,
  kept: ReadonlySet<ArrayBufferLike>,
): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const visit = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) {
      if (value.buffer instanceof ArrayBuffer && !kept.has(value.buffer)) buffers.add(value.buffer);
    } else if (typeof value === 'object' && value !== null) {
      for (const inner of Object.values(value)) visit(inner);
    }
  };
  visit(frames);
  return [...buffers];
}

/** The first number that the figure cannot show. */
function wrongNumber(figure: FigureDeclaration, frame: unknown): number | undefined {
  switch (figure.kind) {
    case 'line':
      return firstOf(frame as LineFrame | readonly LineFrame[], ({ x, y }) => notFinite(x) ?? notFinite(y));
    case 'heatmap':
      return notFinite((frame as HeatmapFrame).values);
    case 'scatter':
      return firstOf(frame as ScatterFrame | readonly ScatterFrame[], ({ points }) => notFinite(points));
    case 'image':
      return firstOf(frame as ImageFrame | readonly ImageFrame[], ({ width, height }) => notFinite([width, height]));
    case 'bars': {
      const { bars, reference } = frame as BarsFrame;
      return notFinite(bars.map(({ value }) => value)) ?? notFinite(reference?.value ?? 0);
    }
    case 'table':
      // An infinite entry (the PSNR of equal pictures) has a meaning in a table; NaN has none.
      return (frame as TableFrame).rows.flatMap((row) => Object.values(row)).find(isNaNumber);
    case 'interval': {
      const { lower, upper, value } = frame as IntervalFrame;
      return notFinite([lower, upper, value ?? 0]);
    }
    default:
      return figure satisfies never;
  }
}

const isNaNumber = (value: string | number): value is number => typeof value === 'number' && Number.isNaN(value);

function firstOf<T extends object>(
  frames: T | readonly T[],
  check: (frame: T) => number | undefined,
): number | undefined {
  for (const frame of (Array.isArray(frames) ? frames : [frames]) as readonly T[]) {
    const wrong = check(frame);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function notFinite(values: number | readonly number[] | Float32Array): number | undefined {
  if (typeof values === 'number') return Number.isFinite(values) ? undefined : values;
  for (const value of values) if (!Number.isFinite(value)) return value;
  return undefined;
}
