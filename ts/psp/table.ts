// Every command by number. A command's file has the states it is legal in: together they are the state tables.
import * as Command from "../abi/command.ts";
import { activate } from "./command/activate.ts";
import { activateEx } from "./command/activate-ex.ts";
import { attestation } from "./command/attestation.ts";
import { copy } from "./command/copy.ts";
import { dbgDecrypt } from "./command/dbg-decrypt.ts";
import { dbgEncrypt } from "./command/dbg-encrypt.ts";
import { deactivate } from "./command/deactivate.ts";
import { decommission } from "./command/decommission.ts";
import { dfFlush } from "./command/df-flush.ts";
import { downloadFirmware } from "./command/download-firmware.ts";
import { getId } from "./command/get-id.ts";
import { guestStatus } from "./command/guest-status.ts";
import { init } from "./command/init.ts";
import { initEx } from "./command/init-ex.ts";
import { launchFinish } from "./command/launch-finish.ts";
import { launchMeasure } from "./command/launch-measure.ts";
import { launchSecret } from "./command/launch-secret.ts";
import { launchStart } from "./command/launch-start.ts";
import { launchUpdateData } from "./command/launch-update-data.ts";
import { launchUpdateVmsa } from "./command/launch-update-vmsa.ts";
import { nop } from "./command/nop.ts";
import { pdhCertExport } from "./command/pdh-cert-export.ts";
import { pdhGen } from "./command/pdh-gen.ts";
import { pekCertImport } from "./command/pek-cert-import.ts";
import { pekCsr } from "./command/pek-csr.ts";
import { pekGen } from "./command/pek-gen.ts";
import { platformReset } from "./command/platform-reset.ts";
import { platformStatus } from "./command/platform-status.ts";
import { receiveFinish } from "./command/receive-finish.ts";
import { receiveStart } from "./command/receive-start.ts";
import { receiveUpdateData } from "./command/receive-update-data.ts";
import { receiveUpdateVmsa } from "./command/receive-update-vmsa.ts";
import { sendCancel } from "./command/send-cancel.ts";
import { sendFinish } from "./command/send-finish.ts";
import { sendStart } from "./command/send-start.ts";
import { sendUpdateData } from "./command/send-update-data.ts";
import { sendUpdateVmsa } from "./command/send-update-vmsa.ts";
import { shutdown } from "./command/shutdown.ts";
import { snpActivate } from "./command/snp-activate.ts";
import { snpActivateEx } from "./command/snp-activate-ex.ts";
import { snpCommit } from "./command/snp-commit.ts";
import { snpConfig } from "./command/snp-config.ts";
import { snpDbgDecrypt } from "./command/snp-dbg-decrypt.ts";
import { snpDbgEncrypt } from "./command/snp-dbg-encrypt.ts";
import { snpDeactivate } from "./command/snp-deactivate.ts";
import { snpDecommission } from "./command/snp-decommission.ts";
import { snpDfFlush } from "./command/snp-df-flush.ts";
import { snpDownloadFirmwareEx } from "./command/snp-download-firmware-ex.ts";
import { snpFeatureInfo } from "./command/snp-feature-info.ts";
import { snpGctxCreate } from "./command/snp-gctx-create.ts";
import { snpGuestRequest } from "./command/snp-guest-request.ts";
import { snpGuestStatus } from "./command/snp-guest-status.ts";
import { snpInit } from "./command/snp-init.ts";
import { snpInitEx } from "./command/snp-init-ex.ts";
import { snpLaunchFinish } from "./command/snp-launch-finish.ts";
import { snpLaunchStart } from "./command/snp-launch-start.ts";
import { snpLaunchUpdate } from "./command/snp-launch-update.ts";
import { snpPageMdInit } from "./command/snp-page-md-init.ts";
import { snpPageMove } from "./command/snp-page-move.ts";
import { snpPageReclaim } from "./command/snp-page-reclaim.ts";
import { snpPageSetState } from "./command/snp-page-set-state.ts";
import { snpPageSwapIn } from "./command/snp-page-swap-in.ts";
import { snpPageSwapOut } from "./command/snp-page-swap-out.ts";
import { snpPageUnsmash } from "./command/snp-page-unsmash.ts";
import { snpPlatformStatus } from "./command/snp-platform-status.ts";
import { snpShutdown } from "./command/snp-shutdown.ts";
import { snpShutdownEx } from "./command/snp-shutdown-ex.ts";
import { snpVerifyMitigation } from "./command/snp-verify-mitigation.ts";
import { snpVlekLoad } from "./command/snp-vlek-load.ts";
import { tioAsidFenceClear } from "./command/tio-asid-fence-clear.ts";
import { tioAsidFenceStatus } from "./command/tio-asid-fence-status.ts";
import { tioDevCertificates } from "./command/tio-dev-certificates.ts";
import { tioDevConnect } from "./command/tio-dev-connect.ts";
import { tioDevCreate } from "./command/tio-dev-create.ts";
import { tioDevDisconnect } from "./command/tio-dev-disconnect.ts";
import { tioDevMeasurements } from "./command/tio-dev-measurements.ts";
import { tioDevReclaim } from "./command/tio-dev-reclaim.ts";
import { tioDevStatus } from "./command/tio-dev-status.ts";
import { tioGuestRequest } from "./command/tio-guest-request.ts";
import { tioInit } from "./command/tio-init.ts";
import { tioRollKey } from "./command/tio-roll-key.ts";
import { tioStatus } from "./command/tio-status.ts";
import { tioTdiBind } from "./command/tio-tdi-bind.ts";
import { tioTdiCreate } from "./command/tio-tdi-create.ts";
import { tioTdiInfo } from "./command/tio-tdi-info.ts";
import { tioTdiReclaim } from "./command/tio-tdi-reclaim.ts";
import { tioTdiReport } from "./command/tio-tdi-report.ts";
import { tioTdiStatus } from "./command/tio-tdi-status.ts";
import { tioTdiUnbind } from "./command/tio-tdi-unbind.ts";
import { unsupported } from "./command/unsupported.ts";
import type { CommandEntry } from "./command.ts";

