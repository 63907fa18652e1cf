// Writes the layouts of ts/abi/ that a native peer needs as a C header: each number keeps its one home.
import { writeFileSync } from "node:fs";

const TABLES = [
  "directory",
  "events",
  "exit",
  "frame",
  "memory",
  "nested-tlb",
  "pte",
  "record",
  "replay",
  "rmp",
  "slot",
  "state",
  "table-cache",
  "tlb",
  "vcpu",
];

/** FILE_NAME of ts/abi/file.ts becomes a macro of that name. */
export async function writeHeader(path: string): Promise<void> {
  const lines = ["// Written by bench/abi.ts from ts/abi/.", "#pragma once"];
  for (const table of TABLES) {
    const module: Record<string, number> = await import(`../dist/abi/${table}.js`);
    const prefix = table.replaceAll("-", "_").toUpperCase();
    for (const [name, value] of Object.entries(module))
      lines.push(`#define ${prefix}_${name} ${value}${value > 0x7fffffff ? "u" : ""}`);
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
}
