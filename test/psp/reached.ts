// What a run of the fuzzer has reached: commands that succeeded, and states of pages, guests and the platform.
import { pageAt } from "../../dist/psp/page.js";
import { commands } from "../../dist/psp/table.js";
import * as Command from "../../ts/abi/command.ts";
import type { Twin } from "../oracle/psp.ts";
import { never } from "./lives.ts";
import type { Name, Rig } from "./rig.ts";

/** The commands of SEV-TIO begin there; test/tio has them. */
const TIO = 0x0d0;
/** Every page of the board is covered by the RMP, so none is Default. */
const pageStates =
  "hypervisor hv-fixed firmware reclaim context metadata pre-guest pre-swap guest-invalid guest-valid";
const all: Readonly<Record<string, readonly string[]>> = {
  command: (Object.keys(Command) as Name[]).filter(
    (name) => commands.has(Command[name]) && Command[name] < TIO && !never.includes(name),
  ),
  page: pageStates.split(" "),
  "SNP guest": ["INIT", "LAUNCH", "RUNNING"],
  "SNP guest with debugging": ["", "LAUNCH", "RUNNING"],
  "SEV guest": ["", "LUPDATE", "LSECRET", "RUNNING", "SUPDATE", "RUPDATE", "SENT"],
  platform: ["0 0", "0 1", "0 2", "1 0", "1 1", "1 2"],
};

export class Reached {
  readonly #counts = new Map<string, number>();

  note(kind: string, state: string, count = 1): void {
    const key = `${kind} ${state}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  /** How often a command has succeeded. */
  successes(name: Name): number {
    return this.#counts.get(`command ${name}`) ?? 0;
  }

  /** Notes the states that the twin has, those of some pages, and whether a guest may be debugged. */
  look(rig: Rig, twin: Twin, pages: readonly bigint[], gctx: bigint | undefined): void {
    this.note("platform", `${twin.snp} ${twin.sev}`);
    for (const state of twin.contexts.values())
      this.note("SNP guest", guestName("SNP guest", state));
    for (const state of twin.handles.values())
      this.note("SEV guest", guestName("SEV guest", state));
    for (const spa of pages) this.note("page", pageAt(rig.lab.core.firmware, spa).state);
    const state = gctx === undefined ? undefined : twin.contexts.get(gctx);
    const guest = state ? rig.psp.contexts.open(gctx as bigint) : 0;
    if (state === undefined || typeof guest === "number") return;
    const kind = "SNP guest with debugging";
    if (rig.psp.dialect.allowsDebug(guest.policy)) this.note(kind, guestName(kind, state));
  }

  /** What of a kind was never reached; of every kind together. */
  missing(): string[] {
    const wanted = Object.entries(all).flatMap(([kind, states]) =>
      states.filter((state) => state !== "").map((state) => `${kind} ${state}`),
    );
    return wanted.filter((key) => !this.#counts.has(key));
  }

  add(other: Reached): void {
    for (const [key, count] of other.#counts)
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  /** A line a kind: how often each state was seen. */
  lines(): string[] {
    return Object.entries(all).map(([kind, states]) => {
      const seen = states.filter((state) => state !== "");
      const shown = seen.map((state) => `${state} ${this.#counts.get(`${kind} ${state}`) ?? 0}`);
      return `${kind}: ${shown.join(", ")}`;
    });
  }
}

const guestName = (kind: string, state: number): string => all[kind]?.[state] as string;
