// QEMU's objects sev-guest and sev-snp-guest: the guest's own part of a command line. QEMU, qapi/qom.json.
import { Misuse } from "../../error.ts";
import { bytesOf, countOf, type GuestPart, legacyGeneration, numberOf } from "./request.ts";
import { type Pairs, switchOf } from "./words.ts";

const common = [
  "qom-type",
  "id",
  "sev-device",
  "cbitpos",
  "reduced-phys-bits",
  "kernel-hashes",
  "debug-swap",
];
const legacyOnly = ["policy", "handle", "dh-cert-file", "session-file", "legacy-vm-type"];
const snpOnly = [
  "policy",
  "guest-visible-workarounds",
  "id-block",
  "id-auth",
  "author-key-enabled",
  "vcek-disabled",
  "host-data",
  "secure-tsc",
  "tsc-frequency",
];

const known: Readonly<Record<string, readonly string[]>> = {
  "sev-guest": [...common, ...legacyOnly],
  "sev-snp-guest": [...common, ...snpOnly],
};

/** Defaults of the policy, of either object. */
const LEGACY_POLICY = "0x1";
const SNP_POLICY = "0x30000";

// SEV_FEATURES that the objects switch on. APM vol. 2, 15.36.
const SNP_ACTIVE = 1n << 0n;
const DEBUG_SWAP = 1n << 5n;
const SECURE_TSC = 1n << 9n;

/** The object that the machine names, or a refusal that says what is missing. */
function chosen(machine: Pairs, objects: readonly Pairs[]): Pairs {
  const guests = objects.filter((pairs) => (pairs.get("qom-type") ?? "") in known);
  const id = machine.get("confidential-guest-support") ?? machine.get("memory-encryption");
  if (id === undefined) {
    const [made] = guests;
    const says = made
      ? `object ${made.get("id")} is used by nothing`
      : "no object sev-guest or sev-snp-guest";
    throw new Misuse(`${says}, expected -machine confidential-guest-support=ID`);
  }
  const found = guests.find((pairs) => pairs.get("id") === id);
  if (found) return found;
  const other = objects.find((pairs) => pairs.get("id") === id)?.get("qom-type");
  throw new Misuse(
    `confidential-guest-support=${id}: ${other ?? "no such object"}, expected sev-guest or sev-snp-guest`,
  );
}

/** Reads the confidential guest of a command line; other objects are named in `notes`. */
export function confidentialGuest(
  machine: Pairs,
  objects: readonly Pairs[],
  notes: string[],
): GuestPart {
  const pairs = chosen(machine, objects);
  for (const other of objects) {
    if (other !== pairs && other.get("qom-type") !== "igvm-cfg") {
      notes.push(`not emulated: -object ${other.get("qom-type")},id=${other.get("id")}`);
    }
  }
  const type = pairs.get("qom-type") as string;
  const names = known[type] as readonly string[];
  for (const name of pairs.keys()) {
    if (!names.includes(name)) {
      throw new Misuse(`${type}: unknown property ${name}, expected one of ${names.join(", ")}`);
    }
  }
  return type === "sev-guest" ? legacyGuest(pairs) : snpGuest(pairs, notes);
}

const on = (pairs: Pairs, name: string) => switchOf(name, pairs.get(name) ?? "off");

function placeOf(pairs: Pairs): Pick<GuestPart, "cbitpos" | "reducedPhysBits" | "kernelHashes"> {
  const count = (name: string) =>
    pairs.has(name) ? countOf(name, pairs.get(name) as string) : undefined;
  return {
    cbitpos: count("cbitpos"),
    reducedPhysBits: count("reduced-phys-bits"),
    kernelHashes: on(pairs, "kernel-hashes"),
  };
}

function legacyGuest(pairs: Pairs): GuestPart {
  const policy = numberOf("policy", pairs.get("policy") ?? LEGACY_POLICY);
  return {
    ...placeOf(pairs),
    generation: legacyGeneration(policy),
    policy,
    features: 0n,
    idBlock: undefined,
    idAuth: undefined,
    authorKey: false,
    vcekDisabled: false,
    hostData: undefined,
    workarounds: undefined,
    dhCert: pairs.get("dh-cert-file"),
    session: pairs.get("session-file"),
  };
}

function snpGuest(pairs: Pairs, notes: string[]): GuestPart {
  const bytes = (name: string, length: number) =>
    pairs.has(name) ? bytesOf(name, pairs.get(name) as string, length) : undefined;
  const debugSwap = on(pairs, "debug-swap") ? DEBUG_SWAP : 0n;
  const secureTsc = on(pairs, "secure-tsc") ? SECURE_TSC : 0n;
  if (pairs.has("tsc-frequency")) notes.push("not emulated: tsc-frequency");
  return {
    ...placeOf(pairs),
    generation: "sev-snp",
    policy: numberOf("policy", pairs.get("policy") ?? SNP_POLICY),
    features: SNP_ACTIVE | debugSwap | secureTsc,
    idBlock: bytes("id-block", 96),
    idAuth: bytes("id-auth", 4096),
    authorKey: on(pairs, "author-key-enabled"),
    vcekDisabled: on(pairs, "vcek-disabled"),
    hostData: bytes("host-data", 32),
    workarounds: bytes("guest-visible-workarounds", 16),
    dhCert: undefined,
    session: undefined,
  };
}
