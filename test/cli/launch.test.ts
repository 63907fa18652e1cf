// cloister launch, psp log and ok as they are typed: what is printed, what is left, and that the same machine comes of it again.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../dist/cli/launch.js";
import { ok } from "../../dist/cli/ok.js";
import { psp } from "../../dist/cli/psp.js";
import { openState } from "../../dist/cli/state.js";
import { hex } from "../../ts/attest/bytes.ts";
import { launchDigest } from "../../ts/launch/digest.ts";
import { composeIdBlock, signIdBlock } from "../../ts/launch/identity/id-block.ts";
import { parsePrivateKey } from "../../ts/launch/identity/private-key.ts";
import { hashKernel } from "../../ts/launch/image/kernel-hashes.ts";
import { parseOvmf } from "../../ts/launch/image/ovmf.ts";
import { signatureOfType } from "../../ts/launch/vcpu-type.ts";
import { assert, suite } from "../kit.ts";
import { igvmFile } from "../launch/igvm-file.ts";
import { exampleImage, imageOf, SECTIONS } from "../launch/image.ts";
import { expecting, typing } from "./typed.ts";

const test = suite("launch, psp log and ok");
const dir = mkdtempSync(join(tmpdir(), "cloister-launch-"));
const file = (name: string) => join(dir, name);
const state = file("state");

const run = typing(launch, psp, ok);
const expect = expecting(run);
const IMAGE = "examples/firmware/tables.fd";
const launching = (...args: string[]) => ["launch", "--state", state, "--ovmf", IMAGE, ...args];
const launched = async (...args: string[]) =>
  JSON.parse((await run(...launching("--json", ...args))).out);

writeFileSync(file("plain.fd"), imageOf({ sections: [] }));
writeFileSync(file("no-hashes.fd"), imageOf({ sections: SECTIONS.slice(0, 3) }));
writeFileSync(file("broken.fd"), imageOf({ footerLength: 17 }));
writeFileSync(file("vmlinuz"), "a kernel");
writeFileSync(file("initrd"), "an initrd");

const digest = (vcpus: number, type: string, kernel?: boolean) =>
  hex(
    launchDigest({
      mode: "snp",
      firmware: parseOvmf(exampleImage()),
      vcpus,
      signature: signatureOfType(type),
      ...(kernel && {
        kernel: hashKernel(
          new Uint8Array(readFileSync(file("vmlinuz"))),
          new Uint8Array(readFileSync(file("initrd"))),
          "quiet",
        ),
      }),
    }),
  );

test("launch an example image that is what its maker says", () => {
  assert.equal(new Uint8Array(readFileSync(IMAGE)), exampleImage());
});

test("print the digest that the files lead to, on every part that has SNP", async () => {
  for (const chip of ["milan", "genoa", "turin"]) {
    assert.equal(await launched("--chip", chip, "-v", "4", "--vcpu-type", "EPYC-Milan"), {
      measurement: digest(4, "EPYC-Milan"),
      policy: "0x30000",
      chip,
      generation: "sev-snp",
      pages: 36,
    });
  }
  const boot = ["-k", file("vmlinuz"), "-i", file("initrd"), "-a", "quiet"];
  assert.is((await launched(...boot)).measurement, digest(1, "EPYC-v4", true));
});

test("say at each launch that it is emulated", async () => {
  const { err, out } = await run(...launching());
  assert.match(err, /launch of turin: emulated, under Cloister's own keys, not AMD's/);
  assert.match(out, /^measurement {2}[0-9a-f]{96}\npolicy {7}0x30000\nchip {9}turin\n/);
});

test("leave a directory from which the same machine comes, to the last byte of its memory", async () => {
  await expect(0, ...launching("--seed", "7", "-v", "2"));
  const contents = () => {
    const { vm, platform, measurement } = openState(state);
    const page = new Uint8Array(0x1000);
    platform.core.dimm.read(vm.spaOf(0xfffff000n) as bigint, page);
    return `${hex(measurement)} ${hex(page)}`;
  };
  const first = contents();
  assert.is(contents(), first);
  const seeded = readFileSync(join(state, "state.json"), "utf8");
  await expect(0, ...launching("--seed", "8", "-v", "2"));
  const [measurement, memory] = first.split(" ");
  const [other, otherMemory] = contents().split(" ");
  assert.is(other, measurement);
  assert.is.not(otherMemory, memory, "another seed is another key");
  assert.is.not(readFileSync(join(state, "state.json"), "utf8"), seeded);
});

