// QEMU command lines and libvirt domains: the field guide's own, and what QEMU and libvirt would refuse.
import { parseXml } from "../../ts/cli/xml.ts";
import { CONFIDENTIAL_NOTE, readLibvirt } from "../../ts/launch/reader/libvirt.ts";
import { readQemu } from "../../ts/launch/reader/qemu.ts";
import { pairsOf, wordsOf } from "../../ts/launch/reader/words.ts";
import { assert, suite } from "../kit.ts";

const test = suite("a command line or domain");

const GUIDE = `qemu-system-x86_64 \\
-enable-kvm \\
-cpu EPYC-v4 \\
-machine q35,confidential-guest-support=sev-snp0 \\
-object sev-snp-guest,id=sev-snp0,cbitpos=51,reduced-phys-bits=1,policy=0x00030001 \\
-smp 8,sockets=1,cores=8,threads=1 \\
-m 16G \\
-bios /usr/share/OVMF/OVMF_CODE.fd \\
-drive file=vm-disk.qcow2,format=qcow2,if=virtio \\
-netdev user,id=net0 -device virtio-net-pci,netdev=net0 \\
-nographic`;

test("of the field guide launches an SNP guest, its disk and network named and left out", () => {
  const seen = readQemu(GUIDE);
  assert.is(seen.generation, "sev-snp");
  assert.is(seen.vcpus, 8);
  assert.is(seen.vcpuType, "EPYC-v4");
  assert.is(seen.memory, 16n << 30n);
  assert.is(seen.firmware, "/usr/share/OVMF/OVMF_CODE.fd");
  assert.is(seen.policy, 0x30001n);
  assert.is(seen.cbitpos, 51);
  assert.is(seen.reducedPhysBits, 1);
  assert.is(seen.features, 1n);
  assert.equal(seen.notes, [
    "not emulated: -netdev user,id=net0",
    "not emulated: -device virtio-net-pci,netdev=net0",
    "not emulated: -drive file=vm-disk.qcow2,format=qcow2,if=virtio",
  ]);
});

const snp = (properties: string, rest = "") =>
  readQemu(
    `qemu-system-x86_64 -M q35,confidential-guest-support=s -object sev-snp-guest,id=s,${properties} ${rest}`,
  );
const b64 = (bytes: number) => Buffer.alloc(bytes, 7).toString("base64");

test("gives every property of sev-snp-guest", () => {
  const seen = snp(
    `policy=0xb0000,guest-visible-workarounds=${b64(16)},id-block=${b64(96)},id-auth=${b64(4096)},` +
      `author-key-enabled=on,vcek-disabled=true,host-data=${b64(32)},kernel-hashes=on,debug-swap=on,secure-tsc=on`,
    "-kernel vmlinuz -initrd 'init rd' -append \"console=ttyS0 quiet\"",
  );
  assert.is(seen.policy, 0xb0000n);
  assert.is(seen.idBlock?.length, 96);
  assert.is(seen.idAuth?.length, 4096);
  assert.is(seen.hostData?.length, 32);
  assert.is(seen.workarounds?.length, 16);
  assert.ok(seen.authorKey && seen.vcekDisabled && seen.kernelHashes);
  assert.is(seen.features, 0x221n);
  assert.equal(
    [seen.kernel, seen.initrd, seen.append],
    ["vmlinuz", "init rd", "console=ttyS0 quiet"],
  );
  assert.equal(seen.notes, []);
  assert.is(seen.vcpus, 1);
  assert.is(snp("cbitpos=51").policy, 0x30000n);
});

test("of sev-guest is SEV or SEV-ES by its policy's bit 2", () => {
  const sev = (policy: string) =>
    readQemu(
      `qemu -machine q35,memory-encryption=s -object sev-guest,id=s,cbitpos=47,reduced-phys-bits=1${policy} -cpu host`,
    );
  assert.is(sev("").generation, "sev");
  assert.is(sev("").policy, 1n);
  assert.is(sev(",policy=0x5").generation, "sev-es");
  assert.is(sev(",policy=5,dh-cert-file=dh.b64,session-file=s.b64").dhCert, "dh.b64");
  assert.is(sev("").vcpuType, undefined);
});

