/** The library: open a device, make tensors, call kernels and algorithms. */
export * from './device';

export { attention, attentionWeights } from './kernels/attention';
export { attentionGradient } from './kernels/attention-gradient';
export { tuneAttention } from './kernels/attention-tuning';
export { convolve } from './kernels/convolution';
export { crossEntropyGradient, crossEntropyRows } from './kernels/cross-entropy';
export { squaredDistances } from './kernels/distances';
export { affine, axpy, combine, map } from './kernels/elementwise';
export { fft, inverseRealFft, multiplySpectra, realFft } from './kernels/fourier';
export { gatherRows, scatterAddRows, scatterRows } from './kernels/gather';
export { expertTiles, groupedMatmul } from './kernels/grouped-matmul';
export { histogram } from './kernels/histogram';
export { histogramAscent } from './kernels/histogram-ascent';
export { maskedChainLogits, revealTokens } from './kernels/masked-chain';
export { matmul, matmulVariants, tuneMatmul } from './kernels/matmul';
export { layerNorm, layerNormGradient, rmsNorm, rmsNormGradient, rowMoments } from './kernels/normalization';
export { packPoints } from './kernels/pairs';
export { patches } from './kernels/patches';
export { colorMap, downsample, imageToTensor, tensorToImage } from './kernels/picture';
export { contractRows, listMonomials, monomialCount, monomialFeatures, rowProducts } from './kernels/polynomial';
export { contractAtoms, productAtoms, projectOntoSimplex } from './kernels/product-atoms';
export { Philox, randomIntegers, randomNormal, randomUniform } from './kernels/random';
export { reduceAll, reduceColumns, reduceRows } from './kernels/reduce';
export { resolventNorms } from './kernels/resolvent';
export { measureRoofline } from './kernels/roofline';
export { countCategories, sampleCategorical } from './kernels/sampling';
export { linearRecurrence, prefixMax, prefixSum } from './kernels/scan';
export { segmentedReduce } from './kernels/segments';
export { logSoftmaxRows, softmaxMethods, softmaxRows } from './kernels/softmax';
export { checkedSort, countingSort, firstNaN, radixSort } from './kernels/sort';
export { driveModes, readModes, vandermondeKernel } from './kernels/state-space';
export { tensorAttention } from './kernels/tensor-attention';
export { topK } from './kernels/top-k';
export { barycentricMap, logSumExpOverPairs, marginalError, planCosts, updatePotential } from './kernels/transport';
export { cTransform, largestCosts, planPicture } from './kernels/transport-dual';
export { transpose } from './kernels/transpose';

export { exactOperator, gradientsThrough, polynomialOperator } from './algorithms/attention-operator';
export { solveBarycenter } from './algorithms/barycenter';
export { certifyTransport } from './algorithms/certificate';
export { freeSupportBarycenter } from './algorithms/free-support-barycenter';
export { gaussianBridge } from './algorithms/gaussian-bridge';
export { gaussianTransport } from './algorithms/gaussian-transport';
export { gridDivergences } from './algorithms/grid-transport';
export { diagonalFactor, hippoKernel, hippoLegS, hippoTransfer, normalPart } from './algorithms/hippo';
export { lineTransport } from './algorithms/line-transport';
export { solveInContext } from './algorithms/looped-transformer';
export { buildSolver, countParameters } from './algorithms/looped-weights';
export { adaptationStep } from './algorithms/low-rank-adaptation';
export { chainOfText, firstHitting, smallSteps } from './algorithms/masked-diffusion';
export { gaussianDistanceSquared, inverseMatrixRoot, matrixRoot } from './algorithms/matrix-root';
export { mixtureOfExperts, modeCost } from './algorithms/mixture-of-experts';
export { multimarginalPlan, solveMultimarginal } from './algorithms/multimarginal';
export { denoise, nonLocalMeans } from './algorithms/non-local-means';
export { exponentialPolynomial, polynomialAttention } from './algorithms/polynomial-attention';
export { atomsOf, mixturesOf, productFactorization, startingDictionary } from './algorithms/product-dictionary';
export { polynomialPyramidAttention, pyramidAttention } from './algorithms/pyramid-attention';
export {
  compete,
  expertLoads,
  limitCapacity,
  loadStatistics,
  routePrototypes,
  routeTopK,
  routeTopP,
  selfSelect,
} from './algorithms/routing';
export {
  drift,
  placeMixture,
  readMixture,
  samplePlan,
  simulateBridge,
  trainBridge,
} from './algorithms/schroedinger-bridge';
export { sinkhorn, solveSinkhorn } from './algorithms/sinkhorn';
export { solveBatch } from './algorithms/sinkhorn-batch';
export { divergenceFlow, divergenceGradient, sinkhornDivergence } from './algorithms/sinkhorn-divergence';
export { solveSinkhornNewton } from './algorithms/sinkhorn-newton';
export {
  convolveStateSpace,
  diagonalTransfer,
  discretize,
  initialPoles,
  placeSystem,
  scanStateSpace,
  stateSpaceKernel,
} from './algorithms/state-space';
export { mapPoints } from './algorithms/transport-map';
export { detectWithPairs, detectWithSingles, makeTriples } from './algorithms/triple-detection';
export { gridShares, truncatedShares } from './algorithms/truncated-gumbel';
export { solveUnbalanced, unbalancedSinkhorn } from './algorithms/unbalanced';
export { uniformityDescent, uniformityGradient } from './algorithms/uniformity-descent';
export { solveWassersteinDictionary, wassersteinDictionary } from './algorithms/wasserstein-dictionary';
