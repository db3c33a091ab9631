// The table of cases, by the engine in the browser: it has to say what the native one said.
import { open } from './page.mjs';

/** `tables` are packs with requests and native verdicts. Asks a worker of its own, as the page does. */
export async function parity(browser, url, tables) {
  const { page, context, trouble } = await open(browser, url);
  const script = (await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name))).find((name) => /worker-.*\.js$/.test(name));
  const found = await page.evaluate(async ([script, tables]) => {
    const worker = new Worker(script, { type: 'module' });
    let next = 0;
    const ask = (call, args) => new Promise((done, fail) => {
      const id = next++;
      worker.addEventListener('message', function heard({ data }) { if (data.id !== id) return; worker.removeEventListener('message', heard); data.error ? fail(new Error(data.error)) : done(data.value); });
      worker.postMessage({ id, call, args });
    });
    const differ = [];
    let n = 0;
    for (const { file, pack, cases } of tables) {
      const problem = await ask('load', { slot: 1, name: file, bytes: new Uint8Array(pack).buffer });
      if (problem) throw new Error(problem);
      for (const { name, request, verdict } of cases) {
        n += 1;
        const found = JSON.stringify(await ask('verdict', { slot: 1, request }));
        if (found !== JSON.stringify(verdict)) differ.push(`${file}: ${name}: native ${JSON.stringify(verdict)}, browser ${found}`);
      }
    }
    return { n, differ };
  }, [script, tables]);
  await context.close();
  return { ...found, differ: [...found.differ, ...trouble] };
}
