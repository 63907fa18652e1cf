// What Linux answers when one of its sysfs nodes is misused: an errno, by name. include/uapi/asm-generic/errno-base.h.

export type ErrnoName =
  | "EIO"
  | "ENXIO"
  | "EACCES"
  | "EFAULT"
  | "EBUSY"
  | "ENODEV"
  | "EINVAL"
  | "ENOENT"
  | "EOPNOTSUPP";

/** A read or write that failed. */
export class Errno extends Error {
  override name = "Errno";
  readonly errno: ErrnoName;
  constructor(errno: ErrnoName, what: string) {
    super(`${errno}: ${what}`);
    this.errno = errno;
  }
}
