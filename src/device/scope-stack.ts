/** Scopes of one session: a stack, where everything allocated belongs to the innermost one. */
import type { Scope, Tensor } from './device';
import { InvalidInputError } from './errors';

// Browsers before explicit resource management (Safari up to 26, Firefox up to 140) lack the symbol that the build's
// lowered `using` looks for under this registered name. To be removed when `build.target` is a version that has it.
if (!Reflect.has(Symbol, 'dispose')) Object.defineProperty(Symbol, 'dispose', { value: Symbol.for('Symbol.dispose') });

/** Owns the tensors of a session and frees them scope by scope. */
export class ScopeStack<Owned extends Tensor> {
  #free: (tensor: Owned) => void;
  #stack: Set<Owned>[] = [new Set()];

  constructor(free: (tensor: Owned) => void) {
    this.#free = free;
  }

  /** Puts a tensor into the innermost scope. */
  own(tensor: Owned): Owned {
    this.#stack.at(-1)?.add(tensor);
    return tensor;
  }

  /** Opens a scope inside the innermost one. */
  open(): Scope {
    const owned = new Set<Owned>();
    this.#stack.push(owned);
    return {
      keep: (tensor) => {
        const outer = this.#stack[this.#stack.indexOf(owned) - 1];
        const mine = tensor as unknown as Owned;
        if (outer === undefined || !owned.delete(mine)) {
          throw new InvalidInputError('A scope can keep only a tensor that was made in it.');
        }
        outer.add(mine);
        return tensor;
      },
      [Symbol.dispose]: () => {
        const depth = this.#stack.indexOf(owned);
        if (depth < 0) return;
        // A generator that was abandoned between yields may leave inner scopes open: they end with this one.
        for (const inner of this.#stack.splice(depth)) for (const tensor of inner) this.#free(tensor);
      },
    };
  }

  /** Frees everything. */
  closeAll(): void {
    for (const owned of this.#stack) for (const tensor of owned) this.#free(tensor);
    this.#stack = [new Set()];
  }
}
