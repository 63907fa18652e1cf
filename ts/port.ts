// The five objects through which everything touches the silicon, and what they carry. Made by ts/core.ts.
import type * as Events from "./abi/events.ts";

/** Why an access was refused: the exit record. See ts/abi/exit.ts for kinds, codes and bits. */
export interface Exit {
  kind: number;
  code: bigint;
  info1: bigint;
  info2: bigint;
  gva: bigint;
  gpa: bigint;
  spa: bigint;
}

/** What of a vCPU an access needs. cr3 is a gpa, ncr3 an spa; each with the C-bit where it is encrypted. */
export interface VcpuContext {
  asid: number;
  vmpl: number;
  cpl: 0 | 3;
  sev: boolean;
  es: boolean;
  snp: boolean;
  paging: boolean;
  cr3: bigint;
  ncr3: bigint;
}

/** rmp_state of RMPUPDATE. APM vol. 3. */
export interface RmpState {
  gpa: bigint;
  assigned: boolean;
  pageSize: "4k" | "2m";
  immutable: boolean;
  asid: number;
}

/** What RMPREAD shows of an entry. APM vol. 3. */
export interface RmpRead extends RmpState {
  /** At the start of a 2 MiB region: whether another entry of the region is assigned. */
  regionAssigned: boolean;
}

/** RDX of RMPADJUST. Permissions by bit as ts/abi/rmp.ts has them. */
export interface RmpAdjust {
  vmpl: number;
  permissions: number;
  /** Whether the page may be a VMSA; counts at VMPL0 only. */
  vmsa: boolean;
}

/** RMPQUERY's answer: EAX, RDX[15:8], RDX[16] and RCX. */
export interface RmpQuery {
  eax: number;
  permissions: number;
  vmsa: boolean;
  large: boolean;
}

/** A counter's name, as ts/abi/events.ts has it. */
export type EventName = Exclude<keyof typeof Events, "SIZE">;

/** A guest's view: everything by gva, as the vCPU loaded last. False: refused, and `exit()` says why. */
export interface GuestPort {
  load(vcpu: VcpuContext): void;
  /** Whether VMRUN would enter: SEV needs an activated key under the ASID. */
  mayRun(): boolean;
  read(gva: bigint, into: Uint8Array): boolean;
  fetch(gva: bigint, into: Uint8Array): boolean;
  write(gva: bigint, from: Uint8Array): boolean;
  /** EAX and CF, or undefined when refused. */
  pvalidate(
    gva: bigint,
    large: boolean,
    validate: boolean,
  ): { eax: number; carry: boolean } | undefined;
  /** EAX, or undefined when refused. */
  rmpadjust(gva: bigint, large: boolean, to: RmpAdjust): number | undefined;
  rmpquery(gva: bigint, vmpl: number): RmpQuery | undefined;
  /** The hypervisor's instructions, executed in a guest: FAIL_PERMISSION, or undefined for a fault. */
  rmpupdate(spa: bigint, state: RmpState): number | undefined;
  psmash(spa: bigint): number | undefined;
  rmpread(spa: bigint): number | undefined;
  /** Writes a leaf entry at level 0 or 1, reaching tables at linear + gpa; see assembly/table.ts. */
  map(
    root: bigint,
    gva: bigint,
    leaf: bigint,
    level: number,
    linear: bigint,
    links: bigint[],
  ): number;
  /** Leaves for the hypervisor with an exit code of its own: an intercepted instruction. */
  vmexit(code: number, info1?: bigint, info2?: bigint): void;
  /** Counts bytes that the guest copied through shared memory. */
  noteBounce(bytes: number): void;
  replay: ReplayPort;
  exit(): Exit;
}

