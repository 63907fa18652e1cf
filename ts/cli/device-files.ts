// What a device can be told by file: its measurements, its report, its certificates.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { givenChain } from "../device/certificates.ts";
import type { Measurement } from "../device/measurements.ts";
import { checkReport } from "../device/report.ts";
import type { Slot } from "../device/spdm.ts";
import { BadInput } from "../error.ts";
import { nobleCurves } from "../spdm/crypto.ts";
import { elements } from "../spdm/der.ts";

export function readBytes(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new BadInput(`${file}: ${(error as Error).message}`);
  }
}

export const reportFrom = (file: string): Uint8Array => checkReport(readBytes(file), file);

const octetsOf = (text: unknown, where: string): Uint8Array => {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/i.test(text)) {
    throw new BadInput(`${where}: ${JSON.stringify(text)}, expected hexadecimal digits`);
  }
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
};

/** A JSON list of { index, type, value, raw? }; value in hexadecimal. */
export function measurementsFrom(file: string): Measurement[] {
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder().decode(readBytes(file)));
  } catch (error) {
    if (error instanceof BadInput) throw error;
    throw new BadInput(`${file}: ${(error as Error).message}`);
  }
  if (!Array.isArray(list)) throw new BadInput(`${file}: expected a list of measurements`);
  return list.map((each: Record<string, unknown> | null, i) => {
    const where = `${file}: measurement ${i}`;
    const { index, type, value, raw = false } = each ?? {};
    if (typeof index !== "number" || typeof type !== "number" || typeof raw !== "boolean") {
      throw new BadInput(
        `${where}: expected { "index": n, "type": n, "value": "hex", "raw"?: bool }`,
      );
    }
    return { index, valueType: type, value: octetsOf(value, where), raw };
  });
}

/** DER, or every block of a PEM file, one after another. */
function derFrom(file: string): Uint8Array[] {
  const octets = readBytes(file);
  const text = new TextDecoder("latin1").decode(octets);
  const blocks = [...text.matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g)];
  if (blocks.length === 0) return elements(octets, file).map((each) => each.whole);
  return blocks.map(([, body]) =>
    Uint8Array.from(atob(body!.replace(/\s/g, "")), (char) => char.charCodeAt(0)),
  );
}

/** `slotN.p384.chain` with `slotN.p384.key`, and the same for p256; root first, PEM or DER. */
export function slotsFrom(folder: string): Slot[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new BadInput(`${folder}: ${(error as Error).message}`);
  }
  const slots: Slot[] = [];
  for (const name of names.sort()) {
    const parts = /^slot([0-7])\.(p256|p384)\.chain(\.pem|\.der)?$/.exec(name);
    if (!parts) continue;
    const chain = join(folder, name);
    const key = names.find((each) => each.startsWith(`slot${parts[1]}.${parts[2]}.key`));
    if (!key) throw new BadInput(`${chain}: no slot${parts[1]}.${parts[2]}.key beside it`);
    const [secret] = derFrom(join(folder, key)).slice(-1);
    const certificates = derFrom(chain);
    if (!secret || certificates.length === 0) throw new BadInput(`${chain}: empty`);
    const slot = Number(parts[1]);
    slots[slot] = { ...slots[slot], ...givenChain(nobleCurves, certificates, secret, chain) };
  }
  if (slots.length === 0) {
    throw new BadInput(`${folder}: no slotN.p384.chain or slotN.p256.chain in it`);
  }
  return Array.from(slots, (slot) => slot ?? {});
}
