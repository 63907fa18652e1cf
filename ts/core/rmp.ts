// The RMP instructions of ts/core.ts's ports: operands in, EAX and what comes with it out.
import * as Memory from "../abi/memory.ts";
import * as Answer from "../abi/rmp-answer.ts";
import * as Layout from "../abi/rmp-state.ts";
import * as Rdx from "../abi/rmpadjust.ts";
import type { GuestPort, HostPort, RmpRead, RmpState } from "../port.ts";
import type { Silicon } from "./silicon.ts";

/** Undefined for an instruction that did not complete. */
const completed = (answer: number): number | undefined =>
  answer === Answer.REFUSED ? undefined : answer;

const bitOf = (answer: number, position: number): boolean => ((answer >>> position) & 1) === 1;

const field = (answer: number, lsb: number, width: number): number =>
  (answer >>> lsb) & (2 ** width - 1);

const eaxOf = (answer: number): number => field(answer, Answer.EAX_LSB, Answer.EAX_WIDTH);

/** The host's RMPUPDATE, PSMASH and RMPREAD. */
export function hostRmp(made: Silicon): Pick<HostPort, "rmpupdate" | "psmash" | "rmpread"> {
  const { exports, bytes } = made;
  return {
    rmpupdate(spa, state) {
      bytes.set(bytesOf(state), Memory.WINDOW);
      return completed(exports.rmpupdate(spa, Memory.WINDOW, false));
    },
    psmash: (spa) => completed(exports.psmash(spa, false)),
    rmpread(spa) {
      const eax = completed(exports.rmpread(spa, Memory.WINDOW, false));
      if (eax === undefined) return undefined;
      return eax === Layout.SUCCESS ? { eax, entry: entryOf(made) } : { eax };
    },
  };
}

type GuestInstruction = "pvalidate" | "rmpadjust" | "rmpquery" | "rmpupdate" | "psmash" | "rmpread";

/** A guest's own PVALIDATE, RMPADJUST and RMPQUERY, and the host's instructions out of place. */
export function guestRmp({ exports, bytes }: Silicon): Pick<GuestPort, GuestInstruction> {
  return {
    pvalidate(gva, large, validate) {
      const answer = completed(exports.pvalidate(gva, large ? 1 : 0, validate));
      if (answer === undefined) return undefined;
      return { eax: eaxOf(answer), carry: bitOf(answer, Answer.CARRY_BIT) };
    },
    rmpadjust(gva, large, { vmpl, permissions, vmsa }) {
      const rdx =
        (BigInt(vmpl) << BigInt(Rdx.TARGET_VMPL_LSB)) |
        (BigInt(permissions) << BigInt(Rdx.PERMISSIONS_LSB)) |
        (BigInt(vmsa) << BigInt(Rdx.VMSA_BIT));
      return completed(exports.rmpadjust(gva, large ? 1 : 0, rdx));
    },
    rmpquery(gva, vmpl) {
      const answer = completed(exports.rmpquery(gva, vmpl));
      if (answer === undefined) return undefined;
      return {
        eax: eaxOf(answer),
        permissions: field(answer, Answer.PERMISSIONS_LSB, Answer.PERMISSIONS_WIDTH),
        vmsa: bitOf(answer, Answer.VMSA_BIT),
        large: bitOf(answer, Answer.LARGE_BIT),
      };
    },
    rmpupdate(spa, state) {
      bytes.set(bytesOf(state), Memory.WINDOW);
      return completed(exports.rmpupdate(spa, Memory.WINDOW, true));
    },
    psmash: (spa) => completed(exports.psmash(spa, true)),
    rmpread: (spa) => completed(exports.rmpread(spa, Memory.WINDOW, true)),
  };
}

function bytesOf(state: RmpState): Uint8Array {
  const bytes = new Uint8Array(Layout.SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(Layout.GPA, state.gpa, true);
  bytes[Layout.ASSIGNED] = Number(state.assigned);
  bytes[Layout.PAGE_SIZE] = Number(state.pageSize === "2m") << Layout.PAGE_SIZE_BIT;
  bytes[Layout.IMMUTABLE] = Number(state.immutable);
  view.setUint32(Layout.ASID, state.asid, true);
  return bytes;
}

function entryOf({ view }: Silicon): RmpRead {
  const byte = (offset: number) => view.getUint8(Memory.WINDOW + offset);
  return {
    gpa: view.getBigUint64(Memory.WINDOW + Layout.GPA, true),
    assigned: byte(Layout.ASSIGNED) !== 0,
    pageSize: bitOf(byte(Layout.PAGE_SIZE), Layout.PAGE_SIZE_BIT) ? "2m" : "4k",
    regionAssigned: bitOf(byte(Layout.PAGE_SIZE), Layout.REGION_ASSIGNED_BIT),
    immutable: byte(Layout.IMMUTABLE) !== 0,
    asid: view.getUint32(Memory.WINDOW + Layout.ASID, true),
  };
}
