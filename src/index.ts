/** The library: open a device, make tensors, call kernels and algorithms. */
export * from './device';

export { attention, attentionWeights } from './kernels/attention';
export { squaredDistances } from './kernels/distances';
export { affine, axpy, combine, map } from './kernels/elementwise';
export { matmul, matmulVariants, tuneMatmul } from './kernels/matmul';
export { packPoints } from './kernels/pairs';
export { patches } from './kernels/patches';
export { colorMap, downsample, imageToTensor, tensorToImage } from './kernels/picture';
export { Philox, randomIntegers, randomNormal, randomUniform } from './kernels/random';
export { reduceAll, reduceColumns, reduceRows } from './kernels/reduce';
export { measureRoofline } from './kernels/roofline';
export { softmaxRows } from './kernels/softmax';
export { barycentricMap, logSumExpOverPairs, marginalError, planCosts, updatePotential } from './kernels/transport';
export { cTransform, largestCosts, planPicture } from './kernels/transport-dual';
export { transpose } from './kernels/transpose';

export { solveBarycenter } from './algorithms/barycenter';
export { certifyTransport } from './algorithms/certificate';
export { freeSupportBarycenter } from './algorithms/free-support-barycenter';
export { gaussianBridge } from './algorithms/gaussian-bridge';
export { gaussianDistanceSquared, matrixRoot } from './algorithms/matrix-root';
export { multimarginalPlan, solveMultimarginal } from './algorithms/multimarginal';
export { denoise, nonLocalMeans } from './algorithms/non-local-means';
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
export { mapPoints } from './algorithms/transport-map';
export { solveUnbalanced, unbalancedSinkhorn } from './algorithms/unbalanced';
