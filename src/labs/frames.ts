/**
 * Figures as labs declare them, and the frames that draw them. A lab yields frames; the page draws each with the
 * element of its kind. Types only, and a few constructors; the page and the worker both use it.
 */

interface CommonFigure {
  readonly title: string;
  /** How wide the figure is on a wide screen: the whole row, half of it, or a third. */
  readonly span: 'full' | 'half' | 'third';
  /** A few words at the right of the title: units, how it was made. */
  readonly note?: string;
  /** What the empty figure says where not every run has something for it: what a person must choose to see it. */
  readonly otherwise?: string;
}

/** Lines that grow while a run goes on. */
export interface LineFigure extends CommonFigure {
  readonly kind: 'line';
  readonly x: string;
  readonly y: string;
  readonly xScale: 'linear' | 'log';
  readonly yScale: 'linear' | 'log';
}
/** A matrix as colours, with axes, a colour bar and values under the pointer. */
export interface HeatmapFigure extends CommonFigure {
  readonly kind: 'heatmap';
  readonly rows: string;
  readonly columns: string;
  /** What a value is, for the colour bar. */
  readonly value: string;
}
/** Point clouds in two or three dimensions. */
export interface ScatterFigure extends CommonFigure {
  readonly kind: 'scatter';
  readonly axes: readonly [string, string] | readonly [string, string, string];
}
/** Pictures side by side, two of them under a before/after slider where `compare` names them. */
export interface ImageFigure extends CommonFigure {
  readonly kind: 'image';
  /** Slot name to caption, in the order drawn. */
  readonly slots: Readonly<Record<string, string>>;
  readonly compare?: readonly [before: string, after: string];
  /** Slots that not every run fills: their place appears with their picture. */
  readonly optional?: readonly string[];
  /** Live integer parameters that a click on a picture sets to the pixel's column and row. */
  readonly pick?: { readonly x: string; readonly y: string };
}
/** A few labelled quantities. */
export interface BarsFigure extends CommonFigure {
  readonly kind: 'bars';
  readonly value: string;
  readonly unit?: string;
}
/** Rows of numbers and words. */
export interface TableFigure extends CommonFigure {
  readonly kind: 'table';
  readonly columns: Readonly<Record<string, string>>;
}
/** A certified interval: what is below, what is above, and where the measured value lies. */
export interface IntervalFigure extends CommonFigure {
  readonly kind: 'interval';
  readonly value: string;
}

export type FigureDeclaration =
  LineFigure | HeatmapFigure | ScatterFigure | ImageFigure | BarsFigure | TableFigure | IntervalFigure;
export type FigureDeclarations = Readonly<Record<string, FigureDeclaration>>;
export type FigureKind = FigureDeclaration['kind'];

/** One or more points to append to a series. */
export interface LineFrame {
  readonly series: string;
  readonly x: number | readonly number[];
  readonly y: number | readonly number[];
}
/** A whole matrix, or a reduced picture of a larger one. */
export interface HeatmapFrame {
  readonly rows: number;
  readonly columns: number;
  /** Row-major, `rows * columns`. */
  readonly values: Float32Array<ArrayBuffer>;
  /** The size of the matrix that was reduced to this, if it was. */
  readonly of?: readonly [rows: number, columns: number];
  readonly pooling?: 'max' | 'mean';
  /** What the middles of the first and of the last cell stand for, where it is not their count from 0. */
  readonly rowRange?: readonly [first: number, last: number];
  readonly columnRange?: readonly [first: number, last: number];
}
/** One cloud; a new frame of the same series replaces the old one. */
export interface ScatterFrame {
  readonly series: string;
  /** Coordinates of the points, one after the other: `axes.length` numbers each. */
  readonly points: Float32Array<ArrayBuffer>;
  /** Colours of the points, RGB bytes; the series' colour where missing. */
  readonly colors?: Uint8Array<ArrayBuffer>;
}
/** A picture for one slot; a new one replaces it. */
export interface ImageFrame {
  readonly slot: string;
  readonly width: number;
  readonly height: number;
  /** RGBA, `4 * width * height` bytes. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  /** Replaces the slot's caption note: PSNR, size. */
  readonly note?: string;
}
/** All bars at once. */
export interface BarsFrame {
  readonly bars: readonly {
    readonly label: string;
    readonly value: number;
    readonly note?: string;
    readonly highlight?: boolean;
  }[];
  /** A line across all bars: a roofline, a target. */
  readonly reference?: { readonly label: string; readonly value: number };
}
/** All rows at once; keys are the declared columns. Numbers are formatted by the page. */
export interface TableFrame {
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  /** Where these numbers come from, in one line. */
  readonly source?: string;
}
/** What is certified. */
export interface IntervalFrame {
  readonly lower: number;
  readonly upper: number;
  readonly value?: number;
}

export interface FrameByKind {
  line: LineFrame | readonly LineFrame[];
  heatmap: HeatmapFrame;
  scatter: ScatterFrame | readonly ScatterFrame[];
  image: ImageFrame | readonly ImageFrame[];
  bars: BarsFrame;
  table: TableFrame;
  interval: IntervalFrame;
}

/** How a run stands, in words. Numbers in `text` carry their unit. */
export interface StatusFrame {
  /** `running` until it ends; the others are endings, each honest about what was reached. */
  readonly state: 'running' | 'done' | 'converged' | 'not-converged' | 'precision-limited';
  readonly text: string;
  /** Steps done, and how many there will be at most, for the progress bar. */
  readonly step?: number;
  readonly steps?: number;
  /** Warnings a person should see beside the result. */
  readonly warning?: string;
}

/** What a lab yields: any of its declared figures, and its status. */
export type Frames<F extends FigureDeclarations> = {
  readonly [Name in keyof F]?: FrameByKind[F[Name]['kind']];
} & { readonly status?: StatusFrame };

type Declared<F extends CommonFigure & { kind: string }, Optional extends string = never> = Omit<
  F,
  'kind' | 'span' | Optional
> &
  Partial<Pick<F, Extract<Optional | 'span', keyof F>>>;

/** Both axes of a line figure logarithmic: `line({ title, x, y, ...logarithmic })`. */
export const logarithmic = { xScale: 'log', yScale: 'log' } as const;

export const line = (options: Declared<LineFigure, 'xScale' | 'yScale'>): LineFigure => ({
  kind: 'line',
  span: 'third',
  xScale: 'linear',
  yScale: 'linear',
  ...options,
});
export const heatmap = (options: Declared<HeatmapFigure>): HeatmapFigure => ({
  kind: 'heatmap',
  span: 'third',
  ...options,
});
export const scatter = (options: Declared<ScatterFigure>): ScatterFigure => ({
  kind: 'scatter',
  span: 'third',
  ...options,
});
export const image = (options: Declared<ImageFigure>): ImageFigure => ({ kind: 'image', span: 'full', ...options });
export const bars = (options: Declared<BarsFigure>): BarsFigure => ({ kind: 'bars', span: 'half', ...options });
export const table = (options: Declared<TableFigure>): TableFigure => ({ kind: 'table', span: 'full', ...options });
/** A table of a quantity and its value a row: `quantities({ title: 'Numbers' })`. */
export const quantities = (options: Omit<Declared<TableFigure>, 'columns'>): TableFigure =>
  table({ columns: { quantity: 'quantity', value: 'value' }, ...options });
export const interval = (options: Declared<IntervalFigure>): IntervalFigure => ({
  kind: 'interval',
  span: 'full',
  ...options,
});
