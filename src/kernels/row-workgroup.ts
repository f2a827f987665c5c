/** How the invocations of a workgroup share the rows of a matrix, by the kind of adapter. */
import type { WebGpuDevice } from '../device/webgpu-device';
import { isSerial } from './serial';

/** `lanes` invocations share each of `rows` rows. */
export interface RowWorkgroup {
  readonly lanes: number;
  readonly rows: number;
  /** Elements of a row that the invocations should take in one workgroup; more than a row may have. */
  readonly columns: number;
}

/** Elements that one invocation of a software adapter takes one after the other before it shares a row. */
const serialCount = 256;

/**
 * How many invocations share a row, and how many rows a workgroup takes; from the length of a row alone, so that rows have
 * the same bits whatever lies beside them. `wideCount` is how many elements an invocation of a GPU should have, at least.
 *
 * A GPU reads a row side by side. On a software adapter a barrier suspends every invocation, and what lies side by side
 * gains nothing: there an invocation takes 256 elements before it shares a row (softmax of 512 x 512 on SwiftShader with
 * two cores: 31 ms shared by 32, 15 ms by two).
 */
export function rowWorkgroup(gpu: WebGpuDevice, columns: number, wideCount = 4): RowWorkgroup {
  if (isSerial(gpu)) {
    const lanes = Math.min(64, powerOfTwo(columns / serialCount));
    return { lanes, rows: 64 / lanes, columns: serialCount * lanes };
  }
  const lanes = Math.min(256, powerOfTwo(columns / wideCount));
  return { lanes, rows: 256 / lanes, columns: wideCount * lanes };
}

/** The smallest power of two that is at least this, and 1. */
function powerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(value)));
}
