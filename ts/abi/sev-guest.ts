// Linux's /dev/sev-guest: ioctls, sizes of what they take and give, errors. include/uapi/linux/sev-guest.h; asm-generic/errno.h.
export const SNP_GET_REPORT = 0xc0205300;
export const SNP_GET_DERIVED_KEY = 0xc0205301;
export const SNP_GET_EXT_REPORT = 0xc0205302;

// struct snp_report_req, snp_derived_key_req, snp_ext_report_req.
export const REPORT_REQ_BYTES = 96;
export const DERIVED_KEY_REQ_BYTES = 32;
export const EXT_REPORT_REQ_BYTES = 112;
// In snp_ext_report_req.
export const CERTS_LEN = 0x68;
// struct snp_report_resp, snp_derived_key_resp.
export const REPORT_RESP_BYTES = 4000;
export const DERIVED_KEY_RESP_BYTES = 64;
// SEV_FW_BLOB_MAX_SIZE: room for certificates, at most.
export const CERTS_LIMIT = 0x4000;

// Errors.
export const ENOENT = 2;
export const EIO = 5;
export const ENXIO = 6;
export const EAGAIN = 11;
export const EACCES = 13;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOTTY = 25;
export const ENOSPC = 28;
export const EBADMSG = 74;

// configfs-tsm, drivers/virt/coco/tsm.c: bytes of inblob, and the lowest privilege.
export const TSM_INBLOB_MAX = 64;
export const TSM_PRIVLEVEL_MAX = 3;
