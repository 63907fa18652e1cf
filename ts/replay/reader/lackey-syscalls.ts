// System calls in a lackey log: joins a call to its result and says which of them are records. Forms: valgrind 3.19, m_syswrap.

import type { Batch, Kind } from "../record.ts";
import * as Records from "../record.ts";

/** What is wrong with a line, and at which character of it. */
export interface Fault {
  at: number;
  seen: string;
  expected: string;
}

type Call = { name: string; kind: Kind; buffer: "argument" | "scratch" | "none" };

const at = (kind: Kind, buffer: Call["buffer"], name: string): Call => ({ name, kind, buffer });

// By Linux's x86-64 numbers.
const CALLS: ReadonlyMap<number, Call> = new Map([
  [0, at(Records.TRANSFER_IN, "argument", "read")],
  [1, at(Records.TRANSFER_OUT, "argument", "write")],
  [7, at(Records.HALT, "none", "poll")],
  [17, at(Records.TRANSFER_IN, "argument", "pread64")],
  [18, at(Records.TRANSFER_OUT, "argument", "pwrite64")],
  [19, at(Records.TRANSFER_IN, "scratch", "readv")],
  [20, at(Records.TRANSFER_OUT, "scratch", "writev")],
  [23, at(Records.HALT, "none", "select")],
  [35, at(Records.HALT, "none", "nanosleep")],
  [40, at(Records.TRANSFER_OUT, "scratch", "sendfile")],
  [44, at(Records.TRANSFER_OUT, "argument", "sendto")],
  [45, at(Records.TRANSFER_IN, "argument", "recvfrom")],
  [46, at(Records.TRANSFER_OUT, "scratch", "sendmsg")],
  [47, at(Records.TRANSFER_IN, "scratch", "recvmsg")],
  [202, at(Records.HALT, "none", "futex")],
  [230, at(Records.HALT, "none", "clock_nanosleep")],
  [232, at(Records.HALT, "none", "epoll_wait")],
  [270, at(Records.HALT, "none", "pselect6")],
  [271, at(Records.HALT, "none", "ppoll")],
  [281, at(Records.HALT, "none", "epoll_pwait")],
  [295, at(Records.TRANSFER_IN, "scratch", "preadv")],
  [296, at(Records.TRANSFER_OUT, "scratch", "pwritev")],
  [326, at(Records.TRANSFER_OUT, "scratch", "copy_file_range")],
  [327, at(Records.TRANSFER_IN, "scratch", "preadv2")],
  [328, at(Records.TRANSFER_OUT, "scratch", "pwritev2")],
]);

// More threads than Linux lets a machine have would be waiting at once.
const WAITING_LIMIT = 1 << 16;

