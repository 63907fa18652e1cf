// What the firmware, as the machine's TSM, reaches of the board beside FirmwarePort: the root ports' halves of the IDE streams, the
// IOMMU's secure device table and its fences. The host has none of these: it configures registers (ts/pcie/host-bridge.ts) and
// carries messages. AMD 58271 as ts/abi/sdte.ts and spec digest sev-tio.md have it; PCIe 6.33.

/** Which receiver or transmitter of a port, seen from that port: its transmitter has the key of the partner's receiver. */
export type Direction = "rx" | "tx";

/** One key of a stream. Six make a key set: three sub-streams (0 PR, 1 NPR, 2 CPL) in two directions. */
export interface IdeKey {
  streamId: number;
  /** K0 or K1: a refresh programs the one that is not in use. */
  keySet: 0 | 1;
  direction: Direction;
  subStream: 0 | 1 | 2;
  /** 32 bytes, in the order a cipher takes them. The port keeps a copy. */
  key: Uint8Array;
  /** The invocation field of the first iv; 1. */
  invocation: bigint;
}

/** A root port's half of IDE: what a real one takes over a path that only the secure processor has. */
export interface RootPortIde {
  /** False: no register block has that Stream ID (the host sets it up before DEV_CONNECT), or that key is in use. */
  programKey(key: IdeKey): boolean;
  /** The set takes over all three sub-streams of a direction; the other set is void from then on. False: not all were programmed. */
  go(streamId: number, keySet: 0 | 1, direction: Direction): boolean;
  /** All keys of the stream are forgotten: Insecure. */
  stop(streamId: number): void;
  /** All six keys in use, and the host has enabled the stream. */
  isSecure(streamId: number): boolean;
}

/** What the IOMMU takes of an sDTE. The host's page table for the device is the one of its own DTE: the RMP, not the table,
 *  keeps a guest's pages. */
export interface SecureEntry {
  /** IR and IW: which requests with the T bit are admitted at all. */
  read: boolean;
  write: boolean;
  /** As whom they are checked by the RMP, and under whose key. */
  asid: number;
  vmpl: number;
  /** From this address on a request is for shared memory; undefined: all are for private. */
  vTom: bigint | undefined;
  /** The stream they must come over, by traffic class; 0xff: none. Only TC0 is used. */
  streamIds: Uint8Array;
  /** The root port they must come through. */
  rootPortId: number;
}

/** ASID_FENCE_STATUS as the IOMMU has it. A fenced device reaches neither private nor shared memory as that ASID. */
export interface Fence {
  /** `error`: the IOMMU stopped a request of its own accord. `default`: its entry was cleared and the ASID not yet let go. */
  dma: "none" | "error" | "default";
  /** Requests of that guest with the T bit to the device's registers are dropped. */
  mmio: boolean;
}

export interface TioPort {
  /** By the segment and the port number of LNKCAP, as DEV_CREATE names it; undefined: there is none. */
  rootPort(segment: number, rootPortId: number): RootPortIde | undefined;
  /** Makes a device's entry valid, and takes effect at once; any fence stays. */
  sdteWrite(rid: number, entry: SecureEntry): void;
  /** V = 0: requests with the T bit are refused. If it was valid, the device is fenced from that ASID ("default"). */
  sdteClear(rid: number): void;
  fence(rid: number, asid: number): Fence;
  fenceClear(rid: number, asid: number): void;
  /** Whether an address lies in the 64-bit MMIO window that the RMP covers. FirmwarePort's rmp() and setRmp() work on its pages
   *  as on memory: MMIO_VALIDATE is a look at rmp() (assigned, ASID, GPA, 4K) and a setRmp() with Validated changed. */
  isMmio(spa: bigint): boolean;
}
