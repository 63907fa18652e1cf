// SPDM versions as people write them.
import { Misuse } from "../error.ts";

/** "1.2" or "1.1,1.3" as version octets. */
export function versionsOf(text: string): number[] {
  return text.split(",").map((each) => {
    const digits = /^1\.([1-3])$/.exec(each.trim());
    if (!digits) throw new Misuse(`--spdm ${text}: expected 1.1, 1.2, 1.3 or several with commas`);
    return 0x10 + Number(digits[1]);
  });
}
