// Which pages of a guest the hypervisor has made private: what it would look up in guest_memfd's attributes.
const SMALL_PAGES = 512;
const REGION_SHIFT = 21n;

const indexOf = (gpa: bigint) => Number((gpa >> 12n) & 511n);

export class PageStates {
  readonly #regions = new Map<bigint, Uint8Array>();

  /** Notes the state of a page, or of a 2 MiB page. */
  set(gpa: bigint, large: boolean, priv: boolean): void {
    const key = gpa >> REGION_SHIFT;
    const region = this.#regions.get(key) ?? new Uint8Array(SMALL_PAGES);
    this.#regions.set(key, region);
    if (large) region.fill(Number(priv));
    else region[indexOf(gpa)] = Number(priv);
  }

  isPrivate(gpa: bigint): boolean {
    return this.#regions.get(gpa >> REGION_SHIFT)?.[indexOf(gpa)] === 1;
  }
}
