// Run in the consumer's folder: bundles consumer.mjs for browsers, serves it on loopback, and prints the page's title.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const LIMIT_MS = 120_000;
const POLL_MS = 100;

const { outputFiles, warnings } = await build({
  entryPoints: [resolve("consumer.mjs")],
  bundle: true,
  write: false,
  format: "esm",
  platform: "browser",
});
for (const { text } of warnings) console.log(`esbuild: ${text}`);

// 'wasm-unsafe-eval' is all that the package asks of a content security policy.
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const page = `<!doctype html><title></title><script type="module" src="/page.js"></script>
<script type="module" src="/report.js"></script>`;
const report = `const wait = setInterval(() => {
  if (!document.title) return;
  clearInterval(wait);
  fetch("/result", { method: "POST", body: document.title });
}, ${POLL_MS});`;
const files = {
  "/": ["text/html", page],
  "/page.js": ["text/javascript", outputFiles[0].text],
  "/report.js": ["text/javascript", report],
};

const profile = mkdtempSync(join(tmpdir(), "cloister-chromium-"));
let browser;

function end(title, code) {
  console.log(title);
  process.exitCode = code;
  clearTimeout(limit);
  server.close();
  server.closeAllConnections();
  browser?.kill("SIGKILL");
}

const server = createServer(async (request, response) => {
  if (request.url === "/result") {
    let title = "";
    for await (const piece of request) title += piece;
    response.end();
    return end(title, title.startsWith("DIGEST ") ? 0 : 1);
  }
  const [type, body] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(body ? 200 : 404, {
    "content-type": type,
    "content-security-policy": policy,
  });
  response.end(body);
});
const limit = setTimeout(() => end(`ERROR no answer in ${LIMIT_MS} ms`, 1), LIMIT_MS);

server.listen(0, "127.0.0.1", () => {
  const options = [
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run",
    "--disable-background-networking --disable-component-update --disable-sync",
  ];
  browser = spawn(
    "chromium",
    [
      ...options.join(" ").split(" "),
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${server.address().port}/`,
    ],
    { stdio: "ignore" },
  );
  browser.on("error", (error) => end(`ERROR chromium: ${error.message}`, 1));
  browser.on("exit", () => {
    if (process.exitCode === undefined) end("ERROR chromium ended early", 1);
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
  });
});
