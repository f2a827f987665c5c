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
  'roofline-2009': {
    title: 'Roofline: An Insightful Visual Performance Model for Multicore Architectures',
    authors: 'Samuel Williams, Andrew Waterman, David Patterson',
    year: 2009,
    link: 'https://doi.org/10.1145/1498765.1498785',
    catalog: null,
  },
  'dongarra-1990': {
    title: 'A Set of Level 3 Basic Linear Algebra Subprograms',
    authors: 'Jack J. Dongarra, Jeremy Du Croz, Sven Hammarling, Iain S. Duff',
    year: 1990,
    link: 'https://doi.org/10.1145/77626.79170',
    catalog: null,
  },
  'chizat-2018': {
    title: 'Scaling Algorithms for Unbalanced Transport Problems',
    authors: 'Lénaïc Chizat, Gabriel Peyré, Bernhard Schmitzer, François-Xavier Vialard',
    year: 2018,
    link: 'https://arxiv.org/abs/1607.05816',
    catalog: null,
  },
  'benamou-2015': {
    title: 'Iterative Bregman Projections for Regularized Transportation Problems',
    authors: 'Jean-David Benamou, Guillaume Carlier, Marco Cuturi, Luca Nenna, Gabriel Peyré',
    year: 2015,
    link: 'https://arxiv.org/abs/1412.5154',
    catalog: null,
  },
  'janati-2020': {
    title: 'Debiased Sinkhorn barycenters',
    authors: 'Hicham Janati, Marco Cuturi, Alexandre Gramfort',
    year: 2020,
    link: 'https://arxiv.org/abs/2006.02575',
    catalog: null,
  },
  'multimarginal-adversarial': {
    title: 'The Multimarginal Optimal Transport Formulation of Adversarial Multiclass Classification',
    authors: 'Nicolás García Trillos, Matt Jacobs, Jakwoong Kim',
    year: 2023,
    link: 'https://arxiv.org/abs/2204.12676',
    catalog: 'P345',
  },
  'feydy-2019': {
    title: 'Interpolating between Optimal Transport and MMD using Sinkhorn Divergences',
    authors: 'Jean Feydy, Thibault Séjourné, François-Xavier Vialard, Shun-ichi Amari, Alain Trouvé, Gabriel Peyré',
    year: 2019,
    link: 'https://arxiv.org/abs/1810.08278',
    catalog: null,
  },
  'genevay-2018': {
    title: 'Learning Generative Models with Sinkhorn Divergences',
    authors: 'Aude Genevay, Gabriel Peyré, Marco Cuturi',
    year: 2018,
    link: 'https://arxiv.org/abs/1706.00292',
    catalog: null,
  },
  'sinkhorn-newton-sparse': {
    title: 'Accelerating Sinkhorn Algorithm with Sparse Newton Iterations',
    authors:
      'Xun Tang, Michael Shavlovsky, Holakou Rahmanian, Elisa Tardini, Kiran Koshy Thekumparampil, Tesi Xiao, Lexing Ying',
    year: 2024,
    link: 'https://arxiv.org/abs/2401.12253',
    catalog: 'P194',
  },
  'light-bridge-2024': {
    title: 'Light Schrödinger Bridge',
    authors: 'Alexander Korotin, Nikita Gushchin, Evgeny Burnaev',
    year: 2024,
    link: 'https://arxiv.org/abs/2310.01174',
    catalog: 'P132',
  },
  'uniformity-2024': {
    title: 'Rethinking The Uniformity Metric in Self-Supervised Learning',
    authors: 'Xianghong Fang, Jian Li, Qiang Sun, Benyou Wang',
    year: 2024,
    link: 'https://arxiv.org/abs/2403.00642',
    catalog: 'P070',
  },
  'wang-isola-2020': {
    title: 'Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere',
    authors: 'Tongzhou Wang, Phillip Isola',
    year: 2020,
    link: 'https://arxiv.org/abs/2005.10242',
    catalog: null,
  },
} as const satisfies Readonly<Record<string, Paper>>;

/** A readable name for a paper. */
export type PaperKey = keyof typeof papers;
