// The engine, off the page's thread. Long work yields between pieces, so that it can be cancelled.
import init, { Preview } from './engine/preview.js';
import wasmUrl from './engine/preview_bg.wasm.gz?url';

const PIECES = 1000;
const TIMED = 200;
let generation = 0;
let preview: Preview;
const breathe = () => new Promise<void>((resume) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => { port1.close(); resume(); }; port2.postMessage(0); });

/** The module, which is compiled while it arrives. A server that names the encoding of `.gz` files has them unpacked by the browser. */
async function fetched(): Promise<Response> {
  const response = await fetch(wasmUrl);
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
  const isPacked = !response.headers.get('content-encoding');
  const module = isPacked ? response.body.pipeThrough(new DecompressionStream('gzip')) : response.body;
  return new Response(module, { headers: { 'content-type': 'application/wasm' } });
}

const ready = fetched().then((module_or_path) => init({ module_or_path })).then(() => { preview = new Preview(); });
ready.then(() => postMessage({ state: { name: 'ready' } }), (error) => postMessage({ state: { name: 'failed', why: String(error instanceof Error ? error.message : error) } }));

// Exceptions of a policy expire by the page's clock.
const clock = () => preview.set_clock(Math.floor(Date.now() / 1000));

type Answer = (value: unknown, progress: number) => void;
const calls: Record<string, (args: any, answer: Answer) => unknown> = {
  vocabulary: () => JSON.parse(preview.vocabulary()),
  check: ({ text }) => JSON.parse(preview.check(text)),
  share: ({ notes, placeholders }) => preview.share(JSON.stringify(notes), JSON.stringify(placeholders)),
  gallery: ({ notes }) => JSON.parse(preview.gallery(JSON.stringify(notes))),
  requests_of: ({ text }) => preview.requests_of(text),
  as_sigma: ({ text }) => preview.as_sigma(text) ?? null,
  as_note: ({ text }) => preview.as_note(text),
  sample: ({ slot, texts }) => preview.sample(slot, texts.map((text: string) => preview.requests_of(text)).join('\n')),
  load: ({ slot, name, bytes }) => preview.load(slot, name, new Uint8Array(bytes)),
  pack: ({ slot }) => JSON.parse(preview.pack(slot)),
  texts: ({ rows }) => JSON.parse(preview.texts(Uint32Array.from(rows))),
  find: ({ text }) => preview.find(text),
  example: ({ text, row, isMatch }) => preview.with_example(text, row, isMatch),
  verdict: ({ slot, request }) => JSON.parse(preview.verdict(slot, JSON.stringify(request))),
  cancel: () => { generation += 1; },
  explain: ({ row, slot, ids }) => {
    clock();
    const explained = JSON.parse(preview.explain(row, slot, ids));
    if (!explained) return null;
    const start = performance.now();
    preview.repeat(row, slot, TIMED);
    return { ...explained, micros: (performance.now() - start) * 1000 / TIMED };
  },
  run: async ({ bytes, slot, compare }, answer) => {
    const mine = ++generation;
    const start = performance.now();
    clock();
    if (bytes) {
      preview.import(new Uint8Array(bytes));
      for (;;) {
        const imported = JSON.parse(preview.import_step(PIECES));
        answer({ imported }, imported.progress);
        if (imported.is_done) break;
        await breathe();
        if (mine !== generation) return { cancelled: true };
      }
    }
    for (let from = 0; ; from += PIECES) {
      const words = preview.judge(from, PIECES, slot, compare < 0 ? undefined : compare);
      if (words.length === 0) break;
      answer({ words }, 0);
      await breathe();
      if (mine !== generation) return { cancelled: true };
    }
    return { millis: performance.now() - start };
  },
};

onmessage = async ({ data: { id, call, args } }) => {
  try {
    await ready;
    const value = await calls[call]!(args, (part, progress) => postMessage({ id, part, progress }));
    postMessage({ id, value });
  } catch (error) {
    postMessage({ id, error: String(error instanceof Error ? error.message : error) });
  }
};
