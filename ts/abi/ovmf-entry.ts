// An entry's tail in OVMF's table of GUIDs; its data lie before it. edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm.
export const LENGTH = 0x00; // u16
export const GUID = 0x02; // 16
export const SIZE = 0x12;

// The footer, the table's last entry, ends so many bytes before the end of the image.
export const BEHIND_FOOTER = 0x20;
