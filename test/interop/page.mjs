// The same in a browser: a page that fetches the evidence and leaves its verdicts where the driver finds them.
import { madeHere } from "./factory.mjs";
import { verdicts } from "./verdicts.mjs";

const read = async (name) => {
  const response = await fetch(`/evidence/${name}`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

globalThis.verdicts = async () => [...(await verdicts(read)), ...(await madeHere())];
