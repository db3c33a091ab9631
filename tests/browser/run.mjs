// The preview in a real headless Chromium: `node run.mjs PAGE CASES TIDEGATE`. Screenshots go to the
// folder TIDEGATE_SCREENSHOTS; TIDEGATE_CHECK runs only checks with this text in their name.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import checks from './checks.mjs';
import feedback from './feedback.mjs';
import gallery from './gallery.mjs';
import kept from './kept.mjs';
import layout from './layout.mjs';
import truth from './truth.mjs';
import { launch, open, serve } from './page.mjs';
import { parity } from './parity.mjs';
import { firstVerdict, served, servedLists, start } from './served.mjs';

const [dist, casesFile, tidegate] = process.argv.slice(2);
const { server, url } = await serve(dist);
const browser = await launch();
let [passed, failed] = [0, 0];
// A busy machine can make a page miss a wait: a check that fails is printed, and tried once more.
async function check(name, run) {
  if (!name.includes(process.env.TIDEGATE_CHECK ?? '')) return;
  for (const isLast of [false, true]) {
    try {
      const said = await run();
      passed += 1;
      console.log(`ok    ${name}${said ? `: ${said}` : ''}`);
      return;
    } catch (error) {
      failed += isLast ? 1 : 0;
      console.log(`${isLast ? 'FAIL ' : 'again'} ${name}\n${error.stack}`);
    }
  }
}

for (const [name, test] of Object.entries({ ...checks, ...truth, ...kept, ...gallery, ...layout, ...feedback })) {
  await check(name, async () => {
    const { page, context, trouble } = await open(browser, url);
    try {
      const said = await test({ page, context, browser, url, dist });
      assert.deepEqual(trouble, []);
      return said;
    } catch (error) {
      error.stack += trouble.map((line) => `\n${line}`).join('');
      throw error;
    } finally {
      await context.close();
    }
  });
}
await check('tidegate preview serves notes and packs, and follows them', () => served(browser, tidegate, ['--page', dist]));
await check('drafts refer to the lists of the notes that are served', () => servedLists(browser, tidegate, ['--page', dist]));
// How long it takes is for `cargo xtask bench preview`: here other tests run beside it.
await check('tidegate preview gives a first verdict', async () => {
  const { child, url } = await start(tidegate, ['--page', dist]);
  const millis = await firstVerdict(browser, url).finally(() => child.kill());
  return `${millis} ms`;
});
await check('the browser judges as the native engine does', async () => {
  const { n, differ } = await parity(browser, url, JSON.parse(await readFile(casesFile, 'utf8')));
  const summary = `parity: ${n} cases, ${differ.length} differ`;
  assert(n > 0 && differ.length === 0, [summary, ...differ].join('\n'));
  return summary;
});
await browser.close();
server.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
