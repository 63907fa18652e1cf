// A PCI function as Linux names it: domain, bus, device, function. Domain 0 is the only one.

export function pciName(bdf: number): string {
  const hex = (value: number, width: number) => value.toString(16).padStart(width, "0");
  return `0000:${hex(bdf >> 8, 2)}:${hex((bdf >> 3) & 31, 2)}.${bdf & 7}`;
}

/** The function of a name; undefined when it is none. */
export function bdfOf(name: string): number | undefined {
  const match = /^0000:([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/.exec(name);
  if (!match) return undefined;
  const [bus, device, fn] = match.slice(1).map((digits) => Number(`0x${digits}`)) as [
    number,
    number,
    number,
  ];
  return (bus << 8) | (device << 3) | fn;
}

/** Where sysfs has PCI functions, each a folder by its name. */
export const PCI_DEVICES = "/sys/bus/pci/devices/";

/** The function and the node of a path; undefined for a path that is elsewhere. */
export function nodeOf(path: string): { bdf: number; node: string } | undefined {
  if (!path.startsWith(PCI_DEVICES)) return undefined;
  const [name = "", ...rest] = path.slice(PCI_DEVICES.length).split("/");
  const bdf = bdfOf(name);
  return bdf === undefined ? undefined : { bdf, node: rest.join("/") };
}
