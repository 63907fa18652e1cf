// The launch digest before other people's values: sev-snp-measure's and virtee's own tests, and each page on the way there.
import { existsSync, readFileSync } from "node:fs";
import { sha384 } from "@noble/hashes/sha2.js";
import { hex } from "../../ts/attest/bytes.ts";
import { launchDigest, ovmfHash, pageInfo, snpDigest } from "../../ts/launch/digest.ts";
import { hashKernel, hashTable } from "../../ts/launch/image/kernel-hashes.ts";
import { parseOvmf } from "../../ts/launch/image/ovmf.ts";
import { type LaunchOptions, launchPlan, pagesOf, type Region } from "../../ts/launch/plan.ts";
import { signatureOfType } from "../../ts/launch/vcpu-type.ts";
import { RESET_EIP, vmsaPage } from "../../ts/launch/vmsa.ts";
import { assert, skip, suite } from "../kit.ts";
import { hasShared, shared } from "../shared.ts";

const test = suite("the launch digest");

const file = (name: string) => `../shared/vectors/${name}`;
const SUFFIXES = ["ovmf_AmdSev_suffix.bin", "ovmf_OvmfX64_suffix.bin"];
const present = SUFFIXES.every((name) => existsSync(file(name)));
if (!present) skip("launch digests", "no ../shared/vectors/ovmf_*_suffix.bin");

const image = (name: string) => parseOvmf(new Uint8Array(readFileSync(file(name))));
const nothing = new Uint8Array(0);

const base = (name: string, vcpus: number, features: bigint, append?: string): LaunchOptions => ({
  mode: "snp",
  firmware: image(name),
  vcpus,
  signature: signatureOfType("EPYC-v4"),
  features,
  ...(append !== undefined && { kernel: hashKernel(nothing, nothing, append) }),
});

const [AMDSEV, OVMFX64] = SUFFIXES as [string, string];
const CONSOLE = "console=ttyS0 loglevel=7";

// Spec digest launch-measurement.md 2, by its numbers: image, vCPUs, SEV_FEATURES, command line (undefined: no kernel), digest.
const vectors: [number, string, number, bigint, string | undefined, string][] = [
  [
    1,
    AMDSEV,
    1,
    0x1n,
    undefined,
    "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df632d",
  ],
  [
    2,
    AMDSEV,
    1,
    0x21n,
    undefined,
    "e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0e2b",
  ],
  [
    3,
    AMDSEV,
    1,
    0x1n,
    CONSOLE,
    "6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa",
  ],
  [
    4,
    AMDSEV,
    1,
    0x21n,
    CONSOLE,
    "803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba7e534442e7e1e17895dfe778d0228977",
  ],
  [
    5,
    AMDSEV,
    1,
    0x1n,
    "",
    "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5",
  ],
  [
    6,
    AMDSEV,
    1,
    0x21n,
    "",
    "329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198",
  ],
  [
    7,
    AMDSEV,
    4,
    0x21n,
    "",
    "4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942",
  ],
  [
    8,
    AMDSEV,
    4,
    0x1n,
    "",
    "5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046ad5",
  ],
  [
    9,
    OVMFX64,
    1,
    0x21n,
    undefined,
    "28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66f146aaae26ff291eed7b493d8a64c385",
  ],
  [
    10,
    OVMFX64,
    1,
    0x1n,
    undefined,
    "da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df21e5b49e21523a9ad993afdb6a30b4005",
  ],
];

const FIRMWARE_ONLY =
  "086e2e9149ebf45abdc3445fba5b2da8270bdbb04094d7a2c37faaa4b24af3aa16aff8c374c2a55c467a50da6d466b74";

test("equals sev-snp-measure's and virtee's values for QEMU", () => {
  if (!present) return;
  for (const [number, name, vcpus, features, append, expected] of vectors) {
    const digest = hex(launchDigest(base(name, vcpus, features, append)));
    assert.is(digest, expected, `vector ${number}`);
  }
});

test("after the firmware's page alone is the OVMF hash, and a launch goes on from it", () => {
  if (!present) return;
  const hash = ovmfHash(image(AMDSEV));
  assert.is(hex(hash), FIRMWARE_ONLY);
  const options = base(AMDSEV, 4, 0x21n, "");
  assert.equal(launchDigest(options, hash), launchDigest(options));
  assert.throws(() => launchDigest({ ...options, mode: "sev" }, hash), /only works with snp/);
  assert.throws(() => launchDigest(options, new Uint8Array(32)), /32 bytes, expected 48/);
});