export const commands: ReadonlyMap<number, CommandEntry> = new Map<number, CommandEntry>([
  [Command.INIT, init],
  [Command.SHUTDOWN, shutdown],
  [Command.PLATFORM_RESET, platformReset],
  [Command.PLATFORM_STATUS, platformStatus],
  [Command.PEK_GEN, pekGen],
  [Command.PEK_CSR, pekCsr],
  [Command.PEK_CERT_IMPORT, pekCertImport],
  [Command.PDH_CERT_EXPORT, pdhCertExport],
  [Command.PDH_GEN, pdhGen],
  [Command.DF_FLUSH, dfFlush],
  [Command.DOWNLOAD_FIRMWARE, downloadFirmware],
  [Command.GET_ID, getId],
  [Command.INIT_EX, initEx],
  [Command.NOP, nop],
  [Command.RING_BUFFER, unsupported],
  [Command.DECOMMISSION, decommission],
  [Command.ACTIVATE, activate],
  [Command.DEACTIVATE, deactivate],
  [Command.GUEST_STATUS, guestStatus],
  [Command.COPY, copy],
  [Command.ACTIVATE_EX, activateEx],
  [Command.LAUNCH_START, launchStart],
  [Command.LAUNCH_UPDATE_DATA, launchUpdateData],
  [Command.LAUNCH_UPDATE_VMSA, launchUpdateVmsa],
  [Command.LAUNCH_MEASURE, launchMeasure],
  [Command.LAUNCH_SECRET, launchSecret],
  [Command.LAUNCH_FINISH, launchFinish],
  [Command.ATTESTATION, attestation],
  [Command.SEND_START, sendStart],
  [Command.SEND_UPDATE_DATA, sendUpdateData],
  [Command.SEND_UPDATE_VMSA, sendUpdateVmsa],
  [Command.SEND_FINISH, sendFinish],
  [Command.SEND_CANCEL, sendCancel],
  [Command.RECEIVE_START, receiveStart],
  [Command.RECEIVE_UPDATE_DATA, receiveUpdateData],
  [Command.RECEIVE_UPDATE_VMSA, receiveUpdateVmsa],
  [Command.RECEIVE_FINISH, receiveFinish],
  [Command.DBG_DECRYPT, dbgDecrypt],
  [Command.DBG_ENCRYPT, dbgEncrypt],
  [Command.SWAP_OUT, unsupported],
  [Command.SWAP_IN, unsupported],
  [Command.SNP_INIT, snpInit],
  [Command.SNP_SHUTDOWN, snpShutdown],
  [Command.SNP_PLATFORM_STATUS, snpPlatformStatus],
  [Command.SNP_DF_FLUSH, snpDfFlush],
  [Command.SNP_INIT_EX, snpInitEx],
  [Command.SNP_SHUTDOWN_EX, snpShutdownEx],
  [Command.SNP_DECOMMISSION, snpDecommission],
  [Command.SNP_ACTIVATE, snpActivate],
  [Command.SNP_GUEST_STATUS, snpGuestStatus],
  [Command.SNP_GCTX_CREATE, snpGctxCreate],
  [Command.SNP_GUEST_REQUEST, snpGuestRequest],
  [Command.SNP_ACTIVATE_EX, snpActivateEx],
  [Command.SNP_DEACTIVATE, snpDeactivate],
  [Command.SNP_LAUNCH_START, snpLaunchStart],
  [Command.SNP_LAUNCH_UPDATE, snpLaunchUpdate],
  [Command.SNP_LAUNCH_FINISH, snpLaunchFinish],
  [Command.SNP_DBG_DECRYPT, snpDbgDecrypt],
  [Command.SNP_DBG_ENCRYPT, snpDbgEncrypt],
  [Command.SNP_VERIFY_MITIGATION, snpVerifyMitigation],
  [Command.SNP_PAGE_SWAP_OUT, snpPageSwapOut],
  [Command.SNP_PAGE_SWAP_IN, snpPageSwapIn],
  [Command.SNP_PAGE_MOVE, snpPageMove],
  [Command.SNP_PAGE_MD_INIT, snpPageMdInit],
  [Command.SNP_PAGE_SET_STATE, snpPageSetState],
  [Command.SNP_PAGE_RECLAIM, snpPageReclaim],
  [Command.SNP_PAGE_UNSMASH, snpPageUnsmash],
  [Command.SNP_CONFIG, snpConfig],
  [Command.SNP_DOWNLOAD_FIRMWARE_EX, snpDownloadFirmwareEx],
  [Command.SNP_COMMIT, snpCommit],
  [Command.SNP_VLEK_LOAD, snpVlekLoad],
  [Command.SNP_FEATURE_INFO, snpFeatureInfo],
  [Command.TIO_STATUS, tioStatus],
  [Command.TIO_INIT, tioInit],
  [Command.TIO_DEV_CREATE, tioDevCreate],
  [Command.TIO_DEV_RECLAIM, tioDevReclaim],
  [Command.TIO_DEV_CONNECT, tioDevConnect],
  [Command.TIO_DEV_DISCONNECT, tioDevDisconnect],
  [Command.TIO_DEV_STATUS, tioDevStatus],
  [Command.TIO_DEV_MEASUREMENTS, tioDevMeasurements],
  [Command.TIO_DEV_CERTIFICATES, tioDevCertificates],
  [Command.TIO_TDI_CREATE, tioTdiCreate],
  [Command.TIO_TDI_RECLAIM, tioTdiReclaim],
  [Command.TIO_TDI_BIND, tioTdiBind],
  [Command.TIO_TDI_UNBIND, tioTdiUnbind],
  [Command.TIO_TDI_REPORT, tioTdiReport],
  [Command.TIO_TDI_STATUS, tioTdiStatus],
  [Command.TIO_GUEST_REQUEST, tioGuestRequest],
  [Command.TIO_ASID_FENCE_CLEAR, tioAsidFenceClear],
  [Command.TIO_ASID_FENCE_STATUS, tioAsidFenceStatus],
  [Command.TIO_TDI_INFO, tioTdiInfo],
  [Command.TIO_ROLL_KEY, tioRollKey],
]);
