/** Every figure in a page: frames in, then what is drawn, said, saved, and answered to keys. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import '../../src/figures/tessella-figure';
import type { TessellaFigureElement } from '../../src/figures/tessella-figure';
import { bars, heatmap, image, interval, line, scatter, table, type FigureDeclaration } from '../../src/labs/frames';
import { tokens } from '../../src/share/theme';

beforeAll(() => {
  if (tokens.styleSheet) document.adoptedStyleSheets = [tokens.styleSheet];
});

afterEach(() => {
  document.body.replaceChildren();
  document.documentElement.removeAttribute('theme');
});

const frames = async (count = 3): Promise<void> => {
  for (let frame = 0; frame < count; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
};

/** A figure on the page, 360 pixels wide unless told, and the shadow root of the element that draws. */
async function mount(
  declaration: FigureDeclaration,
  width = 360,
): Promise<{ figure: TessellaFigureElement; inner: ShadowRoot }> {
  const figure = document.createElement('tessella-figure');
  figure.style.width = `${width}px`;
  figure.name = 'test';
  figure.declaration = declaration;
  document.body.append(figure);
  await expect
    .poll(() => figure.shadowRoot?.querySelector('.body > *')?.shadowRoot?.querySelector('.plot'))
    .toBeTruthy();
  const inner = figure.shadowRoot?.querySelector('.body > *')?.shadowRoot;
  if (!inner) throw new Error('The figure has no element.');
  return { figure, inner };
}

function find(root: ParentNode, selector: string): HTMLElement {
  const element = root.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`There is no ${selector}.`);
  return element;
}

function press(element: HTMLElement, key: string, shiftKey = false): void {
  element.dispatchEvent(
    new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, composed: true, cancelable: true }),
  );
}

/** Colours of a canvas that are not transparent, as `r,g,b` with how often. */
function colorsOf(canvas: HTMLElement): Map<string, number> {
  if (!(canvas instanceof HTMLCanvasElement)) throw new Error('This is not a canvas.');
  const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] !== 255) continue;
    const color = `${data[at]},${data[at + 1]},${data[at + 2]}`;
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  return counts;
}

/** Width, height and number of different colours of a PNG. */
async function readPng(blob: Blob): Promise<{ width: number; height: number; colors: number }> {
  expect(blob.type).toBe('image/png');
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  return { width: bitmap.width, height: bitmap.height, colors: colorsOf(canvas).size };
}

const solid = (width: number, height: number, [red, green, blue]: readonly [number, number, number]) => {
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let at = 0; at < pixels.length; at += 4) pixels.set([red, green, blue, 255], at);
  return pixels;
};

const everyKind: readonly FigureDeclaration[] = [
  line({ title: 'Error', x: 'iteration', y: 'error', yScale: 'log' }),
  heatmap({ title: 'Plan', rows: 'source', columns: 'target', value: 'mass' }),
  scatter({ title: 'Clouds', axes: ['L', 'a', 'b'] }),
  image({ title: 'Pictures', slots: { one: 'first', two: 'second' } }),
  bars({ title: 'Speed', value: 'speed', unit: 'GFLOP/s' }),
  table({ title: 'Timing', columns: { what: 'phase', ms: 'milliseconds' } }),
  interval({ title: 'Cost', value: 'true cost' }),
];

test.each(everyKind)(
  'a $kind figure has a place, a title and a text alternative before its first frame',
  async (declaration) => {
    const { figure, inner } = await mount(declaration);
    await frames();
    expect(find(figure.renderRoot, '[part=title]').textContent).toBe(declaration.title);
    expect(find(inner, '.plot').getBoundingClientRect().height).toBeGreaterThan(20);
    expect(figure.describe()).toBe(
      `${declaration.title}: waiting for the first result.`.replace('Error:', 'Error: error against iteration.'),
    );
  },
);

test('a figure that not every run fills says when it is', async () => {
  const otherwise = 'for tables: choose one';
  const { figure, inner } = await mount(line({ title: 'Fit', x: 'round', y: 'error', otherwise }));
  expect(find(inner, '.empty').textContent).toBe(otherwise);
  expect(figure.describe()).toContain(otherwise);
});