test("equals sev-snp-measure's values for GCE and EC2, whose VMSA and order differ", () => {
  if (!present) return;
  const of = (vmm: "GCE" | "EC2", vcpus: number, features: bigint) =>
    hex(launchDigest({ ...base(AMDSEV, vcpus, features, ""), vmm }));
  assert.is(
    of("GCE", 1, 1n),
    "5da7106cf14cf46b1725ebab123eb9e53bd46a1e9f400cd0c08e7827b04b688ea8b4e403c8404efed4397ea5d5d0722e",
  );
  assert.is(
    of("GCE", 4, 1n),
    "5c5debf100fc339f90276e761ee1f1658d08922c3b20e2a2e6c7a6c3370b2452a15a00eae11886a93d6fd1e7ab81e29d",
  );
  assert.is(
    of("EC2", 1, 0x21n),
    "0ce9ccc06bab55eebe8abc234f3df6514883977a68a591b71052498ab52b2f1aa415db338033946ef93aa8278c0d67fb",
  );
  assert.is(
    of("EC2", 1, 1n),
    "0883bd0eeb716e65b7b977a321c278d1e51b33b5c655fab985443bbcc65c086b9c15e8a0bd8811050dec7e24964e5056",
  );
});

test("of SEV and SEV-ES is SHA-256 over what was loaded, as sev-snp-measure has it", () => {
  if (!present) return;
  const es = launchDigest({ ...base(AMDSEV, 1, 0x21n, ""), mode: "seves" });
  assert.is(hex(es), "13810ae661ea11e2bb205621f582fee268f0367c8f97bc297b7fadef3e12002c");
  const sev = launchDigest({ ...base(AMDSEV, 1, 0x21n, CONSOLE), mode: "sev" });
  assert.is(hex(sev), "82a3ee5d537c3620628270c292ae30cb40c3c878666a7890ee7ef2a08fb535ff");
});

interface Traces {
  synthetic: { page: string; type: number; gpa: string; page_info: string; ld: string }[];
  perms_vector: { page_info: string; ld: string };
  kernel_hash_table_padded_hex: string;
  vmsa_sha384: Record<string, string>;
  vmsa_bsp_epycv4_feat1_nonzero: [string, string][];
  [name: string]: unknown;
}

const TRACES = "launch-digest-traces.json";
const traces = present && hasShared(TRACES) ? shared<Traces>(TRACES) : undefined;
if (present && !traces) skip("digest after every page", `no ../shared/vectors/${TRACES}`);

// The trace's options, by its name.
const traced: [string, LaunchOptions | undefined][] = traces
  ? [
      ["AmdSev_nokernel_1vcpu_feat1", base(AMDSEV, 1, 1n)],
      ["AmdSev_nokernel_1vcpu_feat21", base(AMDSEV, 1, 0x21n)],
      ["AmdSev_kernel_devnull_append_1vcpu_feat1", base(AMDSEV, 1, 1n, CONSOLE)],
      ["AmdSev_kernel_devnull_4vcpu_feat21", base(AMDSEV, 4, 0x21n, "")],
      ["OvmfX64_nokernel_1vcpu_feat21", base(OVMFX64, 1, 0x21n)],
      ["AmdSev_gce_1vcpu_feat1", { ...base(AMDSEV, 1, 1n, ""), vmm: "GCE" }],
      ["AmdSev_ec2_1vcpu_feat21", { ...base(AMDSEV, 1, 0x21n, ""), vmm: "EC2" }],
    ]
  : [];

test("is right after every region on the way, for seven launches", () => {
  for (const [name, options] of traced) {
    const steps = traces?.[name] as { after: string; ld: string }[];
    const plan = launchPlan(options as LaunchOptions);
    assert.is(plan.length, steps.length, name);
    steps.forEach(({ after, ld }, i) => {
      assert.is(hex(snpDigest(plan.slice(0, i + 1))), ld, `${name}: ${after}`);
    });
  }
});

