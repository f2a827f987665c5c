/** A lab's schema with every kind of parameter, for the tests of links, attributes and elements. */
import type { LabManifest } from '../../src/engine/protocol';
import { image, line } from '../../src/labs/frames';
import { choice, data, integer, real, seed, text, toggle } from '../../src/labs/parameters';

const paper = {
  title: 'On Testing',
  authors: 'A. Tester',
  year: 2020,
  link: 'https://example.org/paper',
  catalog: null,
};

export const schema: LabManifest = {
  id: 'sample',
  title: 'Sample lab',
  family: 'matrix',
  summary: 'A lab for tests.',
  papers: [paper],
  claims: [
    {
      id: 'halves',
      paper,
      says: 'The error halves.',
      preset: 'paper',
      quick: 'quick',
      expected: '2.0 ± 0.1',
      unit: null,
    },
  ],
  params: {
    epsilon: real({ label: 'ε', min: 1e-4, max: 1, scale: 'log', default: 0.05 }),
    stepSize: real({ label: 'step size', min: -2, max: 2, default: 0.5, live: true }),
    samples: integer({ label: 'samples', min: 16, max: 4096, scale: 'log', default: 1024 }),
    colourSpace: choice({ label: 'colour space', options: { rgb: 'linear RGB', oklab: 'OKLab' }, default: 'oklab' }),
    causal: toggle({ label: 'causal', default: false }),
    words: text({ label: 'words', default: 'to be, or not', maxLength: 40 }),
    seed: seed(7),
    source: data('image', { label: 'colours from', default: 'alps', samples: { alps: 'Alps', harbour: 'Harbour' } }),
    matrix: data('matrix', { label: 'matrix', default: null, samples: { hilbert: 'Hilbert' } }),
    column: integer({ label: 'column', min: -1, max: 4000, default: -1, live: true, hidden: true }),
  },
  presets: {
    paper: { label: 'Paper', params: { epsilon: 0.001, samples: 4096, source: { kind: 'sample', name: 'harbour' } } },
    quick: { label: 'Quick', params: { samples: 64 } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'error' },
  figures: {
    error: line({ title: 'Error', x: 'iteration', y: 'error', yScale: 'log' }),
    picture: image({ title: 'Picture', slots: { result: 'result' } }),
  },
  kernels: ['matmul'],
};
