// Slots of a bounce pool: runs of them, looked for from where the last one ended. Linux kernel/dma/swiotlb.c, swiotlb_search_area.

/** Bytes of a slot. */
export const SLOT = 0x1000;

export class Slots {
  readonly #used: boolean[];
  #next = 0;

  constructor(count: number) {
    this.#used = new Array(count).fill(false);
  }

  /** How many are free. */
  get free(): number {
    return this.#used.filter((used) => !used).length;
  }

  /** The first of so many free slots in a row; undefined when there are none. */
  take(count: number): number | undefined {
    const { length } = this.#used;
    for (let tried = 0; tried < length; tried++) {
      const first = (this.#next + tried) % length;
      if (first + count > length || this.#used.slice(first, first + count).includes(true)) continue;
      this.#used.fill(true, first, first + count);
      this.#next = (first + count) % length;
      return first;
    }
    return undefined;
  }

  give(first: number, count: number): void {
    this.#used.fill(false, first, first + count);
  }
}