describe('lines', () => {
  test('draw values that differ in their last digits only without counting for seconds', async () => {
    const { figure, inner } = await mount(line({ title: 'Bounds', x: 'budget', y: 'accuracy' }));
    const start = performance.now();
    figure.accept({ series: 'at most', x: [0, 1, 2], y: [1, 1 - 2 ** -53, 1] });
    await expect.poll(() => inner.querySelector('canvas')).toBeTruthy();
    await frames();
    expect(performance.now() - start).toBeLessThan(2000);
    expect(figure.describe()).toContain('at most');
  });

  const declaration = line({ title: 'Error', x: 'iteration', y: 'error', yScale: 'log' });

  test('append, describe themselves, and go out as CSV and PNG without moving the page', async () => {
    const { figure, inner } = await mount(declaration);
    const before = figure.getBoundingClientRect().height;
    figure.accept({ series: 'Sinkhorn', x: [1, 2], y: [1, 0.1] });
    figure.accept([
      { series: 'Sinkhorn', x: 3, y: 0.01 },
      { series: 'Newton', x: 3, y: NaN },
    ]);
    await frames();
    expect(figure.describe()).toBe(
      'Error: error against iteration. Sinkhorn: 1 at iteration 1, 0.01 at iteration 3; Newton: no numbers.',
    );
    expect(figure.toCsv()).toBe('iteration,Sinkhorn,Newton\r\n1,1,\r\n2,0.1,\r\n3,0.01,\r\n');
    expect(colorsOf(find(inner, 'canvas')).has('10,107,98')).toBe(true);
    expect((await readPng(await figure.toPng())).colors).toBeGreaterThan(3);
    expect(figure.getBoundingClientRect().height).toBe(before);
  });

  test('keys move the crosshair, and the legend hides a series', async () => {
    const { figure, inner } = await mount(declaration);
    figure.accept({ series: 'Sinkhorn', x: [1, 2, 3], y: [1, 0.1, 0.01] });
    await frames();
    press(find(inner, '.chart'), 'Home');
    press(find(inner, '.chart'), 'ArrowRight');
    await frames();
    expect(find(inner, '[aria-live]').textContent).toBe('iteration 2: Sinkhorn 0.1');
    expect(find(inner, '.legend').textContent).toContain('iteration 2');
    find(inner, '.legend button').click();
    await frames();
    expect(find(inner, '.legend button').getAttribute('aria-pressed')).toBe('false');
    expect(colorsOf(find(inner, 'canvas')).has('10,107,98')).toBe(false);
  });

  test('the legend reads the last value of each series, also where several share an x', async () => {
    const { figure, inner } = await mount(declaration);
    figure.accept([1, 2].map((x) => ({ series: 'Sinkhorn', x, y: 0.1 ** x })));
    figure.accept({ series: 'Newton', x: 1, y: 0.5 });
    await frames();
    figure.accept({ series: 'Newton', x: 2, y: 0.03 });
    await frames();
    const readings = [...inner.querySelectorAll('.reading')].map((reading) => reading.textContent);
    expect(readings).toEqual(['0.01', '0.03']);
  });

  test('a logarithmic axis ends at the last number', async () => {
    const { figure, inner } = await mount(line({ title: 'Time', x: 'n', y: 'ms', xScale: 'log' }));
    figure.accept({ series: 'fast', x: [8, 16, 32, 64], y: [1, 2, 3, 4] });
    await frames();
    const canvas = find(inner, 'canvas');
    if (!(canvas instanceof HTMLCanvasElement)) throw new Error('This is no canvas.');
    const { data, width, height } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {
      data: [],
      width: 0,
      height: 0,
    };
    let rightmost = 0;
    for (let at = 0; at < width * height; at++) {
      if (data[4 * at] === 10 && data[4 * at + 1] === 107) rightmost = Math.max(rightmost, at % width);
    }
    // What is right of the plot is room for half a label.
    expect(width - rightmost).toBeLessThan(30 * devicePixelRatio);
  });

  test('a reset forgets the points and keeps the picture, dimmed, until the next frame', async () => {
    const { figure, inner } = await mount(declaration);
    figure.accept({ series: 'Sinkhorn', x: [1, 2], y: [1, 0.1] });
    await frames();
    figure.reset();
    await frames();
    expect(figure.toCsv()).toBe('iteration\r\n');
    expect(inner.host.hasAttribute('stale')).toBe(true);
    expect(colorsOf(find(inner, 'canvas')).has('10,107,98')).toBe(true);
    figure.accept({ series: 'Newton', x: 1, y: 3 });
    await frames();
    expect(inner.host.hasAttribute('stale')).toBe(false);
    expect(figure.describe()).toContain('Newton: 3 at iteration 1');
    expect(figure.describe()).not.toContain('Sinkhorn');
  });

  test('redraw in the colours of another theme', async () => {
    const { figure, inner } = await mount(declaration);
    figure.accept({ series: 'Sinkhorn', x: [1, 2, 3], y: [1, 0.1, 0.01] });
    await frames();
    document.documentElement.setAttribute('theme', 'dark');
    await expect.poll(() => colorsOf(find(inner, 'canvas')).has('87,199,184')).toBe(true);
    expect(colorsOf(find(inner, 'canvas')).has('10,107,98')).toBe(false);
  });
});

