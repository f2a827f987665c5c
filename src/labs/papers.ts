/** The papers that labs bring to life, listed once. People see title and link; `catalog` is the id in the project's catalogue. */

export interface Paper {
  readonly title: string;
  readonly authors: string;
  readonly year: number;
  readonly link: string;
  /** The id in the project's catalogue of papers, or null for a classic that is not in it. */
  readonly catalog: string | null;
}

export const papers = {
  'cuturi-2013': {
    title: 'Sinkhorn Distances: Lightspeed Computation of Optimal Transport',
    authors: 'Marco Cuturi',
    year: 2013,
    link: 'https://arxiv.org/abs/1306.0895',
    catalog: null,
  },
  'altschuler-2017': {
    title: 'Near-linear time approximation algorithms for optimal transport via Sinkhorn iteration',
    authors: 'Jason Altschuler, Jonathan Weed, Philippe Rigollet',
    year: 2017,
    link: 'https://arxiv.org/abs/1705.09634',
    catalog: null,
  },
  'flash-attention-2022': {
    title: 'FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness',
    authors: 'Tri Dao, Daniel Y. Fu, Stefano Ermon, Atri Rudra, Christopher Ré',
    year: 2022,
    link: 'https://arxiv.org/abs/2205.14135',
    catalog: null,
  },
  'non-local-means-2005': {
    title: 'A Non-Local Algorithm for Image Denoising',
    authors: 'Antoni Buades, Bartomeu Coll, Jean-Michel Morel',
    year: 2005,
    link: 'https://doi.org/10.1109/CVPR.2005.38',
    catalog: null,
  },
  'online-softmax-2018': {
    title: 'Online normalizer calculation for softmax',
    authors: 'Maxim Milakov, Natalia Gimelshein',
    year: 2018,
    link: 'https://arxiv.org/abs/1805.02867',
    catalog: null,
  },
  'goto-2008': {
    title: 'Anatomy of High-Performance Matrix Multiplication',
    authors: 'Kazushige Goto, Robert A. van de Geijn',
    year: 2008,
    link: 'https://doi.org/10.1145/1356052.1356053',
    catalog: null,
  },
  'dongarra-1990': {
    title: 'A Set of Level 3 Basic Linear Algebra Subprograms',
    authors: 'Jack J. Dongarra, Jeremy Du Croz, Sven Hammarling, Iain S. Duff',
    year: 1990,
    link: 'https://doi.org/10.1145/77626.79170',
    catalog: null,
  },
} as const satisfies Readonly<Record<string, Paper>>;

/** A readable name for a paper. */
export type PaperKey = keyof typeof papers;
