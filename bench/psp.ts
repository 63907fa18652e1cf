// The second road: small commands through the mailbox, 16 MiB launched and measured, a report by guest message; each beside the same
// cryptography in node:crypto, and beside the calibration loop.
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { MailboxDriver } from "../dist/hypervisor/mailbox.js";
import { makeFirmware } from "../dist/hypervisor/page-state.js";
import { createPlatform } from "../dist/index.js";
import type { Region } from "../dist/launch/plan.js";
import { bufferOf } from "../dist/layout.js";
import * as Command from "../ts/abi/command.ts";
import * as PageInfo from "../ts/abi/page-info.ts";
import * as ContextPage from "../ts/abi/psp/context-page.ts";
import * as FeatureInfo from "../ts/abi/psp/snp-feature-info.ts";
import * as GuestStatus from "../ts/abi/psp/snp-guest-status.ts";
import * as Page from "../ts/abi/psp/snp-page.ts";
import * as PlatformStatus from "../ts/abi/psp/snp-platform-status.ts";
import type { Figure } from "./figure.ts";
import { against, calibration, interleaved, type Measured, type Task } from "./measure.ts";
import { messageTasks } from "./message.ts";

const ROUNDS = 100;
const PAGE = 0x1000;
const MIB = 2 ** 20;
const IMAGE = 16 * MIB;
const CONTEXT = ContextPage.RESERVED_0330 - ContextPage.CIPHERTEXT;
const platformOf = () => createPlatform({ chip: "genoa", seed: 1n, resident: 64 * MIB });

// Pages of the host's own, which no guest has: the top of the first 16 MiB.
const [BUFFER, OUT, LENT] = [0xf0_0000n, 0xf0_1000n, 0xf0_2000n];

/** What a driver sends all day: the platform's state, a guest's, the features, a page given and taken back. */
function commands(): Task {
  const platform = platformOf();
  const { host } = platform.core;
  const { gctx } = platform.createVm({ memory: 1n << 22n, pageSize: "4k", launch: {} });
  const driver = new MailboxDriver(host, BUFFER);
  driver.snp = true;
  makeFirmware(host, OUT);
  const status = bufferOf(PlatformStatus, { STATUS_PADDR: OUT });
  const guest = bufferOf(GuestStatus, { GCTX_PADDR: gctx as bigint, STATUS_PADDR: OUT });
  const features = { LENGTH: FeatureInfo.SIZE, FEATURE_INFO_PADDR: OUT };
  const sent: [number, Uint8Array][] = [
    [Command.SNP_PLATFORM_STATUS, status],
    [Command.SNP_GUEST_STATUS, guest],
    [Command.SNP_FEATURE_INFO, bufferOf(FeatureInfo, features)],
    [Command.SNP_PAGE_RECLAIM, bufferOf(Page, { PAGE_PADDR: LENT })],
  ];
  return {
    name: "psp-small-commands",
    units: ROUNDS * sent.length,
    run() {
      for (let i = 0; i < ROUNDS; i++) {
        makeFirmware(host, LENT);
        for (const [id, buffer] of sent) {
          const answer = driver.send(id, buffer);
          if (answer !== 0) throw new Error(`command ${id}: status ${answer}`);
        }
      }
    },
  };
}

/** A guest of 16 MiB, page by page through the mailbox, from GCTX_CREATE to LAUNCH_FINISH. */
function launch(): Task {
  const contents = new Uint8Array(IMAGE).map((_, i) => i * 7 + (i >> 9));
  const plan: Region[] = [{ type: "normal", gpa: 0n, bytes: IMAGE, contents }];
  const platform = platformOf();
  return {
    name: "psp-launch-16-mib",
    units: 1,
    run() {
      platform.createVm({ memory: BigInt(IMAGE), pageSize: "4k", launch: {}, plan }).dispose();
    },
  };
}

const key = new Uint8Array(32).fill(1);
const iv = new Uint8Array(12);
const context = new Uint8Array(CONTEXT);

/** A guest's context is opened and sealed by each command upon it. */
function openAndSeal(): void {
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(iv.subarray(4));
  const sealed = cipher.update(context);
  cipher.final();
  const tag = cipher.getAuthTag();
  const decipher = createDecipheriv("aes-256-gcm", key, iv).setAAD(iv.subarray(4));
  decipher.setAuthTag(tag).update(sealed);
  decipher.final();
}

/** One command in four is upon a guest. */
const commandsInNode: Task = {
  name: "node:crypto: AES-GCM",
  units: ROUNDS * 4,
  run() {
    for (let i = 0; i < ROUNDS; i++) openAndSeal();
  },
};

/** Each page is hashed, then its PAGE_INFO; it is encrypted (AES alone: not every runtime has a mode
 *  with tweaks); and the guest's context is opened and sealed. */
function launchInNode(): Task {
  const page = new Uint8Array(PAGE).fill(7);
  const info = new Uint8Array(PageInfo.SIZE);
  const aes = key.subarray(16);
  return {
    name: "node:crypto: SHA-384, AES, AES-GCM",
    units: 1,
    run() {
      for (let at = 0; at < IMAGE; at += PAGE) {
        createHash("sha384").update(page).digest();
        createHash("sha384").update(info).digest();
        createCipheriv("aes-128-ecb", aes, null).update(page);
        openAndSeal();
      }
    },
  };
}

const units: Readonly<Record<string, string>> = {
  "psp-small-commands": "commands/s",
  "psp-launch-16-mib": "launches/s",
};

export async function pspFigures(quick: boolean): Promise<Figure[]> {
  const [whole, channel, reportInNode] = await messageTasks();
  // A task, then its peer.
  const tasks = [commands(), commandsInNode, launch(), launchInNode(), whole, reportInNode];
  // Counted whole: these rates are too low for its steps.
  const wholeLoop = { ...calibration(), name: "the calibration loop, whole", units: 1 };
  const measured = await interleaved([...tasks, channel, wholeLoop], quick ? 5 : 15);
  const [alone, loop] = measured.slice(tasks.length) as [Measured, Measured];
  const rows = [0, 2, 4].map((i) => measured[i] as Measured);
  const unitOf = ({ name }: Measured) => units[name] ?? "reports/s";
  return [
    ...rows.map((row, i) => against(row.name, unitOf(row), row, measured[2 * i + 1] as Measured)),
    against(alone.name, unitOf(alone), alone, measured[5] as Measured),
    ...rows.map((row) => against(`${row.name}-calibrated`, unitOf(row), row, loop)),
  ];
}
