// Interfaces as the firmware keeps them: what TDI_CREATE, BIND, UNBIND, INFO and the fences say, and what a device may not do.
import { TioBuffer } from "../../dist/hypervisor/tsm/buffers.js";
import * as FenceClear from "../../ts/abi/psp/tio-asid-fence-clear.ts";
import * as FenceStatus from "../../ts/abi/psp/tio-asid-fence-status.ts";
import * as Measurements from "../../ts/abi/psp/tio-dev-measurements.ts";
import * as TdiCreate from "../../ts/abi/psp/tio-tdi-create.ts";
import * as TdiInfo from "../../ts/abi/psp/tio-tdi-info.ts";
import * as InfoPage from "../../ts/abi/psp/tio-tdi-info-page.ts";
import * as Range from "../../ts/abi/tdisp-mmio-range.ts";
import * as Report from "../../ts/abi/tdisp-report.ts";
import { assert, suite } from "../kit.ts";
import { statusName } from "../psp/rig.ts";
import { PF0, type Tdi, TioRig } from "./rig.ts";

const test = suite("SEV-TIO: an interface is bound");

const is = (status: number, name: string, why = "") => assert.is(statusName(status), name, why);

function infoOf(rig: TioRig, { device, context }: Tdi): DataView {
  const page = new TioBuffer(rig.parts, 0x1000, true);
  const values = { TDI_CTX_SLA: context.sla, STATUS_PADDR: page.sla };
  is(device.command("TIO_TDI_INFO", TdiInfo, values), "SUCCESS");
  const view = new DataView(page.read(0, InfoPage.SIZE).buffer);
  page.free();
  return view;
}

test("TDI_INFO tells state, ASID, flags and whether the device was measured since the lock", () => {
  const rig = new TioRig();
  const tdi = rig.tdi(rig.connected());
  const seen = () => {
    const view = infoOf(rig, tdi);
    return [
      view.getUint32(InfoPage.TDI_FLAGS, true),
      view.getUint32(InfoPage.ASID, true),
      view.getUint32(InfoPage.TDISP_LOCK_FLAGS, true),
      view.getBigUint64(InfoPage.REPORT_COUNTER, true),
    ];
  };
  const measure = () => is(tdi.device.command("TIO_DEV_MEASUREMENTS", Measurements), "SUCCESS");
  assert.equal(seen(), [0, 0, 0, 0n]);
  measure();
  assert.equal(seen(), [1, 0, 0, 0n], "valid, and of no lock");
  is(rig.bind(tdi), "SUCCESS");
  assert.equal(seen(), [0b101, tdi.asid, 0x10, 1n], "older than the lock");
  measure();
  assert.equal(seen(), [0b111, tdi.asid, 0x10, 1n]);
  is(rig.bind(tdi, true), "SUCCESS");
  assert.equal(seen()[0], 0b1011);
  is(rig.unbind(tdi), "SUCCESS");
  assert.equal(seen(), [1, 0, 0, 1n]);
});

test("TDI_BIND takes LOCK flags that a guest may be given, and a running guest", () => {
  const rig = new TioRig();
  const tdi = rig.tdi(rig.connected());
  for (const TDISP_LOCK_FLAGS of [0, 0x0f, 0x12, 0x18, 0x30, 0x8010])
    is(rig.bind(tdi, false, { TDISP_LOCK_FLAGS }), "INVALID_PARAM", `${TDISP_LOCK_FLAGS}`);
  is(rig.bind(tdi, false, { GCTX_PADDR: rig.launched(9) }), "INVALID_GUEST_STATE");
  is(rig.bind(tdi, false, { GCTX_PADDR: rig.page() }), "INVALID_GUEST");
  assert.is(rig.tdisp, "CONFIG_UNLOCKED");
  is(rig.bind(tdi, false, { TDISP_LOCK_FLAGS: 0x15 }), "SUCCESS");
  is(rig.bind(tdi, true, { GCTX_PADDR: rig.running(8) }), "INVALID_GUEST", "another's");
  is(rig.bind(tdi, true), "SUCCESS");
});

