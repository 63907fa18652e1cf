// PEK_CSR: the PEK's certificate, for an owner to sign. SEV API (AMD 55766), 5.5.
import * as Layout from "../../abi/psp/pek-csr.ts";
import * as Certificate from "../../abi/psp/sev-certificate.ts";
import * as Status from "../../abi/status.ts";
import { type CommandEntry, when } from "../command.ts";
import { writeSized } from "../memory.ts";

export const pekCsr: CommandEntry = {
  layout: Layout,
  platform: when.sevInitOrWorking,
  writesBuffer: true,
  run(psp, buffer) {
    const { CSR_PADDR, CSR_LENGTH } = Layout;
    const status = writeSized(psp, buffer, CSR_PADDR, CSR_LENGTH, Certificate.SIZE, () =>
      psp.sev.pekRequest(),
    );
    return status ?? Status.SUCCESS;
  },
};
