// The pins of the silicon: every export, in the order an access meets them; no logic.

// start-up
export { framesInUse, setRmpTable, setTweaks, start } from "./machine";
// a guest's access
export { mayRun } from "./walk";
export { fetch, read, write } from "./access";
export { flushAsid, flushTlb } from "./tlb";
export { pvalidate } from "./instruction/pvalidate";
export { rmpadjust } from "./instruction/rmpadjust";
export { rmpquery } from "./instruction/rmpquery";
export { mapGuest } from "./table";
// the world switch
export { vmrun } from "./instruction/vmrun";
export { vmload, vmsave } from "./instruction/vmload";
export { instruction, refused } from "./world/intercept";
export { branch } from "./world/predictor";
export { guestTsc } from "./world/tsc";
export { takeEvent, tookEvent } from "./world/event";
export { refresh, sevStatus } from "./world/registers";
// the exit record
export { vmexit } from "./exit";
export { count } from "./events";
// the host's access
export { hostRead, hostWrite } from "./host";
export { mapNested, nestedEntry } from "./table";
export { rmpupdate } from "./instruction/rmpupdate";
export { psmash } from "./instruction/psmash";
export { rmpread } from "./instruction/rmpread";
export { flushes, invalidateAll, writeBackAll } from "./page";
export { readRegister, writeRegister } from "./mailbox";
// a device's access
export { attach, clearFence, clearSecure, fenceOf, secureVia, setSecure } from "./iommu";
export { dmaRead, dmaWrite } from "./dma";
export { ideKey, ideOpen, ideSeal } from "./ide";
// the secure processor's access
export { installKey, removeKey, setXts, slotState } from "./slots";
export { covered, pspRead, pspWrite, rmpHigh, rmpLow, setRmp } from "./psp";
export { enforceRmp, hideCiphertext } from "./psp";
export { clearRmp } from "./rmp-init";
export { validatedOf } from "./rmp";
export { respond } from "./mailbox";
export { forgetVmsa, noteVmsa } from "./psp";
// a probe on the chips
export { dimmRead, dimmWrite, nextHeld } from "./dimm";
// replay
export { agree, fillTransfer, foldPage, foldWindow, replay, writeImage } from "./replay";
export { flatPages, listFlatPages, startFlat } from "./flat";
// trace text and records
export { parseCltr } from "./parse/cltr";
export { parseDrmemtrace } from "./parse/drmemtrace";
export { parseLackey } from "./parse/lackey";
// the part's caches and TLBs, tags only
export { model, startModel } from "./model/run";
// bulk hashing and sealing, for the secure processor and for links
export { sha384Finish, sha384Start, sha384Update } from "./sha384";
export { gcmKey, gcmOpen, gcmSeal } from "./gcm";
// steps by themselves, for measurement, vectors and comparison
export { checkEach, walkEach } from "./drill";
export { xtsUnit } from "./xex";
export { decryptLine, decryptPage, encryptLine, encryptLines } from "./xex";
export { setPlainWalks } from "./walk-cache";
export { setKernel } from "./aes/lines";
