// The guest's RMP instructions over the slow twin, rule by rule in the order of spec digest rmp.md 4.4 to 4.6.
import { ENC, FINAL, P, RMP, Rmp, SIZEM, U } from "./rmp.ts";

/** A page as an SNP guest's kernel names it: where its tables lead, how large it maps it, who asks. */
export interface Named {
  page: number;
  gpa: bigint;
  asid: number;
  vmpl: number;
  /** The request's size, and that of the guest's mapping. */
  large: boolean;
  mapped: boolean;
}

export interface Wish {
  vmpl: number;
  permissions: number;
  vmsa: boolean;
}

const ERROR = P | U | FINAL | ENC;

/** EAX, RMPQUERY's answer, "CF" when nothing changed, "#VC", or the error code of an #NPF. */
export class GuestRmp extends Rmp {
  pvalidate(named: Named, to: boolean) {
    const fault = this.#fault(named, named.large);
    if (fault) return fault;
    const [head, entry] = this.#entry(named);
    if (named.large && !(entry.large && named.mapped)) return 6;
    if (entry.validated === to) return "CF";
    this.entries.set(head, { ...entry, validated: to });
    return 0;
  }

  rmpadjust(named: Named, wish: Wish) {
    const { vmpl } = named;
    if (wish.vmpl <= vmpl || wish.vmpl > 3) return 2;
    const fault = this.#fault(named, named.large);
    if (fault) return fault;
    const [head, entry] = this.#entry(named);
    if (!entry.validated) return "#VC";
    if (named.large && !(entry.large && named.mapped)) return 6;
    if ((wish.permissions & entry.masks[vmpl]!) !== wish.permissions) return 2;
    const masks = entry.masks.map((mask, level) => (level === wish.vmpl ? wish.permissions : mask));
    this.entries.set(head, { ...entry, masks, vmsa: vmpl === 0 ? wish.vmsa : entry.vmsa });
    return 0;
  }

  rmpquery(named: Named, target: number) {
    if (target < named.vmpl || target > 3) return 2;
    const fault = this.#fault(named, true);
    if (fault) return fault;
    const { validated, masks, vmsa, large } = this.#entry(named)[1];
    return validated ? { eax: 0, permissions: masks[target]!, vmsa, large } : "#VC";
  }

  #entry({ page }: Named) {
    const head = this.head(page);
    return [head, this.own(head)] as const;
  }

  /** The error code of the #NPF that the entry causes, or nothing. */
  #fault(named: Named, large: boolean): bigint | undefined {
    const owner = this.owner(named.page, named.gpa, named.asid);
    if (owner) return ERROR | owner;
    return this.#entry(named)[1].large && !large ? ERROR | RMP | SIZEM : undefined;
  }
}
