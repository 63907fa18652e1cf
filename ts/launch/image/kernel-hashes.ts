// The table by which firmware knows the kernel, initrd and command line that QEMU hands it. target/i386/sev.c.
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import * as Entry from "../../abi/kernel-hash.ts";
import * as Layout from "../../abi/kernel-hashes.ts";
import { Misuse } from "../../error.ts";
import { guidBytes } from "./guid.ts";

const TABLE = "9438d606-4f22-4cc9-b479-a793d411fd21";
const CMDLINE = "97d02dd8-bd20-4c94-aa78-e7714d36ab2a";
const INITRD = "44baf731-3a2f-4bd7-9af1-41e29169781d";
const KERNEL = "4de79437-abd2-427f-b835-d5b172d2045b";

const PAGE = 0x1000;

/** SHA-256 of each, 32 bytes. All that a launch needs of a kernel. */
export interface KernelHashes {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  readonly cmdline: Uint8Array;
}

/** Hashes files as QEMU does: no initrd is an empty one, and the command line ends in a zero byte. */
export function hashKernel(
  kernel: Uint8Array,
  initrd: Uint8Array = new Uint8Array(0),
  append = "",
): KernelHashes {
  if (append.includes("\0")) throw new Misuse("append: a zero byte in the command line");
  return {
    kernel: sha256(kernel),
    initrd: sha256(initrd),
    cmdline: sha256(utf8ToBytes(`${append}\0`)),
  };
}

function putEntry(table: Uint8Array, at: number, guid: string, hash: Uint8Array): void {
  table.set(guidBytes(guid), at + Entry.GUID);
  new DataView(table.buffer).setUint16(at + Entry.LENGTH, Entry.SIZE, true);
  table.set(hash, at + Entry.HASH);
}

/** The padded table, 176 bytes: what SEV and SEV-ES measure. */
export function hashTable(hashes: KernelHashes): Uint8Array {
  const table = new Uint8Array(Layout.SIZE);
  table.set(guidBytes(TABLE), Layout.GUID);
  new DataView(table.buffer).setUint16(Layout.LENGTH, Layout.UNPADDED, true);
  putEntry(table, Layout.CMDLINE, CMDLINE, hashes.cmdline);
  putEntry(table, Layout.INITRD, INITRD, hashes.initrd);
  putEntry(table, Layout.KERNEL, KERNEL, hashes.kernel);
  return table;
}

/** The page that SNP measures: zero but for the table, which stands where the firmware looks for it. */
export function hashPage(hashes: KernelHashes, tableGpa: number): Uint8Array {
  const at = tableGpa % PAGE;
  if (at + Layout.SIZE > PAGE) {
    throw new Misuse(
      `hash table: ${Layout.SIZE} bytes at 0x${tableGpa.toString(16)} leave the page`,
    );
  }
  const page = new Uint8Array(PAGE);
  page.set(hashTable(hashes), at);
  return page;
}
