// The GHCB MSR (C001_0130) protocol: GHCBInfo in bits 11:0, GHCBData above. AMD 56421, 2.3; spec digest ghcb.md 1.
export const INFO_WIDTH = 12;

export const GHCB_GPA = 0x000;
export const SEV_INFO_RESPONSE = 0x001;
export const SEV_INFO_REQUEST = 0x002;
export const CPUID_REQUEST = 0x004;
export const CPUID_RESPONSE = 0x005;
export const AP_RESET_HOLD_REQUEST = 0x006;
export const AP_RESET_HOLD_RESPONSE = 0x007;
export const PREFERRED_GPA_REQUEST = 0x010;
export const PREFERRED_GPA_RESPONSE = 0x011;
export const REGISTER_GPA_REQUEST = 0x012;
export const REGISTER_GPA_RESPONSE = 0x013;
export const PSC_REQUEST = 0x014;
export const PSC_RESPONSE = 0x015;
export const RUN_VMPL_REQUEST = 0x016;
export const RUN_VMPL_RESPONSE = 0x017;
export const FEATURES_REQUEST = 0x080;
export const FEATURES_RESPONSE = 0x081;
export const TERMINATE = 0x100;

// SEV_INFO
export const INFO_MAX_LSB = 48;
export const INFO_MIN_LSB = 32;
export const INFO_VERSION_WIDTH = 16;
export const INFO_C_BIT_LSB = 24;
export const INFO_C_BIT_WIDTH = 8;

// CPUID
export const CPUID_REGISTER_LSB = 30;
export const CPUID_REGISTER_WIDTH = 2;
export const CPUID_VALUE_LSB = 32;

// The GPAs, and page state changes
export const GFN_LSB = 12;
export const GFN_WIDTH = 52;
export const PSC_GFN_WIDTH = 40;
export const PSC_OPERATION_LSB = 52;
export const PSC_OPERATION_WIDTH = 4;
export const PSC_ERROR_LSB = 32;
export const PSC_FAILED_BIT = 63;

// Run VMPL
export const VMPL_LSB = 32;
export const VMPL_WIDTH = 8;
export const VMPL_ERROR_LSB = 32;

// Terminate
export const REASON_SET_LSB = 12;
export const REASON_SET_WIDTH = 4;
export const REASON_CODE_LSB = 16;
export const REASON_CODE_WIDTH = 8;

// Reason set 0: the GHCB specification's
export const SET_GENERAL = 0;
export const GENERAL_REQUEST = 0;
export const PROTOCOL_UNSUPPORTED = 1;
export const SNP_UNSUPPORTED = 2;

// Reason set 1: Linux's
export const SET_LINUX = 1;
export const LINUX_REGISTER = 0;
export const LINUX_PSC = 1;
export const LINUX_PVALIDATE = 2;
export const LINUX_NOT_VMPL0 = 3;
export const LINUX_CPUID = 4;
export const LINUX_CPUID_HV = 5;
export const LINUX_SECRETS_PAGE = 6;
export const LINUX_NO_SVSM = 7;
export const LINUX_SVSM_VMPL0 = 8;
export const LINUX_SVSM_CAA = 9;
export const LINUX_SECURE_TSC = 10;
export const LINUX_SVSM_CA_REMAP = 11;
export const LINUX_SAVIC_FAIL = 12;