test("keep one image, the one that was launched last", async () => {
  await expect(0, "launch", "--state", state, "--ovmf", IMAGE);
  writeFileSync(file("other.fd"), imageOf());
  await expect(0, "launch", "--state", state, "--ovmf", file("other.fd"));
  const names = readdirSync(state).sort();
  assert.is(names.length, 4, names.join());
  assert.is(names.filter((name) => name.endsWith(".image")).length, 1);
});

test("show every command of the launch in order, decoded", async () => {
  await expect(0, ...launching());
  const log = await expect(0, "psp", "log", "--state", state);
  const lines = log.trimEnd().split("\n");
  assert.match(lines[0] as string, /^ {4}0 SNP_INIT_EX +SUCCESS +FLAGS=0x1/);
  assert.is(lines.filter((line) => /SNP_LAUNCH_UPDATE/.test(line)).length, 33);
  assert.match(
    lines.at(-1) as string,
    /SNP_LAUNCH_FINISH +SUCCESS +GCTX_PADDR=0x[0-9a-f]+ .*HOST_DATA=(00){32}$/,
  );
  const json = JSON.parse(await expect(0, "psp", "log", "--json", "--state", state));
  assert.is(json.length, lines.length);
  assert.ok(json.every((one: { status: string }) => one.status === "SUCCESS"));
});

const QEMU =
  "qemu-system-x86_64 -enable-kvm -cpu EPYC-v4 -machine q35,confidential-guest-support=sev-snp0 " +
  "-object sev-snp-guest,id=sev-snp0,cbitpos=51,reduced-phys-bits=1,policy=0x00030001 " +
  "-smp 8,sockets=1,cores=8,threads=1 -m 16G -bios /usr/share/OVMF/OVMF_CODE.fd " +
  "-drive file=vm-disk.qcow2,format=qcow2,if=virtio -nographic";

test("launch what the field guide's QEMU line would, options over it", async () => {
  const { out, err, code } = await run(...launching("--json", "--qemu", QEMU));
  assert.is(code, 0, err);
  const seen = JSON.parse(out);
  assert.is(seen.measurement, digest(8, "EPYC-v4"));
  assert.is(seen.policy, "0x30001");
  assert.match(err, /note: not emulated: -drive file=vm-disk.qcow2/);
});