const byNumber = ["", "normal", "vmsa", "zero", "unmeasured", "secrets", "cpuid"] as const;

test("hashes PAGE_INFO of every page type, byte for byte", () => {
  if (!traces) return;
  const fills: Record<string, number> = { "NORMAL ff": 0xff };
  let digest: Uint8Array = new Uint8Array(48);
  for (const { page, type, gpa, page_info, ld } of traces.synthetic) {
    const contents =
      page.startsWith("VMSA") || page.startsWith("NORMAL")
        ? contentsOf(page_info, fills[page])
        : undefined;
    const region: Region = {
      type: byNumber[type] as Region["type"],
      gpa: BigInt(gpa),
      bytes: 4096,
      ...(contents && { contents }),
    };
    assert.is(hex(pageInfo(digest, region)), page_info, page);
    digest = snpDigest([region], digest);
    assert.is(hex(digest), ld, page);
  }
});

/** The page of the trace whose hash the PAGE_INFO names: one byte repeated, or the first vCPU's save area. */
function contentsOf(pageInfoHex: string, fill = 0): Uint8Array {
  const wanted = pageInfoHex.slice(96, 192);
  const qemu = { vmm: "QEMU", eip: RESET_EIP, signature: signatureOfType("EPYC-v4") } as const;
  const candidates = [
    new Uint8Array(4096).fill(fill),
    vmsaPage({ ...qemu, features: 1n }),
    vmsaPage({ ...qemu, features: 0x21n }),
    Uint8Array.from({ length: 4096 }, (_, i) => i & 0xff),
  ];
  const found = candidates.find((page) => hex(sha384(page)) === wanted);
  if (found === undefined) throw new Error(`no page with SHA-384 ${wanted}`);
  return found;
}

test("carries the permissions of VMPL1 to 3 in AMD's order", () => {
  if (!traces) return;
  const page: Region = {
    type: "normal",
    gpa: 0x1000n,
    bytes: 4096,
    contents: new Uint8Array(4096),
    permissions: [1, 3, 0xf],
  };
  assert.is(hex(pageInfo(new Uint8Array(48), page)), traces.perms_vector.page_info);
  assert.is(hex(snpDigest([page])), traces.perms_vector.ld);
});

test("has the table of kernel hashes as QEMU pads it", () => {
  if (!traces) return;
  const table = hashTable(hashKernel(nothing, nothing, CONSOLE));
  assert.is(hex(table), traces.kernel_hash_table_padded_hex);
});

test("has each part's save areas as sev-snp-measure makes them", () => {
  if (!traces) return;
  const entries = Object.entries(traces.vmsa_sha384);
  assert.is(entries.length, 20);
  for (const [name, expected] of entries) {
    const [, type, sig, features, eip] =
      /^qemu (\S+) sig=(\S+) feat=(\S+) (?:BSP|AP eip=(\S+))$/.exec(name) ?? [];
    const signature = signatureOfType(type as string);
    assert.is(signature, Number(sig), name);
    const page = vmsaPage({
      vmm: "QEMU",
      eip: eip === undefined ? RESET_EIP : Number(eip),
      signature,
      features: BigInt(features as string),
    });
    assert.is(hex(sha384(page)), expected, name);
  }
});

test("leaves zero what a save area's dump leaves out", () => {
  if (!traces) return;
  const page = vmsaPage({ vmm: "QEMU", eip: RESET_EIP, signature: 0x00800f12, features: 1n });
  const rows = new Map(traces.vmsa_bsp_epycv4_feat1_nonzero);
  for (let at = 0; at < page.length; at += 16) {
    const seen = hex(page.subarray(at, at + 16));
    assert.is(
      seen,
      rows.get(`0x${at.toString(16)}`) ?? "00".repeat(16),
      `row 0x${at.toString(16)}`,
    );
  }
});

test("counts a plan's pages one by one", () => {
  if (!present) return;
  const pages = [...pagesOf(launchPlan(base(AMDSEV, 4, 1n, "")))];
  // One of firmware, 9 + 3 + 15 of secure memory, secrets, CPUID, calling area, hashes, four vCPUs.
  assert.is(pages.length, 1 + 27 + 4 + 4);
  assert.ok(pages.every(({ bytes, gpa }) => bytes === 4096 && gpa % 4096n === 0n));
});
