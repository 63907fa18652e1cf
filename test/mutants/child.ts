// The other end of world.ts: runs test files in a world, and ends at the first test that fails (test/kit.ts).
import { here } from "../lane.ts";

for (const file of process.argv.slice(2)) {
  const { passed, failed, registered } = await here(file);
  if (failed > 0 || passed === 0 || passed !== registered) process.exit(1);
}
process.exit(0);
