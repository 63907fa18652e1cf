// The parts, by name.
import type { Chip, ChipName } from "./chip.ts";
import { genoa } from "./genoa.ts";
import { milan } from "./milan.ts";
import { naples } from "./naples.ts";
import { rome } from "./rome.ts";
import { turin } from "./turin.ts";

export const chips: Record<ChipName, Chip> = { naples, rome, milan, genoa, turin };
