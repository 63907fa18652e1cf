// A DMTF measurement block up to its value. DSP0274 10.11.1.
export const INDEX = 0x00; // u8
export const MEASUREMENT_SPECIFICATION = 0x01; // u8
export const MEASUREMENT_SIZE = 0x02; // u16
export const VALUE_TYPE = 0x04; // u8
export const VALUE_SIZE = 0x05; // u16
export const SIZE = 0x07;

export const RAW_BIT = 7;
export const IMMUTABLE_ROM = 0;
export const MUTABLE_FIRMWARE = 1;
export const HARDWARE_CONFIGURATION = 2;
export const FIRMWARE_CONFIGURATION = 3;
export const FREEFORM_MANIFEST = 4;
export const DEVICE_MODE = 5;
export const FIRMWARE_VERSION = 6;
export const FIRMWARE_SVN = 7;
export const MANIFEST_INDEX = 0xfd;
export const DEVICE_MODE_INDEX = 0xfe;
// The specification byte and the size, before MEASUREMENT_SIZE begins to count.
export const HEADER_BYTES = 4;
