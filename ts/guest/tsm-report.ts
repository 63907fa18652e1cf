// configfs-tsm as a guest of Linux has it: /sys/kernel/config/tsm/report/NAME/{inblob,outblob,...}. Linux drivers/virt/coco/tsm.c.
import * as Table from "../abi/certificate-table.ts";
import * as Request from "../abi/message-report-req.ts";
import * as Response from "../abi/message-report-rsp.ts";
import * as Report from "../abi/report.ts";
import * as Linux from "../abi/sev-guest.ts";
import type { Step } from "./cpu.ts";
import type { GuestMessages } from "./messages.ts";
import { ioctl } from "./sev-guest.ts";

/** A file operation that failed, as the kernel says it. */
export class FileError extends Error {
  override name = "FileError";
  readonly errno: number;
  constructor(errno: number, says: string) {
    super(says);
    this.errno = errno;
  }
}

/** One directory under report/. */
interface Entry {
  inblob: Uint8Array;
  privlevel: number;
  /** Counts writes; outblob and auxblob are of `made`. */
  generation: number;
  made: number | undefined;
  outblob: Uint8Array;
  auxblob: Uint8Array;
}

const letters = (text: string) => new TextEncoder().encode(text);

export class TsmReports {
  readonly #messages: GuestMessages;
  /** The VMPL of the guest: no report is made of a more privileged one. */
  readonly #floor: number;
  readonly #entries = new Map<string, Entry>();

  constructor(messages: GuestMessages, floor: number) {
    this.#messages = messages;
    this.#floor = floor;
  }

  mkdir(name: string): void {
    if (!/^[^/]+$/.test(name)) throw new FileError(Linux.EINVAL, `mkdir "${name}"`);
    if (this.#entries.has(name)) throw new FileError(Linux.EEXIST, `mkdir ${name}`);
    const none = new Uint8Array(0);
    const privlevel = this.#floor;
    const blobs = { inblob: none, outblob: none, auxblob: none };
    this.#entries.set(name, { ...blobs, privlevel, generation: 0, made: undefined });
  }

  rmdir(name: string): void {
    this.#entry(name);
    this.#entries.delete(name);
  }

  write(name: string, attribute: string, data: Uint8Array): void {
    const entry = this.#entry(name);
    if (attribute === "inblob") {
      if (data.length === 0 || data.length > Linux.TSM_INBLOB_MAX)
        throw new FileError(Linux.EINVAL, `inblob: ${data.length} bytes, expected 1 to 64`);
      entry.inblob = data.slice();
    } else if (attribute === "privlevel") entry.privlevel = this.#privlevelOf(data);
    else throw new FileError(this.#has(attribute) ? Linux.EACCES : Linux.ENOENT, attribute);
    entry.generation++;
  }

  *read(name: string, attribute: string): Step<Uint8Array> {
    const entry = this.#entry(name);
    switch (attribute) {
      case "provider":
        return letters("sev_guest\n");
      case "generation":
        return letters(`${entry.generation}\n`);
      case "privlevel_floor":
        return letters(`${this.#floor}\n`);
      case "outblob":
      case "auxblob":
        yield* this.#make(entry);
        return entry[attribute];
      default:
        throw new FileError(this.#has(attribute) ? Linux.EACCES : Linux.ENOENT, attribute);
    }
  }

  #has(attribute: string): boolean {
    const all = ["inblob", "privlevel", "provider", "generation", "privlevel_floor"];
    return [...all, "outblob", "auxblob"].includes(attribute);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw new FileError(Linux.ENOENT, name);
    return entry;
  }

  #privlevelOf(data: Uint8Array): number {
    const text = new TextDecoder().decode(data).trim();
    const level = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (level >= this.#floor && level <= Linux.TSM_PRIVLEVEL_MAX) return level;
    throw new FileError(Linux.EINVAL, `privlevel "${text}", expected ${this.#floor} to 3`);
  }

  /** Asks for a report unless the one at hand is of the last write. */
  *#make(entry: Entry): Step {
    if (entry.inblob.length !== Linux.TSM_INBLOB_MAX)
      throw new FileError(Linux.EINVAL, `inblob: ${entry.inblob.length} bytes, expected 64`);
    if (entry.made === entry.generation) return;
    const request = new Uint8Array(Linux.EXT_REPORT_REQ_BYTES);
    const view = new DataView(request.buffer);
    request.set(entry.inblob, Request.REPORT_DATA);
    view.setUint32(Request.VMPL, entry.privlevel, true);
    view.setUint32(Linux.CERTS_LEN, Linux.CERTS_LIMIT, true);
    const result = yield* ioctl(this.#messages, Linux.SNP_GET_EXT_REPORT, 1, request);
    if (result.errno !== 0) throw new FileError(result.errno, "SNP_GET_EXT_REPORT");
    const { response, certificates } = result;
    if (new DataView(response.buffer).getUint32(Response.STATUS, true) !== 0)
      throw new FileError(Linux.ENXIO, "MSG_REPORT_RSP");
    entry.outblob = response.slice(Response.REPORT, Response.REPORT + Report.SIZE);
    entry.auxblob = certificates.slice(0, tableLength(certificates));
    entry.made = entry.generation;
  }
}

/** Bytes up to the end of the last certificate. The host may have written anything: what leaves the pages is cut off. */
export function tableLength(pages: Uint8Array): number {
  const view = new DataView(pages.buffer, pages.byteOffset, pages.byteLength);
  let end = 0;
  for (let at = 0; at + Table.SIZE <= pages.length; at += Table.SIZE) {
    if (pages.subarray(at, at + Table.SIZE).every((byte) => byte === 0)) {
      return end === 0 ? 0 : Math.min(Math.max(end, at + Table.SIZE), pages.length);
    }
    const offset = view.getUint32(at + Table.OFFSET, true);
    end = Math.max(end, offset + view.getUint32(at + Table.LENGTH, true));
  }
  return 0;
}
