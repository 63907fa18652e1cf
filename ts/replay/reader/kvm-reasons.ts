// KVM's names of exits on AMD. Linux arch/x86/include/uapi/asm/svm.h, SVM_EXIT_REASONS.
import * as Code from "../../abi/exit.ts";

const registers = (name: string, base: number): [string, number][] =>
  Array.from({ length: 16 }, (_, i) => [`${name}${i}`, base + i]);

const numbered = (base: number, names: string): [string, number][] =>
  names.split(" ").map((name, i) => [name, base + i]);

/** Codes by name. */
export const REASONS: ReadonlyMap<string, number> = new Map([
  ...registers("read_cr", 0x000),
  ...registers("write_cr", 0x010),
  ...registers("read_dr", 0x020),
  ...registers("write_dr", 0x030),
  ...numbered(0x040, "DE DB NMI BP OF BR UD NM DF CSO TS NP SS GP PF").map(
    ([name, code]): [string, number] => [`${name} excp`, code],
  ),
  ...numbered(0x050, "MF AC MC XF").map(([name, code]): [string, number] => [`${name} excp`, code]),
  ...numbered(
    Code.VMEXIT_INTR,
    "interrupt nmi smi init vintr cr0_sel_write read_idtr read_gdtr read_ldtr read_tr",
  ),
  ...numbered(
    0x06a,
    "write_idtr write_gdtr write_ldtr write_tr rdtsc rdpmc pushf popf cpuid rsm iret swint",
  ),
  ...numbered(0x076, "invd pause hlt invlpg invlpga io msr task_switch ferr_freeze shutdown"),
  ...numbered(
    0x080,
    "vmrun hypercall vmload vmsave stgi clgi skinit rdtscp icebp wbinvd monitor mwait",
  ),
  ...numbered(0x08c, "mwait_cond xsetbv rdpru efer_write_trap"),
  ...registers("cr", 0x090).map(([name, code]): [string, number] => [`${name}_write_trap`, code]),
  ["invpcid", 0x0a2],
  ["bus_lock", Code.VMEXIT_BUSLOCK],
  ["idle_halt", Code.VMEXIT_IDLE_HLT],
  ["npf", Code.VMEXIT_NPF],
  ["avic_incomplete_ipi", 0x401],
  ["avic_unaccelerated_access", 0x402],
  ["vmgexit", Code.VMEXIT_VMGEXIT],
  ["vmgexit_mmio_read", Code.VMGEXIT_MMIO_READ],
  ["vmgexit_mmio_write", Code.VMGEXIT_MMIO_WRITE],
  ["vmgexit_nmi_complete", Code.VMGEXIT_NMI_COMPLETE],
  ["vmgexit_ap_hlt_loop", Code.VMGEXIT_AP_HLT_LOOP],
  ["vmgexit_ap_jump_table", Code.VMGEXIT_AP_JUMP_TABLE],
  ["vmgexit_page_state_change", Code.VMGEXIT_PSC],
  ["vmgexit_guest_request", Code.VMGEXIT_GUEST_REQUEST],
  ["vmgexit_ext_guest_request", Code.VMGEXIT_EXT_GUEST_REQUEST],
  ["vmgexit_ap_creation", Code.VMGEXIT_AP_CREATION],
  ["vmgexit_hypervisor_feature", Code.VMGEXIT_HV_FEATURES],
]);

/** The name of a code, in hexadecimal where it has none. */
export function reasonOf(code: number): string {
  for (const [name, known] of REASONS) if (known === code) return name;
  return `0x${code.toString(16)}`;
}