test("of libvirt's own making is read: JSON objects, block nodes, pflash units", () => {
  const seen = readQemu(
    `/usr/bin/qemu-system-x86_64 -name guest=a,debug-threads=on -S
     -object '{"qom-type":"secret","id":"k0","format":"raw","file":"/k"}'
     -blockdev '{"driver":"file","filename":"/OVMF.amdsev.fd","node-name":"st","read-only":true}'
     -blockdev '{"node-name":"fmt","read-only":true,"driver":"raw","file":"st"}'
     -machine pc-q35-9.0,usb=off,confidential-guest-support=lsec0,pflash0=fmt -accel kvm -cpu EPYC-Milan-v2,x2apic=on,+svm
     -m size=2097152k -smp 4,maxcpus=8,sockets=8,cores=1,threads=1
     -object '{"qom-type":"sev-snp-guest","id":"lsec0","cbitpos":51,"reduced-phys-bits":1,"policy":196608,"vcek-disabled":false}'`,
  );
  assert.is(seen.firmware, "/OVMF.amdsev.fd");
  assert.is(seen.policy, 0x30000n);
  assert.is(seen.vcpuType, "EPYC-Milan-v2");
  assert.is(seen.memory, 2n << 30n);
  assert.is(seen.vcpus, 4);
  const notes = seen.notes.join("\n");
  assert.match(notes, /not emulated: -object secret,id=k0/);
  assert.match(notes, /CPU hotplug/);
  assert.match(notes, /nested virtualisation/);
  assert.match(notes, /give the image by -bios/);
  const flash =
    "-drive if=pflash,unit=1,file=VARS.fd -drive if=pflash,unit=0,format=raw,file=a,,b.fd";
  const drives = snp("cbitpos=51", flash);
  assert.is(drives.firmware, "a,b.fd");
  assert.match(drives.notes.join("\n"), /not loaded: firmware variables VARS.fd/);
  const igvm = "-machine igvm-cfg=i -object igvm-cfg,id=i,file=coconut.igvm";
  assert.is(snp("cbitpos=51", igvm).igvm, "coconut.igvm");
});

test("names the kernel that nobody measures", () => {
  assert.match(snp("cbitpos=51", "-kernel k").notes.join(), /the kernel is not measured/);
});

