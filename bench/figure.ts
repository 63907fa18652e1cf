// One figure of the benchmark: a rate, and the same against a peer measured in the same run.
export interface Figure {
  name: string;
  value: number;
  unit: string;
  peer: string;
  peerValue: number;
  ratio: number;
  /** Half the interquartile distance over the median. */
  spread: number;
}

const three = (value: number) => value.toLocaleString("en-US", { maximumSignificantDigits: 3 });

/** The figures as a Markdown table. */
export function tableOf(figures: readonly Figure[]): string {
  const head =
    "| figure | value | unit | peer | peer's | ratio | spread |\n|---|--:|---|---|--:|--:|--:|";
  const rows = figures.map(({ name, value, unit, peer, peerValue, ratio, spread }) => {
    const numbers = [three(peerValue), three(ratio), `${three(100 * spread)} %`];
    return `| ${[name, three(value), unit, peer, ...numbers].join(" | ")} |`;
  });
  return [head, ...rows].join("\n");
}
