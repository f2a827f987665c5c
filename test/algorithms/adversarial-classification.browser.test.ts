/** Robust classification: cases that a pencil solves, the certificate against a brute-force adversary, and bad input. */
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/device/errors';
import { solveRobustClassification } from '../../src/algorithms/adversarial-classification';
import { smallestCircle, type Place } from '../../src/algorithms/merged-points';
import { openReference, openTestDevice } from '../support/device';
import { float32s } from '../support/numbers';

const gpu = await openTestDevice();
const cpu = openReference();
const options = { epsilon: 0.01, scaling: 0.7, tolerance: 1e-5, maximumIterations: 2000 };
const height = Math.sqrt(3) / 2;
const triangle = [
  [0, 0],
  [1, 0],
  [0.5, height],
] as const;

describe.each([['GPU', gpu] as const, ['reference device', cpu] as const])('on the %s', (_name, device) => {
  it.each([
    ['nothing can be merged', triangle, 0.49, 1],
    // Pairs can be merged but not all three: every pair with half of each point. Half of the mass is left, where merging
    // whole points would leave two thirds.
    ['every pair can be merged', triangle, 0.51, 1 / 2],
    ['all three can be merged', triangle, 0.6, 1 / 3],
    [
      'two classes out of reach',
      [
        [0, 0],
        [1, 0],
      ] as const,
      0.4,
      1,
    ],
    [
      'two classes within reach',
      [
        [0, 0],
        [1, 0],
      ] as const,
      0.6,
      1 / 2,
    ],
  ])('knows the robust accuracy where %s', async (_case, points, budget, accuracy) => {
    using _scope = device.scope();
    const result = await solveRobustClassification(
      device,
      { classes: points.map((point) => [...point]), budget },
      options,
    );
    expect(result.lower).toBeLessThanOrEqual(accuracy + 1e-9);
    expect(result.upper).toBeGreaterThanOrEqual(accuracy - 1e-9);
    expect(result.upper - result.lower).toBeLessThanOrEqual(0.05);
  });

  it('leaves the largest class where everything can be merged', async () => {
    using _scope = device.scope();
    const classes = [float32s(10, 1), float32s(6, 2), float32s(4, 3)];
    const result = await solveRobustClassification(device, { classes, budget: 10 }, options);
    expect(result.lower).toBeLessThanOrEqual(0.5 + 1e-9);
    expect(result.upper).toBeGreaterThanOrEqual(0.5 - 1e-9);
    expect(result.upper - result.lower).toBeLessThanOrEqual(0.05);
  });

  it('has a classifier that keeps what it certifies against a brute-force adversary', async () => {
    const classes = [float32s(16, 1), float32s(16, 2), float32s(16, 3)];
    const budget = 0.25;
    using _scope = device.scope();
    const result = await solveRobustClassification(device, { classes, budget }, options);
    let accuracy = 0;
    classes.forEach((cloud, label) => {
      for (let i = 0; i < 8; i++) {
        const point: Place = [cloud[2 * i] ?? NaN, cloud[2 * i + 1] ?? NaN];
        let least = 1;
        for (let ring = 0; ring <= 4; ring++) {
          for (let turn = 0; turn < 24; turn++) {
            const [radius, angle] = [(0.999 * budget * ring) / 4, (turn * Math.PI) / 12];
            const probabilities = result.classify([
              point[0] + radius * Math.cos(angle),
              point[1] + radius * Math.sin(angle),
            ]);
            expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeLessThanOrEqual(1 + 1e-9);
            least = Math.min(least, probabilities[label] ?? 0);
          }
        }
        accuracy += least / 24;
      }
    });
    expect(accuracy).toBeGreaterThanOrEqual(result.lower - 1e-9);
    expect(accuracy).toBeLessThanOrEqual(1);
    expect(result.lower).toBeLessThanOrEqual(result.upper);
    // No move goes further than the budget allows, and each class keeps its mass.
    for (const { from, to } of result.moves) {
      expect(Math.hypot(from[0] - to[0], from[1] - to[1])).toBeLessThanOrEqual(budget + 1e-9);
    }
    const moved = result.moves.reduce((sum, { mass }) => sum + mass, 0);
    expect(Math.abs(moved - 1)).toBeLessThanOrEqual(0.2);
  });
});

it('finds smallest circles', () => {
  expect(smallestCircle([[1, 2]])).toEqual({ center: [1, 2], radius: 0 });
  expect(
    smallestCircle([
      [0, 0],
      [2, 0],
    ]),
  ).toEqual({ center: [1, 0], radius: 1 });
  expect(
    smallestCircle([
      [0, 0],
      [2, 0],
      [1, 0.5],
    ]).radius,
  ).toBe(1);
  expect(
    smallestCircle([
      [0, 0],
      [1, 0],
      [0.5, height],
    ]).radius,
  ).toBeCloseTo(1 / Math.sqrt(3), 12);
  expect(
    smallestCircle([
      [1, 1],
      [1, 1],
      [1, 1],
    ]).radius,
  ).toBe(0);
});

it.each([
  [
    'a negative budget',
    {
      classes: [
        [0, 0],
        [1, 1],
      ],
      budget: -1,
    },
    /budget/,
  ],
  ['one class', { classes: [[0, 0]], budget: 1 }, /two or three/],
  ['a class without points', { classes: [[0, 0], []], budget: 1 }, /Class 2/],
  [
    'coordinates that are NaN',
    {
      classes: [
        [NaN, 0],
        [1, 1],
      ],
      budget: 1,
    },
    /Class 1/,
  ],
])('refuses %s', async (_name, problem, message) => {
  using _scope = cpu.scope();
  const error = await solveRobustClassification(cpu, problem, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidInputError);
  expect(String(error)).toMatch(message);
});