/** Runs trace records as the vCPU loaded last. See assembly/replay.ts. */
export interface ReplayPort {
  /** Copies records (ts/abi/record.ts) to the batch; `ordinal` is the number of the first. */
  fill(records: Uint8Array, ordinal: bigint): void;
  /** Runs records from one place in the batch to another. Says where it stopped and why (ts/abi/replay.ts). */
  run(from: number, to: number): { at: number; stop: number };
  /** False when refused. */
  writeImage(gva: bigint): boolean;
  foldPage(gva: bigint): boolean;
  fold(bytes: Uint8Array): void;
  /** What a device gives for a piece of the transfer that is record `ordinal`. */
  deviceBytes(ordinal: bigint, offset: bigint, into: Uint8Array): void;
  /** Notes or compares the digest after a record that was run by the host. */
  agree(at: number): boolean;
  setSeed(seed: bigint): void;
  setCheck(check: number): void;
  digest(): bigint;
  setDigest(digest: bigint): void;
  /** The digests that the reference noted for the batch, and the place to put them. */
  expected(): Uint8Array;
  expect(digests: Uint8Array): void;
}

/** The host's software, who is the attacker: by spa, with or without the SME key, stores RMP-checked. */
export interface HostPort {
  read(spa: bigint, into: Uint8Array, encrypted?: boolean): boolean;
  write(spa: bigint, from: Uint8Array, encrypted?: boolean): boolean;
  /** EAX, or undefined for the #UD of a machine without SNP. */
  rmpupdate(spa: bigint, state: RmpState): number | undefined;
  psmash(spa: bigint): number | undefined;
  /** EAX and, when it is 0, the entry; undefined for #UD: the part has no RMPREAD. */
  rmpread(spa: bigint): { eax: number; entry?: RmpRead } | undefined;
  mapNested(root: bigint, gpa: bigint, leaf: bigint, level: number, links: bigint[]): number;
  nestedEntry(root: bigint, gpa: bigint): bigint;
  flushAsid(asid: number): void;
  wbinvd(): void;
  invd(): void;
  readRegister(offset: number): number;
  writeRegister(offset: number, value: number): void;
  attach(device: number, ncr3: bigint): boolean;
  exit(): Exit;
}

/** A device's requests, by device id and gpa. */
export interface DevicePort {
  read(device: number, gpa: bigint, into: Uint8Array): boolean;
  write(device: number, gpa: bigint, from: Uint8Array): boolean;
  exit(): Exit;
}

/** Bulk hashing and authenticated encryption inside the core. */
export interface CryptoPort {
  /** SHA-384 of the parts, one after the other: 48 bytes. FIPS 180-4. */
  sha384(...parts: Uint8Array[]): Uint8Array;
  /** AES-GCM (SP 800-38D) under 16 or 32 bytes of key and 12 of IV: the ciphertext, then its tag of 16 bytes. Throws Misuse for
   *  other sizes, and for more than 28 KiB of either. */
  seal(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext of what `seal` made; undefined where the tag is another. */
  open(
    key: Uint8Array,
    iv: Uint8Array,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | undefined;
}

/** The secure processor's view: any key, RMP entries, key slots, the other side of the mailbox. */
export interface FirmwarePort extends CryptoPort {
  onDoorbell(listener: () => void): void;
  respond(status: number): void;
  command(): { id: number; buffer: bigint };
  read(spa: bigint, key: number, into: Uint8Array): boolean;
  write(spa: bigint, key: number, from: Uint8Array): boolean;
  rmp(spa: bigint): { low: bigint; high: bigint };
  setRmp(spa: bigint, low: bigint, high: bigint): boolean;
  /** Keys of 16 bytes (AES-128) or 32 (AES-256). */
  installKey(asid: number, key: Uint8Array, tweakKey: Uint8Array): void;
  removeKey(asid: number): void;
  /** Slot.EMPTY, ACTIVE or LEAVING. */
  slotState(asid: number): number;
  /** How often the host ran WBINVD. */
  flushes(): number;
  /** How many validated RMP entries name an ASID. */
  validatedOf(asid: number): bigint;
  bind(device: number, ncr3: bigint, asid: number, vmpl: number): void;
  unbind(device: number): void;
}

/** A probe on the chips. Reading shows memory as if dirty lines had just been written back. */
export interface DimmPort {
  read(spa: bigint, into: Uint8Array): boolean;
  write(spa: bigint, from: Uint8Array): boolean;
}

export interface Core {
  guest: GuestPort;
  host: HostPort;
  device: DevicePort;
  firmware: FirmwarePort;
  dimm: DimmPort;
  events(): Record<EventName, bigint>;
  /** Exits of the guest's own making (not #NPF), by code. */
  exits(): ReadonlyMap<number, number>;
  framesInUse(): number;
}
