// The vectors that stand beside the repository, when they do.
import { existsSync, readFileSync } from "node:fs";

const folder = new URL("../../shared/vectors/", import.meta.url);

export const hasShared = (name: string): boolean => existsSync(new URL(name, folder));

export const shared = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T;
