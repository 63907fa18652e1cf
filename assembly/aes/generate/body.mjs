// A function's body as the generators write it: line by line, with fresh names for its values.
export class Body {
  lines = [];
  #names = 0;

  say(line) {
    this.lines.push(line);
  }

  /** Gives a value a name. */
  let(value) {
    const name = `x${this.#names++}`;
    this.say(`let ${name} = ${value};`);
    return name;
  }

  xor(...parts) {
    return parts.reduce((a, b) => this.let(`v128.xor(${a}, ${b})`));
  }

  /** Says two parts that do not depend on each other, the second's lines spread evenly among the first's. Answers what the first
   *  makes. */
  weave(first, second) {
    const [lines, made] = this.#apart(first);
    const [others] = this.#apart(second);
    let said = 0;
    for (const [i, line] of lines.entries()) {
      this.say(line);
      while (said * lines.length < (i + 1) * others.length) this.say(others[said++]);
    }
    while (said < others.length) this.say(others[said++]);
    return made;
  }

  #apart(part) {
    const before = this.lines;
    this.lines = [];
    const made = part();
    const { lines } = this;
    this.lines = before;
    return [lines, made];
  }
}
