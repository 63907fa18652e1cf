// The scratch area of an event: in the GHCB's shared buffer, or elsewhere in shared memory. KVM setup_vmgexit_scratch.
import * as Layout from "../../abi/ghcb.ts";
import type { Event } from "./state.ts";

const PAGE = 0x1000n;
const OFFSET = PAGE - 1n;
const WHOLE = 64n;

/** Bytes of the guest that an event reads and writes. */
export interface Scratch {
  /** The hypervisor's copy. */
  readonly bytes: Uint8Array;
  /** Writes the copy back. False: the area is not the hypervisor's to write. */
  store(): boolean;
}

/** The `length` bytes at SW_SCRATCH; undefined when there is no such area (error 3). */
export function scratchOf(event: Event, length: number): Scratch | undefined {
  const at = event.page.get(Layout.SW_SCRATCH);
  const end = at + BigInt(length);
  if (at === 0n || end >> WHOLE !== 0n) return undefined;
  return (at & ~OFFSET) === event.gpa ? within(event, at, length) : beyond(event, at, length);
}

/** Within the GHCB it must lie in the shared buffer as a whole. */
function within({ vm, page, gpa }: Event, at: bigint, length: number): Scratch | undefined {
  const offset = Number(at - gpa);
  if (offset < Layout.SHARED_BUFFER || offset + length > Layout.RESERVED_FF0) return undefined;
  const spa = vm.spaOf(at);
  if (spa === undefined) return undefined;
  const bytes = page.bytes.subarray(offset, offset + length);
  return { bytes, store: () => vm.host.write(spa, bytes) };
}

function beyond({ vm }: Event, at: bigint, length: number): Scratch | undefined {
  if (length > Layout.SCRATCH_PAGES * Layout.SIZE) return undefined;
  const bytes = new Uint8Array(length);
  if (!readGuest(vm, at, bytes)) return undefined;
  return { bytes, store: () => writeGuest(vm, at, bytes) };
}

type Memory = Pick<Event["vm"], "host" | "spaOf">;

/** Reads guest physical memory as the host sees it: what is private there is ciphertext. */
export function readGuest(memory: Memory, gpa: bigint, into: Uint8Array): boolean {
  return eachPage(memory, gpa, into, (spa, piece) => memory.host.read(spa, piece));
}

/** Writes guest physical memory. False, and nothing written to the rest, at the first page that is not the hypervisor's. */
export function writeGuest(memory: Memory, gpa: bigint, from: Uint8Array): boolean {
  return eachPage(memory, gpa, from, (spa, piece) => memory.host.write(spa, piece));
}

function eachPage(
  memory: Memory,
  gpa: bigint,
  bytes: Uint8Array,
  act: (spa: bigint, piece: Uint8Array) => boolean,
): boolean {
  for (let done = 0; done < bytes.length; ) {
    const at = gpa + BigInt(done);
    const piece = bytes.subarray(done, done + Number(PAGE - (at & OFFSET)));
    const spa = memory.spaOf(at);
    if (spa === undefined || !act(spa, piece)) return false;
    done += piece.length;
  }
  return true;
}
