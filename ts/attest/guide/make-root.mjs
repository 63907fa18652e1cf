// Makes ts/attest/guide/root.ts: the field guide's ARK and ASK. Ran once; run again, it makes others.
import "reflect-metadata";
import { readFileSync, writeFileSync } from "node:fs";
import * as x509 from "@peculiar/x509";
import { PSS } from "../../../dist/attest/evidence/certify.js";
import { certifyGuide } from "../../../dist/attest/guide/certify.js";

const { subtle } = crypto;
const notBefore = Date.UTC(2025, 0, 1);
const notAfter = Date.UTC(2050, 0, 1) - 1000;
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const rsa = { ...PSS, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
const ark = await subtle.generateKey(rsa, true, ["sign", "verify"]);
const ask = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
  "sign",
  "verify",
]);
const signerPublic = new x509.PublicKey(await subtle.exportKey("spki", ark.publicKey));
const common = {
  notBefore,
  notAfter,
  signer: ark.privateKey,
  signerPublic,
  issuerSerial: "01",
  signing: PSS,
};
const issuer = "ARK-FieldGuide";
const request = { ...common, issuer };
const values = {
  arkCertificate: await certifyGuide({
    ...request,
    serial: "01",
    subject: issuer,
    publicKey: ark.publicKey,
    below: 2,
  }),
  askCertificate: await certifyGuide({
    ...request,
    serial: "02",
    subject: "ASK-FieldGuide",
    publicKey: ask.publicKey,
    below: 1,
  }),
  askPrivateKey: await subtle.exportKey("pkcs8", ask.privateKey),
};
const file = new URL("./root.ts", import.meta.url);
const [first, second] = readFileSync(file, "utf8").split("\n");
const rows = Object.entries(values).map(([name, bytes]) => `  ${name}:\n    "${base64(bytes)}",`);
writeFileSync(file, `${[first, second, ...rows, "};"].join("\n")}\n`);