const HEAD = /^SYSCALL\[(\d+),(\d+)\]\( *(\d+)\) ?/;
const NAME = /^sys_(\w+) ?\(/;
const LATER = /^ *\.\.\. \[async\] --> (Success|Failure)\(0x([0-9a-f]+)/;
const RESULT =
  /(?:\[sync\] -->|--> \[pre-success\]|--> \[pre-fail\]) (Success|Failure)\(0x([0-9a-f]+)/;
const ASYNC = "--> [async] ...";
const BUFFER = /\( *\d+, 0x([0-9a-f]{1,16}), \d+/;
// valgrind's own lines, and what some calls print on lines of their own before their result (poll, ppoll, unknown numbers)
const ASIDE = /^(?:==\d+==|--\d+--|\*\*\d+\*\*)(?: |$)/;
const CONTINUED = /^(?: --> \[(?:async|pre-success|pre-fail)\] |\[sync\] --> )/;
const REPEATED = /^sys_\w+ ?\(/;
// clone and clone3 end without an end of line where a thread was made: the next line's text follows on the same one.
const MADE_THREAD =
  /^(SYSCALL\[\d+,\d+\]\( *(?:56|435)\).*?Success\(0x[0-9a-f]+\) )(?:I {2}| [LSM] |SYSCALL\[)/;

/** How much of a line is its own where another line stands behind it; 0 where none does. */
export function ownLength(text: string): number {
  return MADE_THREAD.exec(text)?.[1]?.length ?? 0;
}

interface Waiting {
  number: number;
  call: Call;
  text: string;
}

export class SystemCalls {
  // By "pid,tid": a thread is in one call at a time.
  readonly #waiting = new Map<string, Waiting>();
  // The thread whose call has not yet been followed by a result or by "[async]".
  #open: string | undefined;
  // Behind a call that may block, valgrind ends the line once more where another thread goes on.
  #mayBeEmpty = false;

  /** Takes one line that is no memory access: adds a record or none, or says why it cannot be. */
  line(text: string, batch: Batch): Fault | undefined {
    const mayBeEmpty = this.#mayBeEmpty;
    this.#mayBeEmpty = text.includes(ASYNC);
    const head = HEAD.exec(text);
    if (text === "" && mayBeEmpty) return undefined;
    if (head !== null) return this.#call(text, head, batch);
    if (ASIDE.test(text)) return undefined;
    if (CONTINUED.test(text)) return this.#result(this.#open, RESULT.exec(text), text, batch);
    if (this.#open !== undefined && REPEATED.test(text)) return undefined;
    const seen = text.length > 24 ? `${printable(text.slice(0, 24))}...` : printable(text);
    return {
      at: 0,
      seen: `"${seen}"`,
      expected: '"I  ", " L ", " S ", " M ", "SYSCALL[" or "==pid=="',
    };
  }

  #call(text: string, head: RegExpExecArray, batch: Batch): Fault | undefined {
    const thread = `${head[1]},${head[2]}`;
    const number = Number(head[3]);
    const column = head[0].length;
    const rest = text.slice(column);
    const later = LATER.exec(rest);
    if (later !== null) {
      if (this.#waiting.get(thread)?.number !== number) return undefined;
      return this.#result(thread, later, text, batch);
    }
    const call = CALLS.get(number);
    this.#open = thread;
    this.#waiting.delete(thread);
    if (call === undefined) return undefined;
    const name = NAME.exec(rest)?.[1];
    if (name !== undefined && name !== call.name) {
      return { at: column, seen: `call ${number} is ${name}`, expected: `x86-64's ${call.name}` };
    }
    if (this.#waiting.size >= WAITING_LIMIT) {
      return { at: 0, seen: `${WAITING_LIMIT} calls without a result`, expected: "fewer" };
    }
    this.#waiting.set(thread, { number, call, text: rest });
    if (rest.includes(ASYNC)) return undefined;
    return this.#result(thread, RESULT.exec(rest), text, batch);
  }

  #result(
    thread: string | undefined,
    result: RegExpExecArray | null,
    text: string,
    batch: Batch,
  ): Fault | undefined {
    if (thread === undefined || result === null) return undefined;
    const waiting = this.#waiting.get(thread);
    this.#waiting.delete(thread);
    if (this.#open === thread) this.#open = undefined;
    if (waiting === undefined) return undefined;
    const async = text.includes("[async]");
    if (waiting.call.kind === Records.HALT) {
      if (async && blocks(waiting, result)) {
        batch.push(0, 0, 0, Records.operation(Records.HALT, 0));
      }
      return undefined;
    }
    return result[1] === "Success" ? transfer(waiting, result, text, batch) : undefined;
  }
}

function transfer(
  { call, text }: Waiting,
  result: RegExpExecArray,
  line: string,
  batch: Batch,
): Fault | undefined {
  const bytes = Number.parseInt(result[2]!, 16);
  if (bytes === 0) return undefined;
  if (bytes > Records.TRANSFER_LIMIT) {
    const seen = `${call.name} of 0x${result[2]} bytes`;
    return { at: line.indexOf("Success("), seen, expected: "at most 2^31" };
  }
  let low = Records.SCRATCH >>> 0;
  let high = Math.floor(Records.SCRATCH / 2 ** 32);
  if (call.buffer === "argument") {
    const digits = BUFFER.exec(text)?.[1]?.padStart(16, "0");
    if (digits === undefined) {
      return { at: 0, seen: `${call.name} "${printable(text)}"`, expected: "a buffer's address" };
    }
    high = Number.parseInt(digits.slice(0, 8), 16);
    low = Number.parseInt(digits.slice(8), 16);
    if (!Records.isCanonical(high, low, bytes)) {
      const seen = `${call.name} of ${bytes} bytes at 0x${digits.replace(/^0+(?=.)/, "")}`;
      return { at: 0, seen, expected: "a canonical address to the last byte" };
    }
  }
  batch.push(low, high, bytes, Records.operation(call.kind, bytes));
  return undefined;
}

const EAGAIN = 0xb;
// linux/futex.h: WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2. The others wake or requeue and return.
const FUTEX_WAITS: readonly number[] = [0, 6, 9, 11, 13];
const FUTEX_COMMAND = 0x7f;

/** valgrind says "async" of every call that might block; some say by their arguments or result that they did not. */
function blocks({ call, text }: Waiting, result: RegExpExecArray): boolean {
  const given = /\((.*?)\)/.exec(text)?.[1]?.split(",") ?? [];
  if (call.name === "futex") {
    const refused = result[1] === "Failure" && Number.parseInt(result[2]!, 16) === EAGAIN;
    return !refused && FUTEX_WAITS.includes(Number(given[1]) & FUTEX_COMMAND);
  }
  if (call.name === "poll") return Number(given[2]) !== 0;
  if (call.name.startsWith("epoll")) return Number(given[3]) !== 0;
  return true;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