describe('heatmaps', () => {
  const declaration = heatmap({ title: 'Plan', rows: 'source', columns: 'target', value: 'mass' });

  test('paint the ends of the map, leave NaN empty, and say what they were reduced from', async () => {
    const { figure, inner } = await mount(declaration);
    figure.accept({
      rows: 2,
      columns: 2,
      values: new Float32Array([0, 1, NaN, 1]),
      of: [16384, 16384],
      pooling: 'max',
    });
    await frames();
    const colors = colorsOf(find(inner, 'canvas'));
    const low = colors.get('68,1,84') ?? 0;
    const high = colors.get('253,231,37') ?? 0;
    expect(low).toBeGreaterThan(1000);
    // Two cells of four are high, one is low, and one is not a number; the colour bar's ends are within a tenth.
    expect(high / low).toBeGreaterThan(1.8);
    expect(high / low).toBeLessThan(2.2);
    expect(find(inner, 'output').textContent).toBe('2 x 2 of 16,384 x 16,384, max-pooled');
    expect(figure.describe()).toContain('mass from 0 to 1');
    expect(figure.toCsv()).toBe('0,1\r\n,1\r\n');
    expect((await readPng(await figure.toPng())).colors).toBeGreaterThan(16);
  });

  test('read coordinates where rows and columns stand for some', async () => {
    const { figure, inner } = await mount(declaration);
    const values = new Float32Array([1, 2, 3, 4, 5, 9]);
    figure.accept({ rows: 2, columns: 3, values, rowRange: [8, -8], columnRange: [-1, 1] });
    await frames();
    press(find(inner, '.chart'), 'ArrowUp');
    await frames();
    expect(find(inner, 'output').textContent).toBe('source -8, target 1: 9');
    press(find(inner, '.chart'), 'ArrowLeft');
    await frames();
    expect(find(inner, 'output').textContent).toBe('source -8, target 0: 5');
  });

  test('the pointer and the arrow keys read values', async () => {
    const { figure, inner } = await mount(declaration);
    figure.accept({ rows: 2, columns: 2, values: new Float32Array([1, 2, NaN, 4]) });
    await frames();
    const chart = find(inner, '.chart');
    press(chart, 'ArrowUp');
    await frames();
    expect(find(inner, 'output').textContent).toBe('row 1, column 1: 4');
    press(chart, 'ArrowLeft');
    await frames();
    expect(find(inner, 'output').textContent).toBe('row 1, column 0: –');
    const box = chart.getBoundingClientRect();
    chart.dispatchEvent(
      new PointerEvent('pointermove', { clientX: box.left + box.width * 0.3, clientY: box.top + 8, bubbles: true }),
    );
    await frames();
    expect(find(inner, 'output').textContent).toBe('row 0, column 0: 1');
  });
});

