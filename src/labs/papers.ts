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
  'two-pass-softmax-2020': {
    title: 'The Two-Pass Softmax Algorithm',
    authors: 'Marat Dukhan, Artsiom Ablavatski',
    year: 2020,
    link: 'https://arxiv.org/abs/2001.04438',
    catalog: 'P257',
  },
  'masked-diffusion-2025': {
    title:
      'Masked Diffusion Models are Secretly Time-Agnostic Masked Models and Exploit Inaccurate Categorical Sampling',
    authors: 'Kaiwen Zheng, Yongxin Chen, Hanzi Mao, Ming-Yu Liu, Jun Zhu, Qinsheng Zhang',
    year: 2025,
    link: 'https://arxiv.org/abs/2409.02908',
    catalog: 'P408',
  },
  'tensor-attention-2024': {
    title: 'How to Capture Higher-order Correlations? Generalizing Matrix Softmax Attention to Kronecker Computation',
    authors: 'Josh Alman, Zhao Song',
    year: 2024,
    link: 'https://arxiv.org/abs/2310.04064',
    catalog: 'P035',
  },
  'triples-2023': {
    title: 'Representational Strengths and Limitations of Transformers',
    authors: 'Clayton Sanford, Daniel Hsu, Matus Telgarsky',
    year: 2023,
    link: 'https://arxiv.org/abs/2306.02896',
    catalog: null,
  },
  'fast-attention-2023': {
    title: 'Fast Attention Requires Bounded Entries',
    authors: 'Josh Alman, Zhao Song',
    year: 2023,
    link: 'https://arxiv.org/abs/2302.13214',
    catalog: null,
  },
  'visual-autoregressive-2025': {
    title:
      'On Computational Limits and Provably Efficient Criteria of Visual Autoregressive Models: A Fine-Grained Complexity Analysis',
    authors: 'Yekun Ke, Xiaoyu Li, Yingyu Liang, Zhizhou Sha, Zhenmei Shi, Zhao Song',
    year: 2025,
    link: 'https://arxiv.org/abs/2501.04377',
    catalog: 'P149',
  },
  'low-rank-adaptation-limits-2025': {
    title: 'Computational Limits of Low-Rank Adaptation (LoRA) for Transformer-Based Models',
    authors: 'Jerry Yao-Chieh Hu, Maojiang Su, En-Jui Kuo, Zhao Song, Han Liu',
    year: 2025,
    link: 'https://arxiv.org/abs/2406.03136',
    catalog: 'P189',
  },
  'attention-2017': {
    title: 'Attention Is All You Need',
    authors:
      'Ashish Vaswani, Noam Shazeer, Niki Parmar, Jakob Uszkoreit, Llion Jones, Aidan N. Gomez, Łukasz Kaiser, Illia Polosukhin',
    year: 2017,
    link: 'https://arxiv.org/abs/1706.03762',
    catalog: null,
  },
  'grouped-query-2023': {
    title: 'GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints',
    authors: 'Joshua Ainslie, James Lee-Thorp, Michiel de Jong, Yury Zemlyanskiy, Federico Lebrón, Sumit Sanghai',
    year: 2023,
    link: 'https://arxiv.org/abs/2305.13245',
    catalog: null,
  },
  'flash-decoding-2023': {
    title: 'Flash-Decoding for long-context inference',
    authors: 'Tri Dao, Daniel Haziza, Francisco Massa, Grigory Sizov',
    year: 2023,
    link: 'https://crfm.stanford.edu/2023/10/12/flashdecoding.html',
    catalog: null,
  },
  'kwon-lyu-2023': {
    title:
      'Complexity of Block Coordinate Descent with Proximal Regularization and Applications to Wasserstein CP-dictionary Learning',
    authors: 'Dohyun Kwon, Hanbaek Lyu',
    year: 2023,
    link: 'https://arxiv.org/abs/2306.02420',
    catalog: 'P135',
  },
  'rolet-2016': {
    title: 'Fast Dictionary Learning with a Smoothed Wasserstein Loss',
    authors: 'Antoine Rolet, Marco Cuturi, Gabriel Peyré',
    year: 2016,
    link: 'https://proceedings.mlr.press/v51/rolet16.html',
    catalog: null,
  },
  'diagonal-state-space-2022': {
    title: 'On the Parameterization and Initialization of Diagonal State Space Models',
    authors: 'Albert Gu, Ankit Gupta, Karan Goel, Christopher Ré',
    year: 2022,
    link: 'https://arxiv.org/abs/2206.11893',
    catalog: 'P420',
  },
  'perturb-then-diagonalize-2023': {
    title: 'Robustifying State-space Models for Long Sequences via Approximate Diagonalization',
    authors: 'Annan Yu, Arnur Nigmetov, Dmitriy Morozov, Michael W. Mahoney, N. Benjamin Erichson',
    year: 2023,
    link: 'https://arxiv.org/abs/2310.01698',
    catalog: 'P426',
  },
  'scatter-moe-2024': {
    title: 'Scattered Mixture-of-Experts Implementation',
    authors: 'Shawn Tan, Yikang Shen, Rameswar Panda, Aaron Courville',
    year: 2024,
    link: 'https://arxiv.org/abs/2403.08245',
    catalog: 'P199',
  },
  'harder-tasks-2024': {
    title: 'Harder Tasks Need More Experts: Dynamic Routing in MoE Models',
    authors:
      'Quzhe Huang, Zhenwei An, Nan Zhuang, Mingxu Tao, Chen Zhang, Yang Jin, Kun Xu, Liwei Chen, Songfang Huang, Yansong Feng',
    year: 2024,
    link: 'https://arxiv.org/abs/2403.07652',
    catalog: 'P278',
  },
  'autonomous-experts-2025': {
    title: 'Autonomy-of-Experts Models',
    authors: 'Ang Lv, Ruobing Xie, Yining Qian, Songhao Wu, Xingwu Sun, Zhanhui Kang, Di Wang, Rui Yan',
    year: 2025,
    link: 'https://arxiv.org/abs/2501.13074',
    catalog: 'P182',
  },
  'compete-2024': {
    title: 'CompeteSMoE -- Effective Training of Sparse Mixture of Experts via Competition',
    authors:
      'Quang Pham, Giang Do, Huy Nguyen, TrungTin Nguyen, Chenghao Liu, Mina Sartipi, Binh T. Nguyen, Savitha Ramasamy, Xiaoli Li, Steven Hoi, Nhat Ho',
    year: 2024,
    link: 'https://arxiv.org/abs/2402.02526',
    catalog: 'P289',
  },
  'prototypes-2021': {
    title: 'M6-T: Exploring Sparse Expert Models and Beyond',
    authors:
      'An Yang, Junyang Lin, Rui Men, Chang Zhou, Le Jiang, Xianyan Jia, Ang Wang, Jie Zhang, Jiamang Wang, Yong Li, Di Zhang, Wei Lin, Lin Qu, Jingren Zhou, Hongxia Yang',
    year: 2021,
    link: 'https://arxiv.org/abs/2105.15082',
    catalog: 'P125',
  },
  'algoformer-2024': {
    title: 'On the Expressive Power of a Variant of the Looped Transformer',
    authors:
      'Yihang Gao, Chuanyang Zheng, Enze Xie, Han Shi, Tianyang Hu, Yu Li, Michael K. Ng, Zhenguo Li, Zhaoqiang Liu',
    year: 2024,
    link: 'https://arxiv.org/abs/2402.13572',
    catalog: 'P123',
  },
  'transformers-gradient-descent-2023': {
    title: 'Transformers Learn In-Context by Gradient Descent',
    authors:
      'Johannes von Oswald, Eyvind Niklasson, Ettore Randazzo, João Sacramento, Alexander Mordvintsev, Andrey Zhmoginov, Max Vladymyrov',
    year: 2023,
    link: 'https://arxiv.org/abs/2212.07677',
    catalog: null,
  },
  'transformers-newton-2024': {
    title: 'Transformers Learn to Achieve Second-Order Convergence Rates for In-Context Linear Regression',
    authors: 'Deqing Fu, Tian-Qi Chen, Robin Jia, Vatsal Sharan',
    year: 2024,
    link: 'https://arxiv.org/abs/2310.17086',
    catalog: null,
  },
  'looped-learning-2024': {
    title: 'Looped Transformers are Better at Learning Learning Algorithms',
    authors: 'Liu Yang, Kangwook Lee, Robert Nowak, Dimitris Papailiopoulos',
    year: 2024,
    link: 'https://arxiv.org/abs/2311.12424',
    catalog: null,
  },
} as const satisfies Readonly<Record<string, Paper>>;

/** A readable name for a paper. */
export type PaperKey = keyof typeof papers;
