// Coconut's SVSM as QEMU lays it below the firmware: an image with a table of its own. coconut-svsm/qemu, target/i386/sev.c.
import type { Section } from "./metadata.ts";
import { type FirmwareImage, parseOvmf, requireSnp } from "./ovmf.ts";
import { ImageRefused } from "./refusal.ts";

export interface SvsmImage {
  readonly image: FirmwareImage;
}

/** Reads an SVSM image that ends where the firmware's variables begin. Throws ImageRefused. */
export function parseSvsm(
  bytes: Uint8Array,
  firmware: FirmwareImage,
  variablesBytes: number,
): SvsmImage {
  return { image: parseOvmf(bytes, firmware.gpa - variablesBytes) };
}

/** What a launch needs of it: sections to prepare, and where every vCPU starts. */
export function requireSvsm({ image }: SvsmImage): {
  image: FirmwareImage;
  sections: readonly Section[];
  eip: number;
} {
  if (image.svsmEntry === undefined) {
    throw new ImageRefused("NO_SVSM_INFO", "SVSM image has no SVSM info entry in its table");
  }
  return { image, sections: requireSnp(image), eip: image.gpa + image.svsmEntry };
}
