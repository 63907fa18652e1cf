// Slow twin of the lackey reader: the whole text at once, a regular expression a line, BigInt addresses, calls by name.

export interface Access {
  kind: string;
  gva: bigint;
  bytes: number;
  line: number;
}

const SCRATCH = 0x7000_0000_0000n;
const OWN_BUFFER: Record<string, string> = {
  sys_read: "in",
  sys_pread64: "in",
  sys_recvfrom: "in",
  sys_write: "out",
  sys_pwrite64: "out",
  sys_sendto: "out",
};
const NO_BUFFER: Record<string, string> = {
  sys_readv: "in",
  sys_preadv: "in",
  sys_preadv2: "in",
  sys_recvmsg: "in",
  sys_writev: "out",
  sys_pwritev: "out",
  sys_pwritev2: "out",
  sys_sendmsg: "out",
  sys_sendfile: "out",
  sys_copy_file_range: "out",
};
const SLEEPS = ["sys_nanosleep", "sys_clock_nanosleep", "sys_select", "sys_pselect6", "sys_ppoll"];
const WAKES = [1, 2, 3, 4, 5, 7, 8, 10, 12];
// valgrind prints no name for this one
const NAMELESS: Record<string, string> = { 328: "sys_pwritev2" };

const KINDS: Record<string, string> = { I: "fetch", L: "load", S: "store", M: "modify" };
const ACCESS = /^(?:(I) {2}| ([LSM]) )([0-9a-fA-F]+),(\d+)$/;
const CALL = /^SYSCALL\[(\d+,\d+)\]\( *(\d+)\) +(?:(sys_\w+) ?\(([^)]*)\))?/;
const RESULT = /\[(sync|async|pre-success)\](?: -->)? (?:--> )?Success\(0x([0-9a-f]+)/;

/** The records of a well-formed log. */
export function parse(text: string): Access[] {
  const out: Access[] = [];
  const calls = new Map<string, { name: string; args: string[] }>();
  let last = "";
  const joined = /(?<=\]\( *(?:56|435)\).*Success\(0x[0-9a-f]+\) )(?=I {2}| [LSM] |SYSCALL)/;
  const lines = text.split(/\r?\n/).map((line) => line.split(joined));
  const parts = lines.flatMap((parts, index) => parts.map((content) => [content, index + 1]));
  for (const [content, line] of parts as [string, number][]) {
    const access = ACCESS.exec(content);
    if (access !== null) {
      const gva = BigInt.asIntN(64, BigInt(`0x${access[3]}`));
      const kind = KINDS[(access[1] ?? access[2])!]!;
      out.push({ kind, gva, bytes: Number(access[4]), line });
      continue;
    }
    const call = CALL.exec(content);
    if (call !== null) last = call[1]!;
    else if (!/^ -->|^\[sync\]/.test(content)) continue;
    if (call !== null && !content.includes("... [async] -->")) {
      const name = call[3] ?? NAMELESS[call[2]!] ?? "?";
      calls.set(last, { name, args: (call[4] ?? "").split(",").map((arg) => arg.trim()) });
    }
    const failed = /Failure\(0x([0-9a-f]+)\)/.exec(content)?.[1];
    const success = RESULT.exec(content);
    if (failed === undefined && success === null) continue;
    const { name, args } = calls.get(last) ?? { name: "?", args: [] };
    calls.delete(last);
    const [kind, gva] = meaning(name, args, content.includes("[async]"), failed === "b");
    const bytes = kind === "halt" || success === null ? 0 : Number.parseInt(success[2]!, 16);
    if (kind === "halt" || (kind !== "none" && bytes > 0)) out.push({ kind, gva, bytes, line });
  }
  return out;
}

function meaning(name: string, args: string[], async: boolean, again: boolean): [string, bigint] {
  if (name in OWN_BUFFER) return [OWN_BUFFER[name]!, BigInt.asIntN(64, BigInt(args[1]!))];
  if (name in NO_BUFFER) return [NO_BUFFER[name]!, SCRATCH];
  if (!async) return ["none", 0n];
  if (SLEEPS.includes(name)) return ["halt", 0n];
  if (name === "sys_poll") return [args[2] === "0" ? "none" : "halt", 0n];
  if (name.startsWith("sys_epoll_")) return [args[3] === "0" ? "none" : "halt", 0n];
  if (name !== "sys_futex") return ["none", 0n];
  const woke = WAKES.includes(Number(args[1]) & 127);
  return [woke || again ? "none" : "halt", 0n];
}