describe('scatter plots', () => {
  test('draw points in their own colours, and turn under the arrow keys', async () => {
    const { figure, inner } = await mount(scatter({ title: 'Clouds', axes: ['L', 'a', 'b'] }));
    const points = new Float32Array([0, 0, 0, 1, 1, 1, 0.5, 0.2, 0.9, NaN, 0, 0]);
    figure.accept({ series: 'source', points, colors: new Uint8Array([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]) });
    await frames();
    const canvas = find(inner, 'canvas');
    const before = canvas instanceof HTMLCanvasElement ? canvas.toDataURL() : '';
    press(find(inner, '.chart'), 'ArrowLeft');
    await frames();
    expect(canvas instanceof HTMLCanvasElement ? canvas.toDataURL() : '').not.toBe(before);
    expect(find(inner, '.swatch').style.background).toMatch(/linear-gradient\(.*rgb\(0, 0, 255\).*rgb\(0, 255, 0\)/);
    expect(figure.describe()).toBe('Clouds: source: 4 points; L from 0 to 1, a from 0 to 1, b from 0 to 1.');
    expect(figure.toCsv().split('\r\n')[1]).toBe('source,0,0,0,255,0,0');
    expect((await readPng(await figure.toPng())).colors).toBeGreaterThan(3);
  });
});

describe('pictures', () => {
  const slots = { before: 'noisy', after: 'denoised', other: 'clean' };
  const declaration = image({
    title: 'Pictures',
    slots,
    compare: ['before', 'after'],
    pick: { x: 'column', y: 'row' },
  });
  const accept = (figure: TessellaFigureElement) => {
    figure.accept([
      { slot: 'before', width: 30, height: 20, pixels: solid(30, 20, [200, 0, 0]) },
      { slot: 'after', width: 30, height: 20, pixels: solid(30, 20, [0, 200, 0]), note: '31.4 dB' },
    ]);
  };

  test('keep their size in pixels, and save each at that size', async () => {
    const { figure, inner } = await mount(declaration, 800);
    const before = figure.getBoundingClientRect().height;
    accept(figure);
    await frames();
    expect(colorsOf(find(inner, 'canvas[data-slot=before]'))).toEqual(new Map([['200,0,0', 600]]));
    expect(await readPng(await figure.toPng('before'))).toEqual({ width: 30, height: 20, colors: 1 });
    expect(figure.describe()).toBe('Pictures: noisy, 30 x 20 pixels; denoised, 30 x 20 pixels, 31.4 dB.');
    const csv = figure.toCsv().split('\r\n');
    expect(csv[1]?.startsWith('before,0,#c80000,#c80000')).toBe(true);
    expect(csv).toHaveLength(1 + 20 + 20 + 1);
    expect(figure.getBoundingClientRect().height).toBe(before);
  });

  test('the before/after line answers to keys', async () => {
    const { figure, inner } = await mount(declaration, 800);
    accept(figure);
    await frames();
    const handle = find(inner, '[role=slider]');
    expect(handle.getAttribute('aria-valuenow')).toBe('50');
    press(handle, 'ArrowRight', true);
    await frames();
    expect(handle.getAttribute('aria-valuenow')).toBe('60');
    press(handle, 'Home');
    await frames();
    expect(find(inner, 'canvas.over').style.clipPath).toContain('0%');
    expect(handle.getAttribute('aria-valuenow')).toBe('0');
  });

  test('a click and Enter pick pixels, marked on every picture', async () => {
    const { figure, inner } = await mount(declaration, 800);
    accept(figure);
    await frames();
    const picks: unknown[] = [];
    figure.addEventListener('figure-pick', (event) => picks.push((event as CustomEvent<unknown>).detail));
    const picture = find(inner, '.picks');
    const box = picture.getBoundingClientRect();
    picture.dispatchEvent(
      new PointerEvent('click', {
        clientX: box.left + box.width * 0.55,
        clientY: box.top + box.height * 0.26,
        bubbles: true,
      }),
    );
    await frames();
    expect(picks).toEqual([{ slot: 'after', x: 16, y: 5, values: { column: 16, row: 5 } }]);
    expect(find(inner, '.marker').style.left).toBe('55%');
    press(picture, 'ArrowDown');
    press(picture, 'Enter');
    expect(picks).toHaveLength(2);
    expect(picks[1]).toEqual({ slot: 'after', x: 16, y: 6, values: { column: 16, row: 6 } });
  });

  test('a newer picture takes the place of a large one that is still being written', async () => {
    const { figure, inner } = await mount(image({ title: 'One', slots: { only: 'it' } }), 800);
    figure.accept({ slot: 'only', width: 2000, height: 2000, pixels: solid(2000, 2000, [1, 2, 3]) });
    await frames(1);
    figure.accept({ slot: 'only', width: 4, height: 4, pixels: solid(4, 4, [9, 8, 7]) });
    await frames(8);
    expect(colorsOf(find(inner, 'canvas'))).toEqual(new Map([['9,8,7', 16]]));
  });
});

test('bars are to scale, and what is not a number has none', async () => {
  const { figure, inner } = await mount(bars({ title: 'Speed', value: 'speed', unit: 'GFLOP/s' }));
  figure.accept({
    bars: [
      { label: 'naive', value: 50 },
      { label: 'tiled', value: 200, highlight: true },
      { label: 'broken', value: NaN },
    ],
    reference: { label: 'roofline', value: 400 },
  });
  await frames();
  const widths = [...inner.querySelectorAll<HTMLElement>('.bar')].map((bar) => bar.style.width);
  expect(widths).toEqual(['12.5%', '50%']);
  expect(inner.querySelectorAll('li')[2]?.textContent).toMatch(/broken\s+–/);
  expect(figure.describe()).toContain('tiled 200 GFLOP/s');
  expect(figure.toCsv()).toBe(
    'label,speed (GFLOP/s),note\r\nnaive,50,\r\ntiled,200,\r\nbroken,,\r\nroofline,400,reference\r\n',
  );
  expect((await readPng(await figure.toPng())).colors).toBeGreaterThan(3);
});

test('tables format numbers and name their source', async () => {
  const { figure, inner } = await mount(table({ title: 'Timing', columns: { what: 'phase', ms: 'milliseconds' } }));
  figure.accept({
    rows: [
      { what: 'compute', ms: 12.3456 },
      { what: 'lost', ms: NaN },
      { what: 'all', ms: 16384 },
    ],
    source: 'wall clock',
  });
  await frames();
  const cells = [...inner.querySelectorAll('td')].map((cell) => cell.textContent);
  expect(cells).toEqual(['compute', '12.35', 'lost', '–', 'all', '16,384']);
  expect(find(inner, '[part=source]').textContent).toBe('wall clock');
  expect(figure.toCsv()).toBe('phase,milliseconds\r\ncompute,12.3456\r\nlost,\r\nall,16384\r\n');
  expect((await readPng(await figure.toPng())).width).toBeGreaterThan(600);
});

describe('intervals', () => {
  const declaration = interval({ title: 'Cost', value: 'true cost' });

  test('round outward and place the value between the bounds', async () => {
    const { figure, inner } = await mount(declaration, 800);
    figure.accept({ lower: 0.0139299, upper: 0.0143, value: 0.01411 });
    await frames();
    expect(find(inner, '.plot').textContent).toMatch(/0\.01392 ≤ true cost\s+≤\s+0\.0143\s*gap 2\.6 %/);
    expect(figure.describe()).toBe('Cost: true cost is at least 0.01392 and at most 0.0143, measured 0.01411.');
    const range = find(inner, '.range').getBoundingClientRect();
    const value = find(inner, '.axis .value').getBoundingClientRect();
    expect(value.left).toBeGreaterThan(range.left);
    expect(value.right).toBeLessThan(range.right);
    expect(figure.toCsv()).toBe('lower,upper,true cost\r\n0.0139299,0.0143,0.01411\r\n');
  });

  test('bounds that cross are said to, not drawn', async () => {
    const { figure, inner } = await mount(declaration, 800);
    figure.accept({ lower: 2, upper: 1 });
    await frames();
    expect(find(inner, '.plot').textContent).toContain('not certified');
    expect(inner.querySelector('.range')).toBeNull();
  });
});

test('frames that come before the figure has loaded are drawn, in order', async () => {
  const figure = document.createElement('tessella-figure');
  figure.declaration = line({ title: 'Error', x: 'k', y: 'e' });
  document.body.append(figure);
  figure.accept({ series: 'a', x: 1, y: 2 });
  figure.accept({ series: 'a', x: 2, y: 3 });
  await expect.poll(() => figure.toCsv()).toBe('k,a\r\n1,2\r\n2,3\r\n');
});

test('the menu offers each picture and the numbers, and Escape closes it', async () => {
  const { figure } = await mount(image({ title: 'Pictures', slots: { one: 'first', two: 'second' } }));
  figure.accept({ slot: 'one', width: 2, height: 2, pixels: solid(2, 2, [1, 2, 3]) });
  await frames();
  const menu = find(figure.renderRoot, 'details');
  find(menu, 'summary').click();
  await frames();
  expect([...menu.querySelectorAll('button')].map((button) => button.textContent.trim())).toEqual([
    'Save PNG: first',
    'Save CSV',
  ]);
  press(menu, 'Escape');
  expect(menu.hasAttribute('open')).toBe(false);
});
