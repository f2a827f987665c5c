/** The scaling step of unbalanced optimal transport: marginals are penalised, not prescribed. */
import { InvalidInputError } from '../device/errors';
import { defineKernel } from '../device/kernel';
import type { Tensor } from '../device/tensor';
import { f32, u32 } from '../device/uniforms';
import { requireLength } from './pairs';

/**
 * What a marginal p pays for not being a: `rho sum p log(p/a) - p + a` (Kullback-Leibler), or `rho sum |p - a|` (total
 * variation). An infinite rho prescribes the marginal.
 */
export interface MarginalPenalty {
  readonly penalty: 'kullback-leibler' | 'total-variation';
  /** Positive; in the units of the cost. */
  readonly rho: number;
}

/** The tensors of one side: each has one element per row (or column). */
export interface UnbalancedSide<T extends Tensor = Tensor> {
  /** f + base, in `P_ij = exp((f_i + base_i + g_j + base_j - C_ij) / epsilon)`. Written. */
  readonly potential: T;
  /** epsilon times the logarithm of the side's share of the reference measure. */
  readonly base: T;
  /** log a. */
  readonly logWeights: T;
  /** The mass that the step creates or destroys in each row. Written. */
  readonly moved: T;
}

/**
 * One step in place (Chizat, Peyre, Schmitzer and Vialard 2018): with u = f + epsilon (log a - logSums), f becomes
 * `u rho / (rho + epsilon)` for Kullback-Leibler, and u cut off at -rho and rho for total variation. Returns the potential.
 */
export const unbalancedStep = defineKernel({
  name: 'unbalancedStep',
  summary: 'One Sinkhorn step with a penalised marginal, in place, and the mass that it creates or destroys per row.',
  shaders: ['transport/unbalanced_step'],
  cost: (side: UnbalancedSide, _logSums: Tensor, _epsilon: number, _penalty: MarginalPenalty) => ({
    flops: 44 * side.potential.size,
    bytes: 24 * side.potential.size,
  }),
  webgpu(gpu, side, logSums, epsilon, penalty): Tensor {
    const { potential, base, logWeights, moved } = side;
    checkSide(side, logSums, penalty);
    gpu.dispatch({
      shader: 'transport/unbalanced_step',
      conditions: { totalVariation: penalty.penalty === 'total-variation' },
      uniforms: {
        size: u32(potential.size),
        epsilon: f32(epsilon),
        damping: f32(dampingOf(penalty, epsilon)),
        limit: f32(Math.min(penalty.rho, 3e38)),
      },
      reads: [logSums, logWeights, base],
      writes: [potential, moved],
      workgroups: [Math.ceil(potential.size / 64)],
    });
    return potential;
  },
  reference(_cpu, side, logSums, epsilon, penalty) {
    const { potential, base, logWeights, moved } = side;
    checkSide(side, logSums, penalty);
    const { rho } = penalty;
    for (let i = 0; i < potential.size; i++) {
      const f = (potential.data[i] ?? 0) - (base.data[i] ?? 0);
      const u = f + epsilon * ((logWeights.data[i] ?? 0) - (logSums.data[i] ?? 0));
      const next =
        penalty.penalty === 'total-variation' ? Math.min(rho, Math.max(-rho, u)) : u * dampingOf(penalty, epsilon);
      const mass = Math.exp(logSums.data[i] ?? 0);
      potential.data[i] = next + (base.data[i] ?? 0);
      moved.data[i] = Math.abs(mass * Math.expm1((next - f) / epsilon));
    }
    return potential;
  },
});

const dampingOf = ({ rho }: MarginalPenalty, epsilon: number): number =>
  Number.isFinite(rho) ? rho / (rho + epsilon) : 1;

function checkSide({ potential, base, logWeights, moved }: UnbalancedSide, logSums: Tensor, { rho }: MarginalPenalty) {
  if (!(rho > 0)) throw new InvalidInputError('rho must be a positive number.', { field: 'rho' });
  requireLength(logSums, potential.size, 'logSums');
  requireLength(base, potential.size, 'base');
  requireLength(logWeights, potential.size, 'logWeights');
  requireLength(moved, potential.size, 'moved');
}
