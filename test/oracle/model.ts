// Slow twin of assembly/model/: the same caches, TLBs, walks, streams and copies with arrays, maps and bigints.
import { type Geometry, Tags, Trackers } from "./tags.ts";

type Settings = {
  large: boolean;
  rmp: boolean;
  bounce: boolean;
  flushAll: boolean;
  fill: boolean;
  stateFlush: "never" | "page" | "all";
};
const [FETCH, LOAD, STORE, GUEST, NESTED, RMP, COPY, SHARED, FILLING] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

export interface Prices {
  /** Picoseconds of a read by who made it, where it hit, and whether a stream was continued. */
  charge: (reader: number, level: number, stream: boolean) => number;
  itlb2: number;
  dtlb2: number;
  hit: number;
}

export class ModelTwin {
  reads = new Map<string, number>();
  /** Accesses by latency: two buckets for each power of two of picoseconds. */
  histogram: number[] = new Array(64).fill(0);
  picoseconds = 0;
  counts = {
    walks: 0,
    streamWalks: 0,
    written: 0,
    writtenShared: 0,
    flushes: 0,
    itlb2: 0,
    dtlb2: 0,
    filled: 0,
  };
  readonly shapes: Record<string, Geometry>;
  readonly set: Settings;
  readonly prices: Prices;
  t: Record<string, Tags>;
  slot = 0;
  lastPage = [-1n, -1n];
  lastLine = -1n;
  next = { small: 0n, large: 0n };
  frames = new Map<string, bigint>();
  trackers = new Trackers();
  constructor(shapes: Record<string, Geometry>, set: Settings, prices: Prices) {
    const tables = Object.entries(shapes).map(([name, shape]) => [name, new Tags(shape)]);
    this.shapes = shapes;
    this.set = set;
    this.prices = prices;
    this.t = Object.fromEntries(tables);
  }
  note(reader: number, level: number, stream: boolean) {
    const cell = `${reader}.${level}.${stream}`;
    this.reads.set(cell, (this.reads.get(cell) ?? 0) + 1);
    return this.prices.charge(reader, level, stream);
  }
  level(name: string, lines: bigint[], dirty: boolean): number {
    const order = [name, "L2", "L3"];
    for (let depth = name === "" ? 1 : 0; depth < 3; depth++) {
      let missed = false;
      for (const line of lines) {
        const tags = this.t[order[depth]!]!;
        if (tags.touch(line, dirty && depth === 0)) continue;
        missed = true;
        if (!tags.pushed?.dirty) continue;
        const key = tags.pushed.key;
        if (!order.slice(depth + 1).some((below) => this.t[below]!.mark(key)))
          this.counts[key >> 58n === 5n ? "writtenShared" : "written"]++;
      }
      if (!missed) return depth;
    }
    return 3;
  }
  frame(kind: string, page: bigint): { frame: bigint; fresh: boolean } {
    const held = this.frames.get(kind + page);
    if (held !== undefined) return { frame: held, fresh: false };
    const frame = kind === "large" ? (this.next.large++ + (1n << 19n)) * 512n : this.next.small++;
    this.frames.set(kind + page, frame);
    return { frame, fresh: true };
  }
  whole(line: bigint, reader: number, dirty: boolean) {
    const level = this.level("L1D", [line], dirty);
    this.picoseconds += this.note(reader, level, level > 0 && this.trackers.train(line));
  }
  translate(gva: bigint, line: bigint, code: boolean): number {
    const page = gva >> 12n;
    if (this.lastPage[+code] === page) return 0;
    this.lastPage[+code] = page;
    const stream = this.trackers.continues(line);
    const small = this.frame("", page);
    if (small.fresh && this.set.fill) {
      this.counts.filled++;
      for (let i = 0n; i < 64n; i++) this.whole((1n << 58n) | (page * 64n + i), FILLING!, true);
    }
    const key = (this.set.large ? gva >> 21n : page) + 1n;
    const [first, second] = code ? ["ITLB1", "ITLB2"] : ["DTLB1", "DTLB2"];
    if (this.t[first!]!.touch(key)) return 0;
    if (this.t[second!]!.touch(key)) {
      this.counts[code ? "itlb2" : "dtlb2"]++;
      return this.prices[code ? "itlb2" : "dtlb2"];
    }
    const { frame, fresh } = this.set.large ? this.frame("large", key) : small;
    if (fresh && this.set.flushAll) {
      this.flush();
      for (const name of [first!, second!]) this.t[name]!.touch(key);
      this.lastPage = [-1n, -1n];
    }
    this.counts[stream ? "streamWalks" : "walks"]++;
    return this.walk(gva, frame, stream);
  }
  flush() {
    this.counts.flushes++;
    for (const name of ["ITLB1", "ITLB2", "DTLB1", "DTLB2", "DIRECTORIES", "NESTED_DIRECTORIES"])
      this.t[name] = new Tags(this.shapes[name]!);
  }
  changeState(gva: bigint) {
    if (this.set.stateFlush === "never") return;
    this.lastPage = [-1n, -1n];
    if (this.set.stateFlush === "all") return this.flush();
    for (const name of ["ITLB1", "ITLB2", "DTLB1", "DTLB2"])
      this.t[name]!.drop((this.set.large ? gva >> 21n : gva >> 12n) + 1n);
  }
  walk(gva: bigint, frame: bigint, stream: boolean): number {
    const leaf = this.set.large ? 1n : 0n;
    let cost = 0;
    const read = (line: bigint, reader: number) => {
      cost += this.note(reader, this.level("", [line], false), stream);
    };
    const nested = (page: bigint) => {
      const start = this.t["NESTED_DIRECTORIES"]!.touch((page >> (9n + 9n * leaf)) + 1n)
        ? leaf
        : 3n;
      for (let level = start; level >= leaf; level--)
        read((3n << 58n) | (level << 54n) | (page >> (9n * level + 3n)), NESTED!);
      if (this.set.rmp) read((4n << 58n) | ((leaf ? page & ~511n : page) >> 2n), RMP!);
    };
    const start = this.t["DIRECTORIES"]!.touch((gva >> (21n + 9n * leaf)) + 1n) ? leaf : 3n;
    for (let level = start; level >= leaf; level--) {
      const index = gva >> (12n + 9n * level);
      const table = this.frame(`table ${level} `, index >> 9n).frame;
      nested(table);
      read((2n << 58n) | (table << 6n) | ((index & 511n) >> 3n), GUEST!);
    }
    nested(frame);
    return cost;
  }
  observe(cost: number) {
    this.picoseconds += cost;
    const seen = BigInt(cost + this.prices.hit);
    const top = seen.toString(2).length - 1;
    const half = top > 0 ? Number((seen >> BigInt(top - 1)) & 1n) : 0;
    this.histogram[Math.min(2 * top + half, 63)]!++;
  }
  access(reader: number, gva: bigint, bytes: bigint, dirty: boolean) {
    const [first, last] = [gva, gva + bytes - 1n].map((at) => (1n << 58n) | (at >> 6n)) as [
      bigint,
      bigint,
    ];
    const code = reader === FETCH;
    if (code && first === this.lastLine && first === last)
      return this.observe(this.note(FETCH!, 0, false));
    if (code) this.lastLine = last;
    if (bytes <= 64n) return this.observe(this.once(reader, gva, bytes, dirty));
    let cost = 0;
    for (let at = gva; at < gva + bytes; at = (at | 63n) + 1n)
      cost += this.once(reader, at, 1n, dirty);
    this.observe(cost);
  }
  once(reader: number, gva: bigint, bytes: bigint, dirty: boolean): number {
    const end = gva + bytes - 1n;
    const lines = [gva, end].map((at) => (1n << 58n) | (BigInt.asUintN(64, at) >> 6n));
    if (lines[0] === lines[1]) lines.pop();
    const code = reader === FETCH;
    let cost = this.translate(gva, lines[0]!, code);
    if (gva >> 12n !== end >> 12n) cost += this.translate(end, lines[1]!, code);
    const level = this.level(code ? "L1I" : "L1D", lines, dirty);
    const streams = level > 0 && lines.map((line) => this.trackers.train(line)).includes(true);
    return cost + this.note(reader, level, streams);
  }
  transfer(gva: bigint, bytes: bigint, isIn: boolean) {
    for (let at = gva, end = gva + bytes; at < end; ) {
      const stop = (at | 4095n) + 1n < end ? (at | 4095n) + 1n : end;
      const lines = Array.from(
        { length: Number(((stop - 1n) >> 6n) - (at >> 6n)) + 1 },
        (_, i) => (at >> 6n) + BigInt(i),
      );
      const slot = this.set.bounce ? (BigInt(this.slot++) % 64n) * 64n : 0n;
      lines.forEach((line, i) => {
        const [own, shared] = [(1n << 58n) | line, (5n << 58n) | (slot + BigInt(i))];
        if (isIn)
          for (const name of ["L1D", "L2", "L3"])
            this.t[name]!.drop(this.set.bounce ? shared : own);
        if (!this.set.bounce) return;
        this.whole(isIn ? shared : own, isIn ? SHARED! : COPY!, false);
        this.whole(isIn ? own : shared, isIn ? COPY! : SHARED!, true);
      });
      at = stop;
    }
  }
  run = (kind: number, gva: bigint, bytes: bigint) =>
    kind === 0
      ? this.access(FETCH!, gva, bytes, false)
      : kind === 1
        ? this.access(LOAD!, gva, bytes, false)
        : kind === 2
          ? this.access(STORE!, gva, bytes, true)
          : kind === 3
            ? this.access(LOAD!, gva, bytes, true)
            : kind === 6
              ? undefined
              : kind >= 9
                ? this.changeState(gva)
                : this.transfer(gva, bytes, kind === 5);
}
