// SEV_FEATURES of a VMSA, by bit; SEV_STATUS (MSR C001_0131) shows them two higher. Spec digest vmcb-vmsa.md 2.1.
export const SNP_ACTIVE_BIT = 0;
export const VTOM_BIT = 1;
export const REFLECT_VC_BIT = 2;
export const RESTRICTED_INJECTION_BIT = 3;
export const ALTERNATE_INJECTION_BIT = 4;
export const DEBUG_SWAP_BIT = 5;
export const PREVENT_HOST_IBS_BIT = 6;
export const BTB_ISOLATION_BIT = 7;
export const VMPL_SSS_BIT = 8;
export const SECURE_TSC_BIT = 9;
export const VMGEXIT_PARAMETER_BIT = 10;
export const PMC_VIRTUALIZATION_BIT = 11;
export const IBS_VIRTUALIZATION_BIT = 12;
export const GUEST_INTERCEPT_CONTROL_BIT = 13;
export const VMSA_REG_PROT_BIT = 14;
export const SMT_PROTECTION_BIT = 15;
export const SECURE_AVIC_BIT = 16;
export const IBPB_ON_ENTRY_BIT = 21;

// In SEV_STATUS
export const STATUS_SEV_BIT = 0;
export const STATUS_ES_BIT = 1;
export const STATUS_FEATURES_LSB = 2;
