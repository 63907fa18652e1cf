// A command line into words, as a POSIX shell does before expansion; and QEMU's option lists into keys and values.
import { Misuse } from "../../error.ts";

const word = /(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\])+/y;
const piece = /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])|([^'"\\]+)/g;

/** Words of a command line: quotes and backslashes taken off, continued lines joined. Throws Misuse. */
export function wordsOf(line: string): string[] {
  const text = line.replace(/\\\r?\n/g, " ");
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const space = /\s+/y;
    space.lastIndex = at;
    const gap = space.exec(text);
    if (gap) {
      at = space.lastIndex;
      continue;
    }
    word.lastIndex = at;
    const found = word.exec(text);
    if (!found) throw new Misuse(`command line: quote at column ${at + 1} does not end`);
    words.push(unquoted(found[0]));
    at = word.lastIndex;
  }
  return words;
}

function unquoted(raw: string): string {
  let out = "";
  for (const [, single, double, escaped, bare] of raw.matchAll(piece)) {
    const open = double ?? bare ?? "";
    if (/\$[\w{(]|`/.test(open)) {
      throw new Misuse(`command line: ${open}: a shell would expand it, expected its value`);
    }
    out += single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? bare ?? "";
  }
  return out;
}

/** Keys and values, in order. */
export type Pairs = ReadonlyMap<string, string>;

/** `key=value,...`: a comma in a value is doubled, the first needs no key, a bare key is on. QEMU, util/qemu-option.c. */
export function pairsOf(option: string, text: string, implied?: string): Pairs {
  const pairs = new Map<string, string>();
  splitCommas(text).forEach((part, i) => {
    const equals = part.indexOf("=");
    const bare = equals < 0;
    const key = bare ? (i === 0 && implied ? implied : part) : part.slice(0, equals);
    const value = bare ? (i === 0 && implied ? part : "on") : part.slice(equals + 1);
    if (key === "") throw new Misuse(`${option} ${text}: an empty key`);
    pairs.set(key, value.replaceAll(",,", ","));
  });
  return pairs;
}

function splitCommas(text: string): string[] {
  const parts = [""];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] as string;
    if (letter !== ",") parts[parts.length - 1] += letter;
    else if (text[i + 1] === ",") {
      parts[parts.length - 1] += ",,";
      i++;
    } else parts.push("");
  }
  return parts;
}

/** A JSON object's scalars as text, nested keys joined by dots, as QEMU's own flattening does. */
export function pairsOfJson(option: string, text: string): Pairs {
  const pairs = new Map<string, string>();
  const flatten = (value: unknown, path: string) => {
    if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        flatten(inner, path === "" ? key : `${path}.${key}`);
      }
    } else pairs.set(path, value === true ? "on" : value === false ? "off" : String(value));
  };
  try {
    flatten(JSON.parse(text), "");
  } catch (error) {
    throw new Misuse(`${option} ${text}: ${(error as Error).message}`);
  }
  return pairs;
}

/** Either form. */
export const pairsOfEither = (option: string, text: string, implied?: string): Pairs =>
  text.trimStart().startsWith("{") ? pairsOfJson(option, text) : pairsOf(option, text, implied);

/** on, off, yes, no, true, false. */
export function switchOf(name: string, text: string): boolean {
  if (["on", "yes", "true", "y"].includes(text)) return true;
  if (["off", "no", "false", "n"].includes(text)) return false;
  throw new Misuse(`${name}: "${text}", expected on or off`);
}
