// A disk's blocks in a file.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileBlocks } from "../../dist/device/file.js";
import { assert, suite } from "../kit.ts";

const test = suite("a disk's file");

function inFolder(act: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "cloister-disk-"));
  try {
    act(join(folder, "disk.img"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("what was written is in the file, and nothing beside it; it is there when the file is opened again", () =>
  inFolder((path) => {
    writeFileSync(path, new Uint8Array(2048).fill(7));
    const blocks = fileBlocks(path);
    assert.is(blocks.bytes, 2048);
    blocks.write(512, new Uint8Array(512).fill(9));
    blocks.close();
    const whole = new Uint8Array(2048).fill(7).fill(9, 512, 1024);
    assert.equal(new Uint8Array(readFileSync(path)), whole);
    const again = fileBlocks(path);
    const seen = new Uint8Array(1024);
    again.read(512, seen);
    again.close();
    assert.equal(seen, whole.subarray(512, 1536));
  }));

test("a file that is not whole blocks, none at all, or shorter than it was is refused by name", () =>
  inFolder((path) => {
    assert.throws(() => fileBlocks(path), /ENOENT.*disk\.img/);
    writeFileSync(path, new Uint8Array(1000));
    assert.throws(() => fileBlocks(path), /disk\.img: 1000 bytes, expected a multiple of 512/);
    writeFileSync(path, "");
    assert.throws(() => fileBlocks(path), /disk\.img: 0 bytes/);
    writeFileSync(path, new Uint8Array(1024));
    const blocks = fileBlocks(path);
    truncateSync(path, 512);
    assert.throws(() => blocks.read(512, new Uint8Array(512)), /ends at 512, expected 1024/);
    blocks.close();
  }));
