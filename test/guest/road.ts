// A guest's secrets page and a road to the firmware's channel, with a host on it that may do as it likes.
import * as Secrets from "../../dist/abi/secrets-page.js";
import { MessageKey } from "../../dist/guest/message-key.js";
import { type Carried, GuestMessages } from "../../dist/guest/messages.js";
import { guestRequest } from "../../dist/psp/channel.js";
import type { Scene } from "../../dist/psp/request/entry.js";
import { sceneOf } from "../psp/scene.ts";

const PAGE = 0x1000;

/** What the host does with a request, and with what comes back. */
export interface Host {
  before?: (request: Uint8Array, pages: number | undefined) => Partial<Carried> | undefined;
  after?: (response: Uint8Array) => unknown;
  /** What it hands out with extended requests. */
  table?: Uint8Array;
}

export interface Road {
  scene: Scene;
  page: Uint8Array;
  key: MessageKey;
  messages: GuestMessages;
  /** Every request page, as the host saw it. */
  seen: Uint8Array[];
}

export function roadOf(host: Host = {}, scene: Scene = sceneOf(), vmpck: 0 | 1 | 2 | 3 = 0): Road {
  const page = new Uint8Array(PAGE);
  const keys = [Secrets.VMPCK0, Secrets.VMPCK1, Secrets.VMPCK2, Secrets.VMPCK3];
  keys.forEach((at, i) => {
    page.set(scene.guest.vmpck[i]!, at);
  });
  const seen: Uint8Array[] = [];
  const key = new MessageKey(
    {
      read: (at, into) => step(() => into.set(page.subarray(at, at + into.length))),
      write: (at, from) => step(() => page.set(from, at)),
    },
    vmpck,
  );
  const none = { response: new Uint8Array(PAGE), pages: 0, certificates: new Uint8Array(0) };
  const carry = (request: Uint8Array, certificatePages?: number): Carried => {
    seen.push(request.slice());
    const done = host.before?.(request, certificatePages);
    if (done) return { outcome: "ok", firmware: 0, vmm: 0, ...none, ...done };
    const table = host.table ?? new Uint8Array(0);
    const needed = Math.ceil(table.length / PAGE);
    if (certificatePages !== undefined && certificatePages < needed)
      return { outcome: "space", firmware: 0, vmm: 1, ...none, pages: needed };
    const response = guestRequest(scene, request);
    if (typeof response === "number")
      return { outcome: "failed", firmware: response, vmm: 0, ...none };
    host.after?.(response);
    const certificates = new Uint8Array((certificatePages ?? 0) * PAGE);
    if (certificatePages !== undefined) certificates.set(table);
    return { outcome: "ok", firmware: 0, vmm: 0, ...none, response, certificates };
  };
  const messages = new GuestMessages(key, (request, pages) => step(() => carry(request, pages)));
  return { scene, page, key, messages, seen };
}

/** A step in which no exit happens. */
function* step<T>(act: () => T): Generator<void, T, void> {
  yield* [] as undefined[];
  return act();
}

/** Runs a guest's steps to their end. */
export function run<T>(step: Generator<void, T, void>): T {
  for (;;) {
    const next = step.next();
    if (next.done) return next.value;
  }
}
