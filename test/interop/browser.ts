// Chromium on a page of the loopback, driven by playwright-core: what it says of the evidence.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";

interface Page {
  goto(url: string): Promise<unknown>;
  evaluate(text: string): Promise<string[]>;
}

interface Browser {
  newPage(): Promise<Page>;
  version(): string;
  close(): Promise<void>;
}

interface Playwright {
  chromium: { launch(options: object): Promise<Browser> };
}

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

export async function inChromium(
  evidence: string,
  modules: string,
): Promise<{ name: string; lines: string[] }> {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`);
  const built = await build({
    entryPoints: ["test/interop/page.mjs"],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
  });
  const script = built.outputFiles[0]?.text;
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    if (path.startsWith("/evidence/") && !path.includes("..")) {
      createReadStream(join(evidence, path.slice(10))).pipe(response);
    } else if (path === "/page.mjs") {
      response.setHeader("content-type", "text/javascript");
      response.end(script);
    } else {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><script type="module" src="/page.mjs"></script>');
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const require = createRequire(join(modules, "x.js"));
  const { chromium } = require("playwright-core") as Playwright;
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const lines = await page.evaluate("globalThis.verdicts()");
    return { name: `Chromium ${browser.version()}`, lines };
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}
