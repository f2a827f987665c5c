/**
 * A figure as a PNG: its shadow DOM painted onto a canvas as it stands (canvases, backgrounds, borders, text). It knows what
 * figures are made of and no more; browsers do not let a page take a picture of itself.
 */

/** Room around the picture, in CSS pixels. */
const MARGIN = 12;

/** Lines of a text node: the words that share a baseline, with where they stand. */
function* linesOf(node: Text): Generator<{ text: string; box: DOMRect }> {
  const range = document.createRange();
  let text = '';
  let box: DOMRect | null = null;
  for (const word of node.data.matchAll(/\S+/g)) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const rect = range.getBoundingClientRect();
    if (rect.width === 0) continue;
    if (box && Math.abs(rect.top - box.top) < 2) {
      text += ` ${word[0]}`;
      box = new DOMRect(box.x, box.y, rect.right - box.x, box.height);
    } else {
      if (box) yield { text, box };
      text = word[0];
      box = rect;
    }
  }
  if (box) yield { text, box };
}

function paintText(context: CanvasRenderingContext2D, node: Text, style: CSSStyleDeclaration): void {
  context.fillStyle = style.color;
  context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.textBaseline = 'middle';
  for (const { text, box } of linesOf(node)) context.fillText(text, box.left, box.top + box.height / 2, box.width + 1);
}

function paintBox(context: CanvasRenderingContext2D, box: DOMRect, style: CSSStyleDeclaration): void {
  const radius = Number.parseFloat(style.borderTopLeftRadius) || 0;
  context.fillStyle = style.backgroundColor;
  context.beginPath();
  context.roundRect(box.left, box.top, box.width, box.height, Math.min(radius, box.width / 2, box.height / 2));
  context.fill();
  for (const [side, x, y, width, height] of [
    ['Top', box.left, box.top, box.width, 0],
    ['Bottom', box.left, box.bottom, box.width, 0],
    ['Left', box.left, box.top, 0, box.height],
    ['Right', box.right, box.top, 0, box.height],
  ] as const) {
    const thickness = style[`border${side}Style`] === 'none' ? 0 : Number.parseFloat(style[`border${side}Width`]);
    if (thickness === 0) continue;
    context.strokeStyle = style[`border${side}Color`];
    context.lineWidth = thickness;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + width, y + height);
    context.stroke();
  }
}

function paintNode(context: CanvasRenderingContext2D, element: Element): void {
  const style = getComputedStyle(element);
  if (style.display === 'none' || style.visibility === 'hidden' || element.classList.contains('visually-hidden'))
    return;
  context.save();
  context.globalAlpha *= Number(style.opacity);
  const box = element.getBoundingClientRect();
  paintBox(context, box, style);
  if (element instanceof HTMLCanvasElement) {
    if (element.width > 0 && element.height > 0) context.drawImage(element, box.left, box.top, box.width, box.height);
  } else {
    for (const child of element.childNodes) {
      if (child instanceof Text) paintText(context, child, style);
      else if (child instanceof Element) paintNode(context, child);
    }
  }
  context.restore();
}

/** A canvas as PNG bytes. */
export function canvasPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error('This picture is too large for the browser to save; save it as CSV, or make it smaller.'));
    }, 'image/png');
  });
}

/** What an element of a figure looks like now, on `background`, at twice its size on the page or more. */
export function paintPng(element: Element, background: string): Promise<Blob> {
  const scale = Math.max(2, devicePixelRatio);
  const box = element.getBoundingClientRect();
  const width = Math.max(box.width, element.scrollWidth);
  const height = Math.max(box.height, element.scrollHeight);
  const canvas = document.createElement('canvas');
  canvas.width = Math.ceil((width + 2 * MARGIN) * scale);
  canvas.height = Math.ceil((height + 2 * MARGIN) * scale);
  const context = canvas.getContext('2d');
  if (!context)
    return Promise.reject(new Error('This browser has no canvas left to draw on; close other figures and save again.'));
  context.fillStyle = background;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, (MARGIN - box.left) * scale, (MARGIN - box.top) * scale);
  paintNode(context, element);
  return canvasPng(canvas);
}
