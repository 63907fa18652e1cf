// Which command the fuzzer tries next.
import * as Command from "../../ts/abi/command.ts";
import type { Chance } from "../core.ts";
import { legal, type Twin } from "../oracle/psp.ts";
import { never } from "./lives.ts";
import type { Reached } from "./reached.ts";
import type { Name } from "./rig.ts";

const names = (Object.keys(Command) as Name[]).filter((name) => legal.has(Command[name]));

/** One in how many is tried of commands that end much, cost curves or 512 pages, or are refused ever. */
const rarity: Partial<Record<Name, number>> = {
  ...{ SHUTDOWN: 60, SNP_SHUTDOWN: 60, SNP_SHUTDOWN_EX: 60, PLATFORM_RESET: 60 },
  ...{ DEACTIVATE: 8, SNP_DEACTIVATE: 6, SNP_LAUNCH_FINISH: 4 },
  ...{ SEND_FINISH: 8, SEND_CANCEL: 8, RECEIVE_FINISH: 8 },
  ...{ DECOMMISSION: 2, SNP_DECOMMISSION: 6, SNP_PAGE_SET_STATE: 20, SNP_PAGE_UNSMASH: 20 },
  ...{ PEK_GEN: 40, PDH_GEN: 40, PEK_CSR: 20, PDH_CERT_EXPORT: 20, PEK_CERT_IMPORT: 20 },
  ...{ SEND_START: 4, RECEIVE_START: 4, RING_BUFFER: 20, SWAP_OUT: 20, SWAP_IN: 20, NOP: 20 },
};
/** Of what few guests are ready for, one in so many steps tries what there is. */
const FLEETING = 4;
const fleeting: readonly Name[] = [
  "SEND_UPDATE_DATA",
  "SEND_UPDATE_VMSA",
  "RECEIVE_UPDATE_DATA",
  "RECEIVE_UPDATE_VMSA",
];
/** Until a command has succeeded so often, one in so many steps seeks it. */
const SOUGHT = 3;
const SEEKING = 8;
/** SNP begins anew only after the legacy platform was shut down. */
const STUCK = 4;

export class Choice {
  readonly #chance: Chance;
  readonly #twin: Twin;
  readonly #reached: Reached;

  constructor(chance: Chance, twin: Twin, reached: Reached) {
    this.#chance = chance;
    this.#twin = twin;
    this.#reached = reached;
  }

  /** A command: any, or mostly one that is legal now; now and then one that is seldom so, or has hardly succeeded yet. */
  name(): Name {
    const few = this.#chance.once(FLEETING) ? fleeting.filter((name) => this.isLegal(name)) : [];
    if (few.length > 0) return this.#chance.pick(few);
    const sought = this.#chance.once(SEEKING) ? names.filter((name) => this.#isSought(name)) : [];
    if (sought.length > 0) return this.#chance.pick(sought);
    for (;;) {
      const name = this.#chance.pick(names);
      const isStuck = name === "SHUTDOWN" && this.#twin.snp === 0;
      if (!this.#chance.once(isStuck ? STUCK : (rarity[name] ?? 1))) continue;
      if (this.#chance.once(12) || this.isLegal(name)) return name;
    }
  }

  /** Whether the twin's table has it legal for the platform and at least one guest. */
  isLegal(name: Name): boolean {
    const { snp, sev, guest } = legal.get(Command[name])!;
    if (!snp.includes(this.#twin.snp) || !sev.includes(this.#twin.sev)) return false;
    const guests = name.startsWith("SNP_") ? this.#twin.contexts : this.#twin.handles;
    return !guest || [...guests.values()].some((state) => guest.includes(state));
  }

  #isSought(name: Name): boolean {
    const isFew = this.#reached.successes(name) < SOUGHT && !never.includes(name);
    return isFew && this.isLegal(name);
  }
}
