// An RMP entry read by people and software: its fields, and the name of the page's state. Spec digest rmp.md 2.1 and 3.
import * as Rmp from "./abi/rmp.ts";
import * as Vcpu from "./abi/vcpu.ts";

/** The raw 16 bytes of an entry. */
export interface RawRmp {
  low: bigint;
  high: bigint;
}

/** An RMP entry, taken apart. */
export interface RmpEntry {
  assigned: boolean;
  large: boolean;
  immutable: boolean;
  /** In the first entry of a 2 MiB region: how many others of it are assigned. */
  subpages: number;
  gpa: bigint;
  asid: number;
  vmsa: boolean;
  validated: boolean;
  /** The firmware made the entry, or a running vCPU holds the page. */
  locked: boolean;
  /** Permissions by VMPL, bits as ts/abi/rmp.ts has them. */
  permissions: number[];
}

/** The states of a page as the firmware ABI names them. AMD 56860, 5. `default`: not covered by the RMP. */
export type PageState =
  | "default"
  | "hypervisor"
  | "hv-fixed"
  | "firmware"
  | "reclaim"
  | "context"
  | "metadata"
  | "pre-guest"
  | "pre-swap"
  | "guest-invalid"
  | "guest-valid";

const PAGE_SHIFT = 12n;

const mask = (width: number): bigint => (1n << BigInt(width)) - 1n;
const field = (word: bigint, lsb: number, width: number): bigint =>
  (word >> BigInt(lsb)) & mask(width);
const bit = (word: bigint, position: number): boolean => field(word, position, 1) === 1n;

/** Takes an entry apart. */
export function rmpEntry({ low, high }: RawRmp): RmpEntry {
  return {
    assigned: bit(low, Rmp.ASSIGNED_BIT),
    large: bit(low, Rmp.PAGE_SIZE_BIT),
    immutable: bit(low, Rmp.IMMUTABLE_BIT),
    subpages: Number(field(low, Rmp.SUBPAGE_COUNT_LSB, Rmp.SUBPAGE_COUNT_WIDTH)),
    gpa: field(low, Rmp.GPA_LSB, Rmp.GPA_WIDTH) << PAGE_SHIFT,
    asid: Number(field(low, Rmp.ASID_LSB, Rmp.ASID_WIDTH)),
    vmsa: bit(low, Rmp.VMSA_BIT),
    validated: bit(low, Rmp.VALIDATED_BIT),
    locked: bit(low, Rmp.LOCK_BIT),
    permissions: Array.from({ length: Vcpu.VMPLS }, (_, vmpl) =>
      Number(field(high, vmpl * Rmp.VMPL_WIDTH, Rmp.VMPL_WIDTH)),
    ),
  };
}

// A state, and the fields that an entry in it has. The first row that fits names the state; absent fields do not matter.
type Row = Partial<
  Record<"assigned" | "immutable" | "validated" | "vmsa" | "asid" | "gpa", boolean>
>;
const states: [PageState, Row][] = [
  ["hypervisor", { assigned: false, immutable: false }],
  ["hv-fixed", { assigned: false, immutable: true }],
  ["reclaim", { asid: false, immutable: false }],
  // RMPUPDATE cannot set VMSA: the hypervisor can make neither a Context nor a Metadata page.
  ["context", { asid: false, immutable: true, vmsa: true, gpa: false }],
  ["metadata", { asid: false, immutable: true, vmsa: true, gpa: true }],
  ["firmware", { asid: false, immutable: true }],
  ["pre-guest", { asid: true, immutable: true, validated: false }],
  ["pre-swap", { asid: true, immutable: true, validated: true }],
  ["guest-invalid", { asid: true, immutable: false, validated: false }],
  ["guest-valid", { asid: true, immutable: false, validated: true }],
];

/** The state of a page by its entry; of a page that the RMP does not cover, by undefined. */
export function pageState(entry: RmpEntry | undefined): PageState {
  if (!entry) return "default";
  const fields: Required<Row> = { ...entry, asid: entry.asid !== 0, gpa: entry.gpa !== 0n };
  const fits = (row: Row) =>
    Object.entries(row).every(([name, value]) => fields[name as keyof Row] === value);
  // The rows leave no gap: test/rmp.test.ts tries all combinations.
  return (states.find(([, row]) => fits(row)) as [PageState, Row])[0];
}