// A command line that QEMU would not run, or that launches no such guest, and what is said of it.
const refused: [string, RegExp][] = [
  ["qemu -machine q35", /no object sev-guest or sev-snp-guest, expected -machine/],
  ["qemu -object sev-snp-guest,id=s", /object s is used by nothing/],
  ["qemu -machine q35,confidential-guest-support=t -object sev-snp-guest,id=s", /no such object/],
  [
    "qemu -machine q35,confidential-guest-support=t -object tdx-guest,id=t",
    /tdx-guest, expected sev-guest/,
  ],
  ["qemu -machine q35 -frobnicate 7", /-frobnicate: unknown option/],
  ["qemu -machine", /-machine: expected an argument/],
  ["qemu -bios 'x", /quote at column 12 does not end/],
  ["qemu -bios $OVMF", /\$OVMF: a shell would expand it/],
  ['qemu -bios "$(find)"', /a shell would expand it/],
  ["qemu -object '{\"qom-type\":'", /-object \{/],
];
const badProperties: [string, RegExp][] = [
  ["policy=abc", /policy: "abc", expected a 64-bit number/],
  ["policy=0x10000000000000000", /policy/],
  ["cbitpos=x", /cbitpos: "x"/],
  ["host-data=AAAA", /host-data: 3 bytes, expected 32/],
  ["id-block=***", /id-block: not base64/],
  ["vcek-disabled=maybe", /vcek-disabled: "maybe", expected on or off/],
  ["shape=round", /unknown property shape, expected one of/],
];
const badRest: [string, RegExp][] = [
  ["-smp 0", /0 CPUs/],
  ["-smp 9,maxcpus=8", /9 CPUs of at most 8/],
  ["-smp wheels=4", /unknown key wheels/],
  ["-m lots", /expected a size/],
  ["-initrd i", /-initrd: expected -kernel/],
  ["-append a", /-append: expected -kernel/],
  ["-machine pflash0=gone", /pflash0=gone: no -blockdev/],
  ["-machine igvm-cfg=gone", /igvm-cfg=gone: no such object/],
];

test("that QEMU would refuse is refused, and what was wrong is named", () => {
  for (const [line, says] of refused) assert.throws(() => readQemu(line), says);
  for (const [properties, says] of badProperties) assert.throws(() => snp(properties), says);
  for (const [rest, says] of badRest) assert.throws(() => snp("cbitpos=51", rest), says);
});

test("is cut into words and keys as a shell and QEMU do it", () => {
  assert.equal(wordsOf(`a 'b c' "d \\"e" f\\ g h'i'"j" \\\n k`), [
    "a",
    "b c",
    'd "e',
    "f g",
    "hij",
    "k",
  ]);
  assert.equal(
    [...pairsOf("-x", "q35,a=1,,2,b", "type")],
    [
      ["type", "q35"],
      ["a", "1,2"],
      ["b", "on"],
    ],
  );
});

const GUIDE_XML = `<domain type='kvm'>
<name>sev-snp-vm</name>
<memory unit='GiB'>16</memory>
<vcpu placement='static'>8</vcpu>
<os>
<type arch='x86_64' machine='pc-q35-8.2'>hvm</type>
<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
</os>
<features>
<acpi/>
<apic/>
<confidential>
<type>sev-snp</type>
<cbitpos>51</cbitpos>
<reducedPhysBits>1</reducedPhysBits>
<policy>0x00030001</policy>
</confidential>
</features>
<cpu mode='host-model'>
<model fallback='forbid'/>
</cpu>
</domain>`;

const domain = (text: string) => readLibvirt(parseXml("domain.xml", text));

test("of the field guide's domain is read, with the word that libvirt has no <confidential>", () => {
  const seen = domain(GUIDE_XML);
  assert.is(seen.generation, "sev-snp");
  assert.is(seen.vcpus, 8);
  assert.is(seen.vcpuType, undefined);
  assert.is(seen.memory, 16n << 30n);
  assert.is(seen.firmware, "/usr/share/OVMF/OVMF_CODE.fd");
  assert.is(seen.policy, 0x30001n);
  assert.is(seen.cbitpos, 51);
  assert.equal(seen.notes, [CONFIDENTIAL_NOTE]);
});

test("of libvirt's launchSecurity is read, for SNP and for SEV", () => {
  const snpDomain = domain(`<domain><memory>1048576</memory><vcpu>2</vcpu>
    <os><loader>a.fd</loader><nvram>v.fd</nvram><kernel>k</kernel><initrd>i</initrd><cmdline>c=1</cmdline></os>
    <cpu mode='custom'><model>EPYC-Milan</model></cpu><devices><emulator>/q</emulator><disk/><interface/></devices>
    <launchSecurity type='sev-snp' authorKey='yes' vcek='no' kernelHashes='yes'><policy>0x00030000</policy>
    <hostData>${b64(32)}</hostData><idBlock>${b64(96)}</idBlock><idAuth>${b64(4096)}</idAuth>
    <guestVisibleWorkarounds>${b64(16)}</guestVisibleWorkarounds></launchSecurity></domain>`);
  assert.is(snpDomain.memory, 1n << 30n);
  assert.is(snpDomain.vcpuType, "EPYC-Milan");
  assert.ok(snpDomain.authorKey && snpDomain.vcekDisabled && snpDomain.kernelHashes);
  assert.equal([snpDomain.kernel, snpDomain.initrd, snpDomain.append], ["k", "i", "c=1"]);
  assert.is(snpDomain.idAuth?.length, 4096);
  assert.equal(snpDomain.notes, [
    "not loaded: firmware variables (<nvram>)",
    "not emulated: <devices> (disk, interface)",
  ]);
  const sev =
    domain(`<domain><launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits>
    <policy>0x0005</policy><dhCert>AAAA</dhCert><session>BBBB</session></launchSecurity></domain>`);
  assert.is(sev.generation, "sev-es");
  assert.equal([sev.dhCert, sev.session, sev.vcpus], ["AAAA", "BBBB", 1]);
});

const broken: [string, RegExp][] = [
  ["<domain>", /domain\.xml:1:\d+: /],
  ["", /domain\.xml/],
  ["<network/>", /<network>, expected <domain>/],
  ["<domain/>", /no <launchSecurity>/],
  ["<domain><launchSecurity type='tdx'/></domain>", /type "tdx", expected sev or sev-snp/],
  ["<domain><launchSecurity/></domain>", /<launchSecurity>: no type, expected sev or sev-snp/],
  ["<domain><features><confidential type='sev'/></features></domain>", /<confidential>: no type/],
  ["<domain><launchSecurity type='sev'/></domain>", /expected <policy>/],
  [
    "<domain><launchSecurity type='sev-snp'><policy>x</policy></launchSecurity></domain>",
    /<policy>: "x"/,
  ],
  [
    "<domain><launchSecurity type='sev-snp'><colour/></launchSecurity></domain>",
    /unknown <colour>/,
  ],
  ["<domain><launchSecurity type='sev-snp' vcek='perhaps'/></domain>", /vcek: "perhaps"/],
  [
    "<domain><memory unit='acre'>1</memory><launchSecurity type='sev-snp'/></domain>",
    /unknown unit/,
  ],
  ["<domain><os firmware='efi'/><launchSecurity type='sev-snp'/></domain>", /expected <loader>/],
];

test("that is broken XML or no SEV guest is refused, and what was wrong is named", () => {
  for (const [text, says] of broken) assert.throws(() => domain(text), says);
});
