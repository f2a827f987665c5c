/** Tokens, routers and experts for the mixture-of-experts lab. */
import * as routing from '../algorithms/routing';
import type { Device, Tensor } from '../device/device';
import { InvalidInputError } from '../device/errors';
import { affine, axpy } from '../kernels/elementwise';
import { tooManyExperts } from '../kernels/experts';
import { gatherRows } from '../kernels/gather';
import { equalTiles, groupedMatmul } from '../kernels/grouped-matmul';
import { matmul } from '../kernels/matmul';
import { Philox, randomNormal } from '../kernels/random';
import { standardized } from './expert-table';
import type { NumericMatrix } from './parameters';

/** Ways to choose experts, as people read them. */
export const routers = {
  topk: 'top-k',
  topp: 'top-p',
  prototypes: 'prototypes',
  self: 'self-selection',
  competition: 'competition',
} as const;
export type Router = keyof typeof routers;

/** What the lab's panel says. */
export interface ExpertParameters {
  readonly table: NumericMatrix | undefined;
  readonly tokens: number;
  readonly experts: number;
  readonly k: number;
  readonly router: Router;
  readonly width: number;
  readonly hidden: number;
  readonly rank: number;
  readonly p: number;
  readonly skew: number;
  readonly difficulty: number;
  readonly seed: number;
}

/** Everything that stays the same while a run looks at it in different ways. */
export interface ExpertSetting {
  readonly tokens: number;
  readonly width: number;
  /** Tokens at difficulty 0, where each stands on the centre of an expert (or is a row of the table), and at 1: noise. */
  readonly clear: Tensor;
  readonly noise: Tensor;
  /** `[width, experts]` */
  readonly router: Tensor;
  readonly prototypes: Tensor;
  /** `[experts, width, rank]` and `[experts, rank, hidden]`. */
  readonly down: Tensor;
  readonly up: Tensor;
  readonly weights: routing.ExpertWeights;
  /** Experts whose first layer is down times up. */
  readonly lowRank: routing.ExpertWeights;
  readonly parameters: ExpertParameters;
}

/** Bytes that a run holds at most. */
export function settingBytes({ table, tokens, experts, k, router, ...sizes }: ExpertParameters): number {
  const [rows, width, hidden] = [table?.rows ?? tokens, table?.columns ?? sizes.width, sizes.hidden];
  const most = router === 'topp' || router === 'competition' ? experts : Math.min(experts, 8 * k);
  const places = Math.max(rows * most, Math.min(rows, 1024) * experts);
  return 4 * (places * (hidden + 3 * width) + 5 * experts * width * hidden + 4 * rows * (width + experts));
}

/** Logit of a token on the centre of an expert, by that expert. */
const clearLogit = 8;

/** Draws centres, tokens and weights. Throws `InvalidInputError` for more experts of a token than there are. */
export function makeSetting(device: Device, parameters: ExpertParameters): ExpertSetting {
  const { table, experts, k, hidden, rank, seed } = parameters;
  if (k > experts) throw tooManyExperts(k, experts);
  const rows = table === undefined ? undefined : standardized(table);
  const [tokens, width] = [table?.rows ?? parameters.tokens, table?.columns ?? parameters.width];
  const random = new Philox(seed);
  const centers = Float64Array.from({ length: experts * width }, () => random.normal());
  if (rows !== undefined) {
    for (let expert = 0; expert < experts; expert++) {
      const row = Math.min(tokens - 1, Math.floor(random.uniform() * tokens));
      centers.set(rows.subarray(row * width, (row + 1) * width), expert * width);
    }
  }
  for (let expert = 0; expert < experts; expert++) {
    const center = centers.subarray(expert * width, (expert + 1) * width);
    const length = Math.hypot(...center) || 1;
    center.set(center.map((value) => (value * Math.sqrt(width)) / length));
  }
  const weight = (expert: number, row: number) => (clearLogit / width) * (centers[expert * width + row] ?? 0);
  // k groups of experts, one after the other, if they are of one size.
  const group = experts % k === 0 ? experts / k : experts;
  const normal = (stream: number, shape: readonly number[], scale: number) =>
    affine(randomNormal(device, shape, { seed, stream }), { scale });
  const down = normal(1, [experts, width, rank], width ** -0.5);
  const up = normal(2, [experts, rank, hidden], (2 / rank) ** 0.5);
  const second = normal(3, [experts, hidden, width], hidden ** -0.5);
  const product = device.empty([experts, width, hidden]);
  groupedMatmul(normal(1, [experts * width, rank], width ** -0.5), up, equalTiles(device, experts, width), {
    out: product,
  });
  const labels = zipfLabels(random, tokens, experts, parameters.skew);
  return {
    tokens,
    width,
    clear:
      rows === undefined
        ? gatherRows(device.tensor(centers, [experts, width]), device.tensor(labels, [tokens], 'u32'))
        : device.tensor(rows, [tokens, width]),
    noise: randomNormal(device, [tokens, width], { seed, stream: 4 }),
    router: device.tensor(
      Float64Array.from({ length: width * experts }, (_, i) => weight(i % experts, Math.floor(i / experts))),
      [width, experts],
    ),
    prototypes: device.tensor(
      Float64Array.from({ length: width * experts }, (_, i) => {
        const [first, inside] = [Math.floor(i / (width * group)) * group, i % (width * group)];
        return weight(first + (inside % group), Math.floor(inside / group));
      }),
      [experts / group, width, group],
    ),
    down,
    up,
    weights: { first: normal(5, [experts, width, hidden], (2 / width) ** 0.5), second },
    lowRank: { first: product, second },
    parameters,
  };
}

/** Which expert's centre each token stands on: expert e is (e + 1)^-skew times as likely as the first. */
function zipfLabels(random: Philox, tokens: number, experts: number, skew: number): Uint32Array {
  const sums: number[] = [];
  for (let expert = 0; expert < experts; expert++) sums.push((sums.at(-1) ?? 0) + (expert + 1) ** -skew);
  return Uint32Array.from({ length: tokens }, () => {
    const drawn = random.uniform() * (sums.at(-1) ?? 1);
    return Math.max(
      0,
      Math.min(
        experts - 1,
        sums.findIndex((sum) => drawn < sum),
      ),
    );
  });
}

/** Tokens of one difficulty. */
export function tokensAt({ clear, noise }: ExpertSetting, difficulty: number): Tensor {
  return axpy(1 - difficulty, clear, affine(noise, { scale: difficulty }));
}

/** Lets one router choose. */
export function route(setting: ExpertSetting, x: Tensor, router: Router): routing.Routing {
  const { k, p, experts } = setting.parameters;
  switch (router) {
    case 'topk':
      return routing.routeTopK(matmul(x, setting.router), k);
    case 'topp':
      return routing.routeTopP(matmul(x, setting.router), p);
    case 'prototypes':
      if (experts % k === 0) return routing.routePrototypes(x, setting.prototypes);
      throw new InvalidInputError(`${experts} experts cannot be split into ${k} prototypes of one size.`, {
        field: 'k',
      });
    case 'self':
      return routing.selfSelect(x, setting.down, k);
    case 'competition':
      return routing.compete(x, setting.weights, k);
    default:
      return router satisfies never;
  }
}
