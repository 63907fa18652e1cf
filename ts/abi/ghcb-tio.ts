// SEV-TIO's two events of the GHCB protocol. A draft: AMD's Linux series of 2025, for KVM and the guest's driver.
// Operation of VMGEXIT_TIO_OP, above the Requester ID in SW_EXITINFO1.
export const OP_LSB = 32;
export const OP_BIND = 0;
export const OP_UNBIND = 1;
export const OP_RUN = 2;
export const OP_STOP = 3;
export const RID_WIDTH = 16;

// RDX beside MSG_TDI_INFO_REQ: what of the evidence the guest wants in the pages at RAX.
export const WANT_STATE_BIT = 0;
export const WANT_CERTIFICATES_BIT = 1;
export const WANT_MEASUREMENTS_BIT = 2;
export const WANT_REPORT_BIT = 3;

// RDX beside MSG_MMIO_VALIDATE_REQ: which pages the host is to make private, or shared: the gpa of the first, above these.
export const MMIO_RANGE_WIDTH = 3;
export const MMIO_PRIVATE_BIT = 3;
export const MMIO_ORDER_LSB = 4;
export const MMIO_ORDER_WIDTH = 8;

// The nonce that the device shall sign over, at the front of the pages that the guest gives.
export const NONCE_BYTES = 32;
