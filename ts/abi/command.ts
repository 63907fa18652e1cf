// Mailbox commands by number. Spec digest psp-mailbox-commands.md 2.
export const DF_FLUSH = 0x00a;
export const DECOMMISSION = 0x020;
export const ACTIVATE = 0x021;
export const DEACTIVATE = 0x022;
export const SNP_DF_FLUSH = 0x084;
export const SNP_DECOMMISSION = 0x090;
export const SNP_ACTIVATE = 0x091;
