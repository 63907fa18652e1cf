// The #HV doorbell: with restricted injection the hypervisor can only ring, and the guest looks. coconut-svsm hv_doorbell.rs.
import * as Code from "../../abi/exit.ts";
import * as Layout from "../../abi/ghcb.ts";
import * as Page from "../../abi/hv-doorbell.ts";
import type { Cpu, Step } from "../cpu.ts";
import type { SevGuest } from "../sev.ts";
import { plainCall } from "./event.ts";

/** What a doorbell page told. */
export interface Rung {
  vector: number;
  nmi: boolean;
  machineCheck: boolean;
}

const request = (cpu: Cpu, guest: SevGuest, operation: number, gpa: bigint) =>
  plainCall(cpu, guest, Code.VMGEXIT_HV_DOORBELL, BigInt(operation), gpa);

/** Where the hypervisor would like the page; undefined when it does not mind. */
export function* preferredDoorbell(cpu: Cpu, guest: SevGuest): Step<bigint | undefined> {
  const answer = yield* request(cpu, guest, Layout.DOORBELL_GET_PREFERRED, 0n);
  return answer === undefined || answer === NONE ? undefined : answer;
}
const NONE = 0xffff_ffff_ffff_ffffn;

/** Makes a shared page the doorbell of this vCPU. False: the hypervisor would not. */
export function* setDoorbell(cpu: Cpu, guest: SevGuest, gpa: bigint): Step<boolean> {
  const answer = yield* request(cpu, guest, Layout.DOORBELL_SET, gpa);
  return answer === gpa;
}

/** The page the hypervisor rings at; 0 when there is none. */
export function* queryDoorbell(cpu: Cpu, guest: SevGuest): Step<bigint | undefined> {
  return yield* request(cpu, guest, Layout.DOORBELL_QUERY, 0n);
}

export function* clearDoorbell(cpu: Cpu, guest: SevGuest): Step<boolean> {
  return (yield* request(cpu, guest, Layout.DOORBELL_CLEAR, 0n)) !== undefined;
}

/** Takes what is pending. NoFurtherSignal goes first: whatever comes after that rings again. */
export function* answerDoorbell(cpu: Cpu, gva: bigint): Step<Rung> {
  const bytes = new Uint8Array(2);
  yield* cpu.read(gva, bytes);
  const flags = bytes[Page.FLAGS] as number;
  const vector = bytes[Page.VECTOR] as number;
  yield* cpu.write(gva, new Uint8Array(2));
  const has = (position: number) => (flags & (1 << position)) !== 0;
  return { vector, nmi: has(Page.NMI_PENDING_BIT), machineCheck: has(Page.MC_PENDING_BIT) };
}
