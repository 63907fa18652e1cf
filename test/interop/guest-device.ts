// The guest device in a process of its own, for clients written by others.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CACHE } from "./tools.ts";

let service: ChildProcess | undefined;

/** Launches a Milan guest; answers the socket that its device listens at. */
export async function startGuestDevice(): Promise<string> {
  const socket = join(CACHE, "guest.sock");
  const args = ["dist/cli/main.js", "guest-device", "serve", "--socket", socket, "--seed", "7"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  service = child;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === `listening on ${socket}`) return socket;
  }
  throw new Error("the guest device did not start");
}

export function stopGuestDevice(): void {
  service?.kill();
}
