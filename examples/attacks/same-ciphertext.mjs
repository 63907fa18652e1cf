// cloister attack examples/attacks/same-ciphertext.mjs: the cipher is deterministic, so a value that comes back at the same address has
// the same ciphertext (CIPHERLEAKS, 2021). A guest that writes one of two values for each bit of a secret tells it, under SEV-SNP too.
const PAGE = 0x10000n;
const ENTRY = 0xfffffff0n;
const BITS = [1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0];

function* guest(cpu) {
  if (cpu.features.snp) yield* cpu.pvalidate(PAGE, false, true);
  for (const bit of BITS) {
    yield* cpu.write(PAGE, new Uint8Array(16).fill(bit === 1 ? 0x5a : 0xc3));
    yield* cpu.hlt();
  }
}

export default {
  threat: "same-ciphertext",
  title: "the hypervisor compares a block's ciphertext before and after each exit",
  image: { entry: ENTRY, code: new Map([[ENTRY, guest]]) },
  run(scene) {
    const blocks = BITS.map(() => {
      scene.advance();
      return Buffer.from(scene.ciphertext(PAGE, 16)).toString("hex");
    });
    // The first block stands for a 1 by guess; all others are told by it.
    const guess = blocks.map((block) => Number(block === blocks[0]));
    scene.note(`two ciphertexts told ${guess.join("")}`);
    const told = guess.every((bit, i) => bit === BITS[i]);
    return {
      protected: !told,
      got: told ? "every bit" : "nothing",
      via: "equal ciphertexts at one address",
    };
  },
};
