// What can go wrong outside the emulated machine. The machine itself refuses by exit record, status or code.

/** The caller asked for something that does not exist (CLI exit code 1). */
export class Misuse extends Error {
  override name = "Misuse";
}

/** A file, stream or buffer is not what it should be; the message says where, what was seen and expected (exit code 2). */
export class BadInput extends Error {
  override name = "BadInput";
}

/** A promise of the emulator itself did not hold: its own defect (exit code 3). */
export class CheckFailed extends Error {
  override name = "CheckFailed";
}

/** A corner of a specification that Cloister does not emulate; the message names the section. */
export class Unimplemented extends Error {
  override name = "Unimplemented";
}
