// Model-specific registers by number. APM vol. 2, appendix A; spec digest cpuid-msr.md 3.
export const TSC = 0x00000010;
export const TSC_AUX = 0xc0000103;
export const EFER = 0xc0000080;
export const STAR = 0xc0000081;
export const LSTAR = 0xc0000082;
export const CSTAR = 0xc0000083;
export const SFMASK = 0xc0000084;
export const FS_BASE = 0xc0000100;
export const GS_BASE = 0xc0000101;
export const KERNEL_GS_BASE = 0xc0000102;
export const SYSENTER_CS = 0x00000174;
export const SYSENTER_ESP = 0x00000175;
export const SYSENTER_EIP = 0x00000176;
export const PAT = 0x00000277;
export const XSS = 0x00000da0;
export const SYSCFG = 0xc0010010;
export const HWCR = 0xc0010015;
export const VM_CR = 0xc0010114;
export const VM_HSAVE_PA = 0xc0010117;
export const VM_PAGE_FLUSH = 0xc001011e;
export const SEV_ES_GHCB = 0xc0010130;
export const SEV_STATUS = 0xc0010131;
export const RMP_BASE = 0xc0010132;
export const RMP_END = 0xc0010133;
export const GUEST_TSC_FREQ = 0xc0010134;
export const VIRTUAL_TOM = 0xc0010135;
export const RMP_CFG = 0xc0010136;
export const SAVIC_CONTROL = 0xc0010138;
export const SVSM_CAA = 0xc001f000;

// SYSCFG
export const SYSCFG_MFDM_BIT = 19;
export const SYSCFG_SMEE_BIT = 23;
export const SYSCFG_SNP_BIT = 24;
export const SYSCFG_VMPL_BIT = 25;
// HWCR
export const HWCR_SMM_LOCK_BIT = 0;
