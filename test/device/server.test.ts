import { connect, type Socket } from "node:net";
import { type DeviceServer, serve } from "../../dist/cli/device-server.js";
import { type Frame, FrameReader, frame, NORMAL, TEST, UNKNOWN } from "../../dist/cli/frame.js";
import { openClient } from "../../dist/cli/socket.js";
import { dataObject } from "../../dist/spdm/data-object.js";
import { driveAsync } from "../../dist/spdm/exchange.js";
import { connectDevice, disconnectDevice } from "../../dist/tsm/connect.js";
import { assert, suite } from "../kit.ts";
import { rig, STREAM, TDI } from "./rig.ts";
import { TOY } from "./toy.ts";

const test = suite("a device on a socket");

const discovery = frame(NORMAL, dataObject(0, new Uint8Array(4)));

async function open(server: DeviceServer): Promise<Socket> {
  const socket = connect({ port: server.port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await new Promise<void>((opened) => socket.once("connect", () => opened()));
  return socket;
}

const closed = (socket: Socket): Promise<void> =>
  socket.destroyed ? Promise.resolve() : new Promise((done) => socket.once("close", () => done()));

async function answerOn(socket: Socket, octets: Uint8Array): Promise<Frame> {
  const reader = new FrameReader(0x10000);
  return new Promise((done, failed) => {
    socket.on("close", () => failed(new Error("closed without an answer")));
    socket.on("data", (part) => {
      const [first] = reader.push(part) ?? [];
      if (first) done(first);
    });
    socket.write(octets);
  });
}

async function withServer(
  act: (server: DeviceServer) => Promise<void>,
  connections = 256,
): Promise<void> {
  const { device } = rig(TOY, TOY);
  const server = await serve({ device, port: 0, connections });
  try {
    await act(server);
  } finally {
    await server.close();
  }
}

async function isServed(server: DeviceServer): Promise<void> {
  const socket = await open(server);
  const answer = await answerOn(socket, discovery);
  assert.is(answer.command, NORMAL);
  assert.is(answer.payload.length, 12);
  socket.destroy();
}

test("a frame arrives whole whatever pieces it came in", () => {
  const octets = new Uint8Array([...discovery, ...discovery, ...frame(TEST)]);
  for (const size of [1, 2, 5, 12, 13, 100]) {
    const reader = new FrameReader(0x100);
    const frames: Frame[] = [];
    for (let at = 0; at < octets.length; at += size) {
      frames.push(...reader.push(octets.subarray(at, at + size))!);
    }
    assert.equal(
      frames.map((each) => [each.command, each.payload.length]),
      [
        [1, 12],
        [1, 12],
        [TEST, 0],
      ],
    );
  }
});

test("a frame over the limit is refused by its header alone", () => {
  const header = frame(NORMAL, new Uint8Array(0x101)).subarray(0, 12);
  assert.is(new FrameReader(0x100).push(header), undefined);
  assert.equal(new FrameReader(0x101).push(header), []);
});

test("one client after another connects, locks and leaves", () =>
  withServer(async (server) => {
    for (let n = 0; n < 3; n++) {
      const { requester } = rig({ ...TOY, slots: [] }, TOY, "rig");
      const client = await openClient(`127.0.0.1:${server.port}`, 5000);
      const hello = await client.command(TEST);
      assert.is(new TextDecoder().decode(hello), "Server Hello!\0");
      const connected = await driveAsync(connectDevice(requester, STREAM), (object) =>
        client.exchange(object),
      );
      await driveAsync(disconnectDevice(connected, [TDI]), (object) => client.exchange(object));
      await client.command(0xfffe);
      client.close();
    }
  }));

test("an unknown command is answered with UNKNOWN, an oversized frame with the end", () =>
  withServer(async (server) => {
    const first = await open(server);
    assert.is((await answerOn(first, frame(0x77))).command, UNKNOWN);
    await closed(first);
    const second = await open(server);
    second.write(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0x7f, 0xff, 0xff, 0xff));
    await closed(second);
    await isServed(server);
  }));

test("1,000 half-open connections are held to the limit, and others are served", () =>
  withServer(async (server) => {
    const before = process.memoryUsage().heapUsed;
    const half: Socket[] = [];
    for (let n = 0; n < 1000; n++) {
      const socket = await open(server);
      // Half a header, then nothing.
      socket.write(discovery.subarray(0, 7));
      half.push(socket);
      if (n % 250 === 0) await isServed(server);
    }
    assert.is(server.connections() <= 64, true, `${server.connections()} held`);
    await isServed(server);
    assert.is(process.memoryUsage().heapUsed - before < 64_000_000, true);
    for (const socket of half) socket.destroy();
  }, 64));

test("who does not read its answers is dropped, and others are served", () =>
  withServer(async (server) => {
    const slow = await open(server);
    slow.pause();
    const many = new Uint8Array(discovery.length * 4000);
    for (let n = 0; n < 4000; n++) many.set(discovery, n * discovery.length);
    for (let n = 0; n < 40 && !slow.destroyed; n++) slow.write(many);
    await isServed(server);
    slow.destroy();
    await isServed(server);
  }));
