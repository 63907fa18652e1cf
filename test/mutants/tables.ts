// Every table of mutants, by its subject.
import { ghcb } from "./ghcb.ts";
import { ghcbGuest } from "./ghcb-guest.ts";
import type { Mutants } from "./mutant.ts";
import { rmp } from "./rmp.ts";
import { rmpInstruction } from "./rmp-instruction.ts";
import { tio } from "./tio.ts";
import { tioLink } from "./tio-link.ts";
import { vmrun } from "./vmrun.ts";
import { walk } from "./walk.ts";

export const tables: Readonly<Record<string, Mutants[]>> = {
  "The RMP and its instructions": [...rmp, ...rmpInstruction],
  "The nested walk": walk,
  "VMRUN, the VMSA and the world switch": vmrun,
  "The GHCB": [...ghcb, ...ghcbGuest],
  "Trusted I/O": [...tio, ...tioLink],
};
