// An exit code other than those of ts/cli/main.ts: `check` answers with go-sev-guest's.
export class Exit extends Error {
  override name = "Exit";
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
