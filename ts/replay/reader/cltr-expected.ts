// Where .cltr expects the next access of a kind: the file holds only the difference. docs/trace-format.md.
import * as Cltr from "../../abi/cltr.ts";

/** The row of an access of this kind by the instruction fetched last. */
export function rowOf(kind: number, fetched: number): number {
  const owned = kind >= Cltr.KIND_LOAD && kind <= Cltr.KIND_MODIFY;
  if (!owned) return Cltr.EXPECTATIONS + kind;
  return (fetched * 4 + kind) & (Cltr.EXPECTATIONS - 1);
}

export class Expected {
  // A row for each of an instruction's kinds of access; behind them one for each kind that has no instruction.
  readonly #ends = new Float64Array(Cltr.EXPECTATIONS + Cltr.KIND_LIMIT);
  #instruction = 0;

  /** The row of an access of this kind by the instruction fetched last. */
  row(kind: number): number {
    return rowOf(kind, this.#instruction);
  }

  gva(row: number): number {
    return this.#ends[row]!;
  }

  /** An access of this kind was at gva: the next is expected where it ended. */
  saw(row: number, kind: number, gva: number, bytes: number): void {
    this.#ends[row] = gva + bytes;
    if (kind === Cltr.KIND_FETCH) this.#instruction = gva | 0;
  }
}
