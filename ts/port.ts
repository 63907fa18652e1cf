// The five objects through which everything touches the silicon, and what they carry. Made by ts/core.ts.
import type * as Events from "./abi/events.ts";

import type { IdeCipher } from "./pcie/ide-cipher.ts";
import type { Fence, SecureEntry } from "./tio-port.ts";

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
  cpu: CpuPort;
  exit(): Exit;
}

/** The CPU as the guest that VMRUN entered has it. Answers of instructions are those of ts/abi/world.ts. */
export interface CpuPort {
  /** The register file, as ts/abi/vmsa.ts lays it out; in quadwords, and in any width. */
  readonly words: BigUint64Array;
  readonly file: DataView;
  /** ts/abi/world.ts. */
  readonly world: DataView;
  /** CR0, CR3, CR4, EFER or CPL changed. */
  refresh(): void;
  /** An instruction of `length` bytes that the host may intercept under this exit code. */
  instruction(code: number, info1: bigint, info2: bigint, length: number): number;
  /** An access was refused: what becomes of it. */
  refused(): number;
  /** The vector, error code and CR2 of the exception that is due. */
  exception(): { vector: number; error: bigint; cr2: bigint };
  /** The event to be taken now as EVENTINJ has it, or 0. */
  takeEvent(): number;
  tookEvent(): void;
  /** An indirect branch: where the core went speculatively, 0 for nowhere. */
  branch(from: bigint, to: bigint): bigint;
  /** What RDTSC reads. */
  tsc(): bigint;
  /** SEV_STATUS. */
  sevStatus(): bigint;
  /** The ASID of the guest that runs, and the page its state came from: its VMSA, or its VMCB. */
  asid(): number;
  statePage(): number;
  wbinvd(): void;
  invd(): void;
  /** Called when VMRUN has entered a guest; it returns when the guest has left. */
  onEnter(listener: () => void): void;
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
  /** VMRUN: returns at #VMEXIT, when the VMCB says why. False: a fault of the host's, and `exit()` says which. */
  vmrun(vmcb: bigint): boolean;
  vmload(vmcb: bigint): boolean;
  vmsave(vmcb: bigint): boolean;
  /** The host's registers, as ts/abi/vmsa.ts lays them out: what a guest without SEV-ES leaves there is the host's to read. */
  readonly registers: BigUint64Array;
  /** Undefined, or false: #GP. */
  rdmsr(msr: number): bigint | undefined;
  wrmsr(msr: number, value: bigint): boolean;
  /** The timer interrupts the guest after so many of its steps; 0 stops it. */
  setTimer(steps: number): void;
  /** An indirect branch of the host's own: where it went speculatively, 0 for nowhere. */
  branch(from: bigint, to: bigint): bigint;
  /** Whether the other thread of the guest's core runs something; at first it is idle. */
  setSibling(busy: boolean): void;
  exit(): Exit;
}

/** How a request with the T bit came into the machine. */
export interface Via {
  streamId: number;
  rootPortId: number;
}

/** A device's requests, by Requester ID and gpa. With `via` they have the T bit: the root ports alone may say so. */
export interface DevicePort {
  read(device: number, gpa: bigint, into: Uint8Array, via?: Via): boolean;
  write(device: number, gpa: bigint, from: Uint8Array, via?: Via): boolean;
  exit(): Exit;
}

/** The IOMMU's secure device table. See ts/tio-port.ts. */
export interface SecurePort {
  setSecure(rid: number, entry: SecureEntry): void;
  clearSecure(rid: number): void;
  fence(rid: number, asid: number): Fence;
  clearFence(rid: number, asid: number): void;
  /** How a guest's requests with the T bit go to a device's registers; undefined: they do not. */
  secureVia(rid: number, asid: number): Via | undefined;
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
export interface FirmwarePort extends CryptoPort, SecurePort {
  onDoorbell(listener: () => void): void;
  respond(status: number): void;
  command(): { id: number; buffer: bigint };
  read(spa: bigint, key: number, into: Uint8Array): boolean;
  write(spa: bigint, key: number, from: Uint8Array): boolean;
  rmp(spa: bigint): { low: bigint; high: bigint };
  setRmp(spa: bigint, low: bigint, high: bigint): boolean;
  /** Whether the machine has memory there. */
  covered(spa: bigint): boolean;
  /** Permission bits of a page newly assigned, for VMPL0: all that the part has. */
  fullPermissions(): number;
  /** Whether the RMP is checked. */
  enforceRmp(on: boolean): void;
  /** Every page becomes the hypervisor's. */
  clearRmp(): void;
  /** Whether the host reads ones where a guest's private memory is. */
  hideCiphertext(on: boolean): void;
  /** Keys of 16 bytes (AES-128) or 32 (AES-256). */
  installKey(asid: number, key: Uint8Array, tweakKey: Uint8Array): void;
  removeKey(asid: number): void;
  /** Slot.EMPTY, ACTIVE or LEAVING. */
  slotState(asid: number): number;
  /** From now on the silicon guards the VMSA of a SEV-ES guest by its checksum. False when it has no room for one more. */
  noteVmsa(spa: bigint, asid: number): boolean;
  forgetVmsa(spa: bigint): void;
  /** How often the host ran WBINVD. */
  flushes(): number;
  /** How many validated RMP entries name an ASID. */
  validatedOf(asid: number): bigint;
}

/** An access that leaves the cores for a root port. */
export interface MmioAccess {
  spa: bigint;
  /** The guest's, with the T bit: the RMP has let it go to this page. Undefined: without it. */
  asid: number | undefined;
  write: boolean;
}

/** A probe on the chips. Reading shows memory as if dirty lines had just been written back. */
export interface DimmPort {
  /** The pages of which the chips hold something, in order of address. */
  held(): Iterable<bigint>;
  read(spa: bigint, into: Uint8Array): boolean;
  write(spa: bigint, from: Uint8Array): boolean;
}

export interface Core {
  guest: GuestPort;
  host: HostPort;
  device: DevicePort;
  firmware: FirmwarePort;
  dimm: DimmPort;
  /** What the links compute with. */
  ide: IdeCipher;
  /** Called with every access of a guest or the host to a register behind a root port. */
  onMmio(listener: (access: MmioAccess, bytes: Uint8Array) => void): void;
  events(): Record<EventName, bigint>;
  /** Exits of the guest's own making (not #NPF), by code; those by VMGEXIT by the SW_EXITCODE they gave, where they gave one. */
  exits(): ReadonlyMap<number, number>;
  framesInUse(): number;
}
