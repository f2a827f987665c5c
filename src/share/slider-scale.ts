/** Sliders: the whole positions a range input moves over, and the number that stands at each. */
import type { IntegerParameter, RealParameter } from '../labs/parameters';

type NumberParameter = RealParameter | IntegerParameter;

/** Positions per factor of ten on a logarithmic slider; powers of ten lie on positions where the minimum is one. */
const positionsPerDecade = 50;
const linearPositions = 200;

/** The last position; the first is 0. */
export function lastPosition(parameter: NumberParameter): number {
  const { min, max, scale } = parameter;
  if (parameter.kind === 'integer') {
    if (scale === 'log') return powersOfTwo(parameter).length - 1;
    return Math.max(1, Math.ceil((max - min) / parameter.step));
  }
  return scale === 'log' ? Math.max(1, Math.ceil(Math.log10(max / min) * positionsPerDecade - 1e-9)) : linearPositions;
}

/** The number at a position, with no more digits than the slider can tell apart. */
export function valueAt(parameter: NumberParameter, position: number): number {
  const { min, max, scale } = parameter;
  if (position <= 0) return min;
  if (position >= lastPosition(parameter)) return max;
  if (parameter.kind === 'integer') {
    return scale === 'log'
      ? (powersOfTwo(parameter)[Math.round(position)] ?? max)
      : min + Math.round(position) * parameter.step;
  }
  if (scale === 'log') return inside(Number((min * 10 ** (position / positionsPerDecade)).toPrecision(3)), min, max);
  const step = (max - min) / linearPositions;
  const decimals = Math.max(0, Math.min(20, 1 - Math.floor(Math.log10(step))));
  return inside(Number((min + position * step).toFixed(decimals)), min, max);
}

/** The position nearest to a number. */
export function positionOf(parameter: NumberParameter, value: number): number {
  const last = lastPosition(parameter);
  const { min, max, scale } = parameter;
  if (value <= min) return 0;
  if (value >= max) return last;
  if (parameter.kind === 'integer' && scale === 'log') {
    const distances = powersOfTwo(parameter).map((stop) => Math.abs(Math.log(stop / value)));
    return distances.indexOf(Math.min(...distances));
  }
  if (parameter.kind === 'integer') return Math.min(last, Math.round((value - min) / parameter.step));
  const position =
    scale === 'log' ? Math.log10(value / min) * positionsPerDecade : ((value - min) / (max - min)) * linearPositions;
  return Math.max(0, Math.min(last, Math.round(position)));
}

/** The powers of two in the range, and its two ends. */
function powersOfTwo({ min, max }: IntegerParameter): number[] {
  const stops = [min];
  for (let power = 1; power < max; power *= 2) if (power > min) stops.push(power);
  if (max > min) stops.push(max);
  return stops;
}

function inside(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

/** Reads what a person typed: `1e-6`, `0.05`, `0,05`, `16,384`, `16 384`. NaN where it is no number. */
export function parseNumber(text: string): number {
  const plain = text
    .trim()
    .replaceAll(/[\s_\u00a0\u202f]/g, '')
    .replaceAll('\u2212', '-');
  if (plain === '') return Number.NaN;
  const ungrouped = /^[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$/.test(plain)
    ? plain.replaceAll(',', '')
    : plain.replace(/^([-+]?\d*),(\d+)(e[-+]?\d+)?$/i, '$1.$2$3');
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(ungrouped) ? Number(ungrouped) : Number.NaN;
}
