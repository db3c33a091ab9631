// Times the engine in V8: `node engine.mjs engine.wasm events.txt pack...`, a line of JSON for each pack.
import { readFileSync } from "node:fs";

const [module, eventsPath, ...packs] = process.argv.slice(2);
const compiled = new WebAssembly.Module(readFileSync(module));
const events = readFileSync(eventsPath);
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

const sets = packs.map((path) => {
  const pack = readFileSync(path);
  const { exports } = new WebAssembly.Instance(compiled, {});
  const put = (bytes) => {
    const at = exports.room(bytes.length);
    new Uint8Array(exports.memory.buffer, at, bytes.length).set(bytes);
  };
  const before = exports.memory.buffer.byteLength;
  put(pack);
  const start = performance.now();
  if (!exports.load_pack()) throw new Error(`${path} is no pack`);
  const first = performance.now() - start;
  const memory = exports.memory.buffer.byteLength - before;
  const decodes = [];
  for (let round = 0; round < 25; round++) {
    const start = performance.now();
    exports.decode();
    decodes.push(performance.now() - start);
  }
  put(events);
  const nEvents = exports.load_events();
  const matches = exports.run(1);
  return { path, exports, nEvents, matches, first, memory, decode: median(decodes), bytes: pack.length, run: [], prepare: [] };
});

// V8 compiles a function again once it is hot: a first second is not counted.
for (const set of sets) for (const end = performance.now() + 500; performance.now() < end; ) { set.exports.run(2); set.exports.prepare(2); }
for (const set of sets) {
  const start = performance.now();
  set.exports.run(2);
  set.passes = Math.max(2, Math.round(40 / (performance.now() - start)));
}
for (let round = 0; round < 25; round++) {
  for (const set of sets) {
    for (const what of ["run", "prepare"]) {
      const start = performance.now();
      set.exports[what](set.passes);
      set[what].push(((performance.now() - start) * 1e6) / (set.passes * set.nEvents));
    }
  }
}
for (const { exports, run, prepare, ...set } of sets) {
  console.log(JSON.stringify({ ...set, run: median(run), prepare: median(prepare) }));
}
