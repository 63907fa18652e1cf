// Reads KVM's tracepoints as trace-cmd, ftrace, perf script or bpftrace-like tools print them. Linux arch/x86/kvm/trace.h.
import * as Code from "../../abi/exit.ts";
import { isExit } from "../../guest/leave.ts";
import type { Batch } from "../record.ts";
import * as Records from "../record.ts";
import { REASONS } from "./kvm-reasons.ts";
import { access, type Fault, type Grammar, shown } from "./lines.ts";

const EVENT = /(?:^|[\s:])(kvm_\w+): +(.*)$/;
const VCPU = /\bvcpu (\d+)/;
// The task in front of the event: "qemu-system-x86-1234 [003]".
const TASK = /^\s*(\S+?)\s+(?:\d+\s+)?\[\d+\]/;
const EXIT = /\breason (?:EXIT_)?([\w ]+?) +rip 0x/i;
const INFO = /\binfo1? 0x([0-9a-f]+) +(?:info2 0x|)([0-9a-f]+)|\binfo ([0-9a-f]+) ([0-9a-f]+)/i;
const GHCB = /\bexit_reason (?:0x)?([0-9a-f]+)\b/i;
const FAULT = /\baddress (?:0x)?([0-9a-f]+) +error_code (?:0x)?([0-9a-f]+|\S*)/i;

const MMIO_BIT = 8;
const WRITE_BIT = 2;

export class KvmTrace implements Grammar {
  readonly format = "kvm";
  /** By vCPU: a #VMEXIT(VMGEXIT) whose reason the next event tells. */
  readonly #asking = new Set<string>();
  /** By vCPU: the gpa of its last nested fault, which kvm_page_fault repeats. */
  readonly #faulted = new Map<string, string>();

  line(text: string, out: Batch): Fault | undefined {
    const [, event, rest] = EVENT.exec(text) ?? [];
    if (!event || rest === undefined) return aside(text);
    const who = VCPU.exec(rest)?.[1] ?? TASK.exec(text)?.[1] ?? "";
    const at = text.length - rest.length;
    switch (event) {
      case "kvm_exit":
        return this.#exit(rest, at, who, out);
      case "kvm_vmgexit_enter":
        return this.#enter(rest, at, who, out);
      case "kvm_page_fault":
        return this.#fault(rest, at, who, out);
      default:
        // kvm_entry, kvm_vmgexit_exit, kvm_msr and the like say no more of what the guest did.
        return undefined;
    }
  }

  end(out: Batch): void {
    for (const who of [...this.#asking]) this.#settle(who, out);
  }

  #exit(rest: string, at: number, who: string, out: Batch): Fault | undefined {
    this.#settle(who, out);
    this.#faulted.delete(who);
    const name = EXIT.exec(rest)?.[1];
    if (!name) return { at, seen: shown(rest), expected: '"reason NAME rip 0x..."' };
    const code = REASONS.get(name.toLowerCase()) ?? REASONS.get(name);
    if (code === undefined)
      return { at, seen: `exit reason ${shown(name)}`, expected: "one of KVM's on AMD (svm.h)" };
    if (code === Code.VMEXIT_VMGEXIT) {
      this.#asking.add(who);
      return undefined;
    }
    if (code !== Code.VMEXIT_NPF) return leave(out, code, at);
    const info = INFO.exec(rest);
    const [error, gpa] = info ? [info[1] ?? info[3], info[2] ?? info[4]] : [];
    // Without its address the fault is told by the kvm_page_fault that follows, if at all.
    if (!error || !gpa) return undefined;
    this.#faulted.set(who, canonicalDigits(gpa));
    return touch(out, gpa, Number.parseInt(error.slice(-8), 16), at);
  }

  #enter(rest: string, at: number, who: string, out: Batch): Fault | undefined {
    this.#asking.delete(who);
    const code = Number.parseInt(GHCB.exec(rest)?.[1] ?? "", 16);
    if (Number.isNaN(code)) return { at, seen: shown(rest), expected: '"exit_reason CODE"' };
    return leave(out, code, at);
  }

  #fault(rest: string, at: number, who: string, out: Batch): Fault | undefined {
    const [, gpa, error = ""] = FAULT.exec(rest) ?? [];
    if (!gpa) return { at, seen: shown(rest), expected: '"address 0x... error_code 0x..."' };
    const again = this.#faulted.get(who) === canonicalDigits(gpa);
    this.#faulted.delete(who);
    const bits = Number.parseInt(error.slice(-8), 16);
    return again ? undefined : touch(out, gpa, Number.isNaN(bits) ? 0 : bits, at);
  }

  /** A VMGEXIT that no kvm_vmgexit_enter explained: that event was not recorded. */
  #settle(who: string, out: Batch): void {
    if (this.#asking.delete(who)) leave(out, Code.VMEXIT_VMGEXIT, 0);
  }
}

/** An access that faults when it is the first to its page; a fault on device registers is an exit of its own. */
function touch(out: Batch, gpa: string, error: number, at: number): Fault | undefined {
  if ((error & MMIO_BIT) !== 0) {
    const code = (error & WRITE_BIT) !== 0 ? Code.VMGEXIT_MMIO_WRITE : Code.VMGEXIT_MMIO_READ;
    return leave(out, code, at);
  }
  const kind = (error & WRITE_BIT) !== 0 ? Records.STORE : Records.LOAD;
  return access(out, kind, gpa, 8, { at, line: 8 });
}

function leave(out: Batch, code: number, at: number): Fault | undefined {
  if (!isExit(code))
    return { at, seen: `exit code 0x${code.toString(16)}`, expected: "one that a guest survives" };
  out.push(0, 0, code, Records.operation(Records.EXIT, code));
  return undefined;
}

const canonicalDigits = (digits: string): string => digits.toLowerCase().replace(/^0+(?=.)/, "");

/** What is no event of KVM's: the tools' headers, and events of other subsystems. */
function aside(text: string): Fault | undefined {
  if (text.trim() === "" || text.startsWith("#") || /^(?:cpus=|version|CPU )/.test(text))
    return undefined;
  if (/\b[\w:]+: /.test(text) && /\d+\.\d+:/.test(text)) return undefined;
  return { at: 0, seen: shown(text), expected: "a tracepoint's line" };
}