test("a Requester ID is one interface, however its FUNCTION_ID is written", () => {
  const rig = new TioRig();
  const { device } = rig.tdiIn(0);
  const create = (functionId: number, rest = 0) => {
    const context = new TioBuffer(rig.parts, 0x1000, true);
    const INTERFACE_ID = new Uint8Array(12);
    new DataView(INTERFACE_ID.buffer).setUint32(0, functionId, true);
    INTERFACE_ID[4] = rest;
    const values = { TDI_CTX_SLA: context.sla, INTERFACE_ID };
    return device.command("TIO_TDI_CREATE", TdiCreate, values);
  };
  is(create(PF0), "IN_USE");
  is(create(PF0 | 0x100_0000), "IN_USE");
  is(create(0x4000_0000), "INVALID_PARAM");
  is(create(0x77, 1), "INVALID_PARAM");
  is(create(0x77), "SUCCESS");
});

test("an interface that the device does not have is INVALID_TDI, one that it refuses to lock SPDM_ERROR; neither ends the session", () => {
  const rig = new TioRig();
  const device = rig.connected();
  is(rig.bind(rig.tdi(device, 0x1234)), "INVALID_TDI");
  is(rig.bind(rig.tdi(device, 0xbeef)), "SPDM_ERROR", "its port has no keys");
  const tdi = rig.tdi(device);
  is(rig.bind(tdi), "SUCCESS");
});

test("a device that forgets its nonce, or brings one twice, is not started", () => {
  const stale = new TioRig({ device: { faults: ["stale-nonce"] } });
  const again = stale.tdiIn(1);
  is(stale.unbind(again), "SUCCESS");
  is(stale.bind(again), "SPDM_ERROR", "the nonce of the first lock");
  const broken = new TioRig();
  const tdi = broken.tdiIn(1);
  broken.device.event("SECURITY_LOST");
  is(broken.bind(tdi, true), "SPDM_ERROR", "it is in ERROR");
  is(broken.unbind(tdi), "SUCCESS");
  assert.is(broken.tdisp, "CONFIG_UNLOCKED");
});

test("a forced TDI_UNBIND asks nobody; the next lock stops what the device still runs", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  let carried = 0;
  const { carry } = rig;
  rig.carry = (object) => {
    carried++;
    return carry(object);
  };
  is(rig.unbind(tdi, 1), "SUCCESS");
  assert.is(carried, 0);
  assert.is(rig.tdisp, "RUN");
  is(rig.bind(tdi), "SUCCESS");
  assert.is(rig.tdisp, "CONFIG_LOCKED");
});

test("a report of more ranges than the context holds leaves the interface unlocked", () => {
  const ranges = 65;
  const tdiReport = new Uint8Array(Report.SIZE + ranges * Range.SIZE + 4);
  new DataView(tdiReport.buffer).setUint32(Report.MMIO_RANGE_COUNT, ranges, true);
  const rig = new TioRig();
  const [tdi] = [...rig.device.tdisp.tdis.values()].filter((each) => each.functionId === PF0);
  tdi!.report = () => tdiReport;
  const made = rig.tdi(rig.connected());
  is(rig.bind(made), "RESPONSE_TOO_LARGE");
  assert.is(rig.tdisp, "CONFIG_UNLOCKED");
});

test("ASID_FENCE_STATUS tells what the IOMMU stopped, until ASID_FENCE_CLEAR", () => {
  const rig = new TioRig();
  const tdi = rig.tdiIn(2);
  const fences = (ASID = tdi.asid) => {
    const page = new TioBuffer(rig.parts, 0x1000, true);
    const values = { ASID, STATUS_PADDR: page.sla };
    const status = tdi.device.command("TIO_ASID_FENCE_STATUS", FenceStatus, values);
    const seen = page.u32(0);
    page.free();
    return statusName(status) === "SUCCESS" ? seen : statusName(status);
  };
  const clear = () =>
    is(tdi.device.command("TIO_ASID_FENCE_CLEAR", FenceClear, { GCTX_PADDR: tdi.gctx }), "SUCCESS");
  assert.is(fences(), 0);
  assert.is(fences(0), "INVALID_ASID");
  rig.board.fences.set(`${PF0} ${tdi.asid}`, { dma: "error", mmio: false });
  assert.is(fences(), 1);
  assert.is(fences(tdi.asid + 1), 0);
  rig.board.fences.set(`${PF0} ${tdi.asid}`, { dma: "default", mmio: true });
  assert.is(fences(), 0b1111);
  clear();
  assert.is(fences(), 0);
});
