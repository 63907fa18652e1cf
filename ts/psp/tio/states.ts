// The state tables of SEV-TIO: which command a device and an interface take in which state. AMD 58271 as Linux's drivers drive it;
// what public sources leave open is ours (LIMITATIONS.md).
import * as Command from "../../abi/command.ts";
import * as Status from "../../abi/status.ts";

const OK = Status.SUCCESS;
/** Legal with FLAGS.FORCE alone; without it the device is asked, and cannot be. */
export const FORCE = -1;
const DEVICE = Status.INVALID_DEV_STATE;
const BROKEN = Status.ERR_IN_DEV_CONN;
const TDI = Status.INVALID_TDI_STATE;

/** By the state of the device, and while another command of it is under way. */
type DeviceRow = readonly [created: number, connected: number, error: number, pending: number];

// biome-ignore format: a table
export const deviceTable: ReadonlyMap<number, DeviceRow> = new Map<number, DeviceRow>([
  [Command.TIO_DEV_RECLAIM,       [OK,     DEVICE, DEVICE, OK]],
  [Command.TIO_DEV_CONNECT,       [OK,     DEVICE, DEVICE, DEVICE]],
  [Command.TIO_DEV_DISCONNECT,    [DEVICE, OK,     FORCE,  FORCE]],
  [Command.TIO_DEV_STATUS,        [OK,     OK,     OK,     OK]],
  [Command.TIO_DEV_MEASUREMENTS,  [DEVICE, OK,     BROKEN, DEVICE]],
  [Command.TIO_DEV_CERTIFICATES,  [DEVICE, OK,     BROKEN, DEVICE]],
  [Command.TIO_TDI_CREATE,        [DEVICE, OK,     BROKEN, DEVICE]],
  [Command.TIO_TDI_RECLAIM,       [OK,     OK,     OK,     DEVICE]],
  [Command.TIO_TDI_BIND,          [DEVICE, OK,     BROKEN, DEVICE]],
  [Command.TIO_TDI_UNBIND,        [DEVICE, OK,     FORCE,  DEVICE]],
  [Command.TIO_TDI_REPORT,        [DEVICE, OK,     BROKEN, DEVICE]],
  [Command.TIO_TDI_STATUS,        [DEVICE, OK,     BROKEN, DEVICE]],
  [Command.TIO_GUEST_REQUEST,     [OK,     OK,     OK,     DEVICE]],
  [Command.TIO_ASID_FENCE_CLEAR,  [OK,     OK,     OK,     DEVICE]],
  [Command.TIO_ASID_FENCE_STATUS, [OK,     OK,     OK,     DEVICE]],
  [Command.TIO_TDI_INFO,          [OK,     OK,     OK,     DEVICE]],
  [Command.TIO_ROLL_KEY,          [DEVICE, OK,     BROKEN, DEVICE]],
]);

/** By the state of the interface. */
type TdiRow = readonly [unbound: number, locked: number, run: number];

/** TDI_BIND with RUN is another command: its row has this number. */
export const START: number = Command.TIO_TDI_BIND | 0x1_0000;

// biome-ignore format: a table
export const tdiTable: ReadonlyMap<number, TdiRow> = new Map<number, TdiRow>([
  [Command.TIO_TDI_RECLAIM,   [OK,  TDI, TDI]],
  [Command.TIO_TDI_BIND,      [OK,  TDI, TDI]],
  [START,                     [TDI, OK,  TDI]],
  [Command.TIO_TDI_UNBIND,    [TDI, OK,  OK]],
  [Command.TIO_TDI_REPORT,    [TDI, OK,  OK]],
  [Command.TIO_TDI_STATUS,    [OK,  OK,  OK]],
  [Command.TIO_GUEST_REQUEST, [OK,  OK,  OK]],
  [Command.TIO_TDI_INFO,      [OK,  OK,  OK]],
]);
