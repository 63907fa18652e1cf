// cloister attack examples/attacks/page-trace.mjs: the controlled channel. Nested tables are the host's, so the accessed and dirty bits
// tell which pages a guest touched between two exits, in every generation.
const PAGES = { secret: 0x10000n, other: 0x20000n };

export default {
  threat: "page-trace",
  title: "the hypervisor clears accessed and dirty bits, and looks which came back",
  run(scene) {
    scene.advance();
    for (const gpa of Object.values(PAGES)) scene.clearBits(gpa);
    scene.advance();
    const written = Object.keys(PAGES).filter((name) => scene.bitsOf(PAGES[name]).dirty);
    scene.note(`dirty: ${written.join(", ") || "none"}`);
    // The victim writes its secret anew between these two halts, and nothing else.
    const told = written.length === 1 && written[0] === "secret";
    return {
      protected: !told,
      got: told ? "which page" : "nothing",
      via: "dirty bits of the nested tables",
    };
  },
};
