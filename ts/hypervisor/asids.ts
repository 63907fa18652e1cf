// The pool of ASIDs: those that were given back are used again only after a flush, which is put off until none is left. KVM's
// sev_asid_new and __sev_recycle_asids.

export class Asids {
  readonly #free: number[] = [];
  /** Given back, and not flushed since. */
  readonly #stale: number[] = [];
  readonly #flush: () => void;

  /** All from `first` to `last`; `flush` is WBINVD and DF_FLUSH. */
  constructor(first: number, last: number, flush: () => void) {
    for (let asid = last; asid >= first; asid--) this.#free.push(asid);
    this.#flush = flush;
  }

  /** The lowest one that was never used, else one that was; undefined when all are in use. */
  take(): number | undefined {
    if (this.#free.length === 0 && this.#stale.length > 0) {
      this.#flush();
      this.#free.push(...this.#stale.splice(0).reverse());
    }
    return this.#free.pop();
  }

  give(asid: number): void {
    this.#stale.push(asid);
  }
}
