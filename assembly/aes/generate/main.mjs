// Writes assembly/aes/generated/ before asc compiles it. Part of `npm run build:core`.
import { mkdirSync, writeFileSync } from "node:fs";
import { bitslice } from "./bitslice.mjs";
import { permute } from "./permute.mjs";

const folder = new URL("../generated/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("bitslice.ts", folder), bitslice());
writeFileSync(new URL("permute.ts", folder), permute());
