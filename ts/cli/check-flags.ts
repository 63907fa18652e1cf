// go-sev-guest's `check` flags, read as Go's flag package reads them: -name value, -name=value, --name.
import { Misuse } from "../error.ts";

const booleans = ["quiet", "v"];

const names = [
  ...["in", "inform", "config", "report_data", "host_data", "family_id", "image_id", "report_id"],
  ...["report_id_ma", "measurement", "chip_id", "minimum_tcb", "minimum_launch_tcb"],
  ...["guest_policy", "min_build", "min_version", "check_crl", "network", "timeout"],
  ...["max_retry_delay", "require_author_key", "require_idblock", "provisional", "vmpl"],
  ...["platform_info", "trusted_author_keys", "trusted_author_key_hashes", "trusted_id_keys"],
  ...["trusted_id_key_hashes", "stepping", "product_key_path", "kdsdatabase"],
  // Cloister's own: the key service to ask, and the moment to judge at.
  ...["kds", "at"],
];

export type CheckFlags = ReadonlyMap<string, string>;

/** Flags by name. Refuses what Go's parser would: unknown names, a value missing, words left over. */
export function parseCheckFlags(args: readonly string[]): CheckFlags {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([A-Za-z_]+)(?:=(.*))?$/s.exec(args[i] as string);
    if (match === null) throw new Misuse(`check: "${args[i]}", expected a flag`);
    const [, name, given] = match as unknown as [string, string, string | undefined];
    if (booleans.includes(name)) {
      flags.set(name, given ?? "true");
      continue;
    }
    if (!names.includes(name)) throw new Misuse(`check: flag -${name} is not defined`);
    const value = given ?? args[++i];
    if (value === undefined) throw new Misuse(`check: flag needs an argument: -${name}`);
    flags.set(name, value);
  }
  return flags;
}

/** "true" or "false"; anything else is misuse, as in go-sev-guest. */
export function flagOf(flags: CheckFlags, name: string, otherwise: boolean): boolean {
  const value = flags.get(name);
  if (value === undefined || value === "") return otherwise;
  if (value !== "true" && value !== "false") {
    throw new Misuse(`check: flag -${name}=${value} invalid, expected true or false`);
  }
  return value === "true";
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration as Go writes it: 2m, 30s, 1m30s. */
export function durationOf(flags: CheckFlags, name: string, otherwise: number): number {
  const value = flags.get(name);
  if (value === undefined) return otherwise;
  const parts = [...value.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== value) {
    throw new Misuse(`check: flag -${name}=${value} invalid, expected a duration such as 2m`);
  }
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * (units[unit as string] as number), 0);
}
