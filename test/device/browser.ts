// One page with responder and requester, in headless Chromium. Run by .ci/run.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
const CHROMIUM = process.env["CHROMIUM"] ?? "chromium";
const noble = ["ciphers", "curves", "hashes"].map(
  (name) => `"@noble/${name}/": "/node_modules/@noble/${name}/"`,
);
const PAGE = `<!doctype html><title>cloister</title><body><script type="importmap">
{"imports": {${noble.join(", ")}}}</script><script type="module">
import { visit } from "/test/device/visit.mjs";
let result;
try { result = visit(); } catch (error) { result = String(error.stack); }
await fetch("/result", { method: "POST", body: result });
</script>`;

if (spawnSync(CHROMIUM, ["--version"]).status !== 0) {
  console.error(`SKIPPED: the browser: ${CHROMIUM} is not here`);
  process.exit(0);
}

const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const result = await new Promise<string>((done) => {
  let browser: ChildProcess | undefined;
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://x").pathname);
    if (path === "/result") {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        response.end();
        browser?.kill();
        server.close();
        done(body);
      });
      return;
    }
    const file = join(ROOT, path);
    const found = path !== "/" && /\.(js|mjs)$/.test(path) && existsSync(file);
    if (path !== "/" && !found) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": found ? "text/javascript" : "text/html" });
    response.end(found ? readFileSync(file) : PAGE);
  });
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number };
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
    browser = spawn(CHROMIUM, [...flags, `http://127.0.0.1:${port}/`], { stdio: "ignore" });
  });
  setTimeout(() => {
    browser?.kill();
    server.close();
    done("no result within 60 s");
  }, 60_000).unref();
});
try {
  rmSync(profile, { recursive: true, force: true });
} catch {
  // Its last child may still be writing there; what it leaves in the temporary folder does no harm.
}
console.log(`Chromium: ${result}`);
process.exit(result === "RUN" ? 0 : 1);
