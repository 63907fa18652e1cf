// What a driver that knows what it does would put into a command's buffer as things stand; for the fuzzer, which then bends it.
// Nothing here judges: a command may well be refused, for a page or a guest is no longer what it was.
import { makeFirmware, makePreGuest } from "../../dist/hypervisor/page-state.js";
import type { bufferOf } from "../../dist/layout.js";
import { type Page, pageAt } from "../../dist/psp/page.js";
import type { PageState } from "../../dist/rmp.js";
import type { Chance } from "../core.ts";
import type { Twin } from "../oracle/psp.ts";
import type { Name, Rig } from "./rig.ts";

export type Values = Parameters<typeof bufferOf>[1];

/** What the driver sees. */
export class Sight {
  readonly rig: Rig;
  readonly twin: Twin;
  readonly chance: Chance;
  readonly pages: readonly bigint[];
  /** 2 MiB that no guest has at first. */
  readonly large: bigint;
  /** What the driver keeps of earlier answers, each under a name of its own. */
  readonly kept: Map<string, unknown> = new Map<string, unknown>();

  constructor(rig: Rig, twin: Twin, chance: Chance, pages: readonly bigint[], large: bigint) {
    this.rig = rig;
    this.twin = twin;
    this.chance = chance;
    this.pages = pages;
    this.large = large;
  }

  page(spa: bigint): Page {
    return pageAt(this.rig.lab.core.firmware, spa);
  }

  /** A page in a state, of a guest if one is named, that is none of `but`. */
  find(
    state: PageState,
    asid = 0,
    { but = [], gpa }: { but?: readonly (bigint | undefined)[]; gpa?: bigint } = {},
  ): bigint | undefined {
    const fits = this.pages.filter((spa) => {
      const page = this.page(spa);
      const isRight = page.state === state && page.asid === asid && !but.includes(spa);
      return isRight && (gpa === undefined || page.gpa === gpa);
    });
    return fits.length > 0 ? this.chance.pick(fits) : undefined;
  }

  /** A Pre-Guest page of a guest's, at a gpa if one is named; the driver makes one if there is none. */
  offer(asid: number, gpa?: bigint): bigint | undefined {
    const there = this.find("pre-guest", asid, gpa === undefined ? {} : { gpa });
    if (there !== undefined) return there;
    const spa = this.find("hypervisor");
    if (spa !== undefined)
      makePreGuest(this.rig.host, spa, gpa ?? BigInt(this.chance.below(4)) << 12n, asid, false);
    return spa;
  }

  /** A page that a guest is asked to give up; the driver makes one of what it has. */
  leaving(asid: number): bigint | undefined {
    const there = this.find("pre-swap", asid) ?? this.find("guest-valid", asid);
    if (there === undefined) return undefined;
    const { state, gpa } = this.page(there);
    if (state === "guest-valid") makePreGuest(this.rig.host, there, gpa, asid, false);
    return there;
  }

  /** A Firmware page; the driver makes one if there is none. */
  firmware(...but: (bigint | undefined)[]): bigint | undefined {
    const there = this.find("firmware", 0, { but });
    if (there !== undefined) return there;
    const spa = this.find("hypervisor", 0, { but });
    if (spa !== undefined) makeFirmware(this.rig.host, spa);
    return spa;
  }

  /** A page that the host may fill and the firmware reads, with these bytes in it. */
  bytes(bytes: Uint8Array): bigint | undefined {
    const spa = this.find("hypervisor");
    return spa !== undefined && this.rig.host.write(spa, bytes) ? spa : undefined;
  }

  /** A page that the firmware may write. */
  target(...but: (bigint | undefined)[]): bigint | undefined {
    const isSnp = this.rig.psp.platform.isSnpInit;
    return isSnp ? this.firmware(...but) : this.find("hypervisor", 0, { but });
  }

  /** Two such pages that follow one another; with bytes, two that the host has filled. */
  pair(bytes?: Uint8Array): bigint | undefined {
    const isOwn = bytes !== undefined || !this.rig.psp.platform.isSnpInit;
    const fits = (spa: bigint | undefined) =>
      spa !== undefined && this.page(spa).state === (isOwn ? "hypervisor" : "firmware");
    const at = this.pages.findIndex((spa, i) => fits(spa) && fits(this.pages[i + 1]));
    if (at < 0) return undefined;
    const spa = this.pages[at] as bigint;
    return bytes && !this.rig.host.write(spa, bytes) ? undefined : spa;
  }

  keep<T>(name: string, make: () => T): T {
    if (!this.kept.has(name)) this.kept.set(name, make());
    return this.kept.get(name) as T;
  }
}

/** Values, unless something that they need is not there. */
export function whole(values: Record<string, Values[string] | undefined>): Values | undefined {
  return Object.values(values).includes(undefined) ? undefined : (values as Values);
}

/** The right values of a command, or undefined when there are none now. */
export type Rights = Partial<Record<Name, (see: Sight) => Values | undefined>>;
/** What the driver keeps of a command that succeeded. */
export type Notes = Partial<Record<Name, (see: Sight, values: Values) => void>>;
