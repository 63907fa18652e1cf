// The head of a structure in an IGVM file's variable header; each starts on 8 bytes. microsoft/igvm, igvm_defs.
export const TYPE = 0x0; // u32
export const LENGTH = 0x4; // u32
export const SIZE = 0x8;

// TYPE. The highest bit marks one that a loader may skip.
export const SUPPORTED_PLATFORM = 0x001;
export const GUEST_POLICY = 0x101;
export const RELOCATABLE_REGION = 0x102;
export const PAGE_TABLE_RELOCATION_REGION = 0x103;
export const PARAMETER_AREA = 0x301;
export const PAGE_DATA = 0x302;
export const PARAMETER_INSERT = 0x303;
export const VP_CONTEXT = 0x304;
export const REQUIRED_MEMORY = 0x305;
export const VP_COUNT_PARAMETER = 0x307;
export const SRAT = 0x308;
export const MADT = 0x309;
export const MMIO_RANGES = 0x30a;
export const SNP_ID_BLOCK = 0x30b;
export const MEMORY_MAP = 0x30c;
export const ERROR_RANGE = 0x30d;
export const COMMAND_LINE = 0x30e;
export const SLIT = 0x30f;
export const PPTT = 0x310;
export const VBS_MEASUREMENT = 0x311;
export const DEVICE_TREE = 0x312;
export const ENVIRONMENT_INFO_PARAMETER = 0x313;
export const OPTIONAL_BIT = 31;