test("launch a libvirt domain, and say that the guide's element is not libvirt's", async () => {
  writeFileSync(
    file("domain.xml"),
    `<domain type='kvm'><vcpu>2</vcpu><os><loader>${IMAGE}</loader></os><features><confidential>
     <type>sev-snp</type><cbitpos>51</cbitpos><policy>0x00030001</policy></confidential></features>
     <cpu mode='custom'><model>EPYC-Genoa</model></cpu></domain>`,
  );
  const { out, err } = await run(
    "launch",
    "--state",
    state,
    "--json",
    "--libvirt",
    file("domain.xml"),
  );
  assert.is(JSON.parse(out).measurement, digest(2, "EPYC-Genoa"));
  assert.match(err, /note: <features><confidential> is not in libvirt's schema/);
});

test("take an ID block that its owner signed for this digest, and refuse it for another", async () => {
  const key = parsePrivateKey(secretKey());
  const signed = (measured: Uint8Array, policy = 0x30000n) => {
    const block = composeIdBlock({ digest: measured, policy });
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
    return `qemu -machine q35,confidential-guest-support=s -object sev-snp-guest,id=s,author-key-enabled=on,id-block=${base64(block)},id-auth=${base64(signIdBlock(block, key, key))} -cpu EPYC-v4`;
  };
  const right = Buffer.from(digest(1, "EPYC-v4"), "hex");
  await expect(0, ...launching("--qemu", signed(right)));
  const before = readFileSync(join(state, "state.json"), "utf8");
  const wrong = await expect(2, ...launching("--qemu", signed(new Uint8Array(48))));
  assert.match(wrong, /the firmware refused SNP_LAUNCH_FINISH: status 0xb \(BAD_MEASUREMENT\)/);
  const policy = await expect(2, ...launching("--qemu", signed(right, 0xb0000n)));
  assert.match(policy, /POLICY_FAILURE/);
  assert.is(readFileSync(join(state, "state.json"), "utf8"), before, "the launch before is whole");
});

/** The scalar 7 in ECPrivateKey. */
function secretKey(): Uint8Array {
  const head = [0x30, 0x3e, 2, 1, 1, 4, 0x30, ...new Array(47).fill(0), 7];
  return Uint8Array.from([...head, 0xa0, 7, 6, 5, 0x2b, 0x81, 4, 0, 0x22]);
}

test("check the host first: a line for each minimum missed, seen and needed", async () => {
  const host = (value: object) => writeFileSync(file("host.json"), JSON.stringify(value));
  host({
    part: "Turin",
    kernel: "6.8.0",
    microcode: "1.07.01",
    qemu: "9.2",
    libvirt: "11.0",
    ovmf: "2024.05",
  });
  rmSync(state, { recursive: true, force: true });
  const said = await expect(2, ...launching("--host", file("host.json")));
  assert.match(said, /host.json: kernel: seen 6.8.0, needed 6.11 or newer \(field guide\)\n/);
  assert.match(said, /microcode: seen 1.07.01, needed 1.07.02 or newer/);
  assert.match(said, /2 minima missed/);
  assert.match(await expect(2, "ok", "--state", state), /expected what cloister launch leaves/);
  host({ part: "Turin", kernel: "6.12", qemu: "9.2" });
  await expect(0, ...launching("--host", file("host.json")));
  const fine = await expect(0, "ok", "--state", state);
  assert.match(
    fine,
    /\[ PASS \] - SEV: ENABLED\n\[ PASS \] - SEV-ES: ENABLED\n\[ PASS \] - SNP: ENABLED\n/,
  );
  assert.match(fine, /\[ PASS \] {3}- Debug Swap: DISABLED\n/);
  assert.match(fine, /\[ PASS \] - Host minima: 0 missed/);
  host({ qemu: "8.0" });
  const failed = await expect(2, "ok", "--state", state, "--host", file("host.json"));
  assert.match(failed, /\[ FAIL \] {3}- qemu: seen 8.0, needed 8.2 or newer/);
});

test("launch SEV and SEV-ES guests too, measured by SHA-256, on parts that have no SNP", async () => {
  for (const [chip, generation, bits] of [
    ["naples", "sev", ["ENABLED", "DISABLED", "DISABLED"]],
    ["rome", "sev-es", ["ENABLED", "ENABLED", "DISABLED"]],
    ["turin", "sev-es", ["ENABLED", "ENABLED", "DISABLED"]],
  ] as const) {
    const seen = await launched("--chip", chip, "--generation", generation, "-v", "2");
    const mode = generation === "sev" ? "sev" : "seves";
    const firmware = parseOvmf(exampleImage());
    const signature = signatureOfType("EPYC-v4");
    assert.is(seen.measurement, hex(launchDigest({ mode, firmware, vcpus: 2, signature })));
    assert.is(seen.policy, generation === "sev" ? "0x1" : "0x5");
    const [sev, es, snp] = (await run("ok", "--state", state)).out.split("\n");
    assert.equal(
      [sev, es, snp].map((line) => line?.split(": ")[1]),
      [...bits],
      `${chip} ${generation}`,
    );
  }
});

test("launch an IGVM file, and measure the pages that it has", async () => {
  writeFileSync(file("guest.igvm"), igvmFile());
  const { out, err } = await run(
    "launch",
    "--state",
    state,
    "--json",
    "--igvm",
    file("guest.igvm"),
  );
  assert.is(JSON.parse(out || "{}").pages, 8, err);
  const said = await expect(1, "launch", "--igvm", file("guest.igvm"), "--generation", "sev");
  assert.match(said, /IGVM with sev: expected sev-snp/);
});

// Arguments that cannot be, the exit code, and what is said.
const wrong: [number, string[], RegExp][] = [
  [1, ["launch"], /expected --ovmf/],
  [1, launching("--chip", "xeon"), /--chip: "xeon"/],
  [1, launching("--chip", "rome"), /no SEV-SNP; it came with Milan/],
  [1, launching("--vcpus", "0"), /vCPUs: 0/],
  [1, launching("--vcpu-type", "i486"), /"i486"/],
  [1, launching("--dialect", "latin"), /--dialect/],
  [1, launching("--seed", "x"), /--seed/],
  [1, launching("--memory", "lots"), /--memory/],
  [1, launching("--igvm", "x"), /not both/],
  [1, launching("-i", "x"), /--kernel required/],
  [1, launching("--qemu", "qemu", "--libvirt", "x"), /not both/],
  [1, launching("--qemu", "qemu -machine q35"), /confidential-guest-support/],
  [1, launching("--policy", "liberal"), /--policy: "liberal"/],
  [2, launching("--policy", "standard"), /bit 17 is 0, expected 1/],
  [2, launching("--policy", "0x4030000"), /bits 63 to 26/],
  [2, launching("--policy", "0x3ffff"), /the firmware refused SNP_LAUNCH_START: .*POLICY_FAILURE/],
  [
    2,
    launching("--qemu", QEMU.replace("cbitpos=51", "cbitpos=47")),
    /expected --chip naples or rome/,
  ],
  [2, ["launch", "--ovmf", file("absent.fd")], /absent.fd: ENOENT/],
  [2, ["launch", "--ovmf", dir], /EISDIR/],
  [2, ["launch", "--ovmf", file("broken.fd")], /broken.fd: OVMF's table of 17 bytes/],
  [
    2,
    ["launch", "--ovmf", file("plain.fd")],
    /plain.fd: firmware has no SNP metadata .* use the AmdSev build/,
  ],
  [
    2,
    ["launch", "--ovmf", file("no-hashes.fd"), "-k", file("vmlinuz")],
    /no-hashes.fd: Kernel specified but OVMF metadata/,
  ],
  [2, ["launch", "--igvm", IMAGE], /tables.fd: magic/],
  [2, launching("--host", file("vmlinuz")), /vmlinuz: .*JSON/],
  [2, launching("--libvirt", file("vmlinuz")), /vmlinuz/],
  [2, launching("--state", file("vmlinuz")), /vmlinuz: EEXIST/],
  [2, ["psp", "log", "--state", file("nowhere")], /nowhere: no state.json/],
];

test("refuse what cannot be, each with its exit code and sentence", async () => {
  for (const [code, args, says] of wrong)
    assert.match(await expect(code, ...args), says, args.join(" "));
});

test("refuse a state directory that was altered, and say where", async () => {
  await expect(0, ...launching("-k", file("vmlinuz")));
  const path = join(state, "state.json");
  const good = JSON.parse(readFileSync(path, "utf8"));
  const changes: [object, RegExp][] = [
    [{ format: "other" }, /format "other", expected "cloister state 1"/],
    [{ chip: "xeon" }, /chip: "xeon"/],
    [{ seed: 1 }, /seed: 1, expected a string/],
    [{ policy: "none" }, /policy: "none"/],
    [{ vcpus: "1" }, /vcpus: "1"/],
    [{ image: "../../etc/passwd" }, /image: .*expected a file's name/],
    [{ hostData: "00" }, /hostData: "00", expected 32 bytes/],
    [{ kernel: { kernel: "00" } }, /kernel/],
    [{ authorKey: "yes" }, /authorKey: "yes"/],
  ];
  for (const [change, says] of changes) {
    writeFileSync(path, JSON.stringify({ ...good, ...change }));
    assert.match(await expect(2, "ok", "--state", state), says);
  }
  writeFileSync(path, "{");
  assert.match(await expect(2, "ok", "--state", state), /state.json/);
  writeFileSync(path, JSON.stringify({ ...good, measurement: "00" }));
  assert.match(await expect(3, "ok", "--state", state), /at its launch 00/);
  writeFileSync(path, JSON.stringify(good));
  const image = join(state, good.image);
  writeFileSync(image, "altered");
  assert.match(await expect(2, "ok", "--state", state), /altered/);
  rmSync(image);
  mkdirSync(image);
  assert.match(await expect(2, "ok", "--state", state), /EISDIR/);
});
