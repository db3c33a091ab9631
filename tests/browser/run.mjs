// The preview in a real headless Chromium. `node run.mjs DIST [CASES.json]`; screenshots go to the
// folder TIDEGATE_SCREENSHOTS.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { launch, open, serve } from './page.mjs';

const [dist, casesFile] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const { server, url } = await serve(dist);
const browser = await launch();
const RULE = `title: Paste
id: 0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0a01
status: experimental
logsource:
    category: proxy
detection:
    selection:
        cs-host: pastebin.com
    condition: selection
level: medium
`;

const editor = (page) => page.locator('#editor .cm-content');
async function write(page, text) {
  await editor(page).focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
}
const send = async (page, text) => { await page.fill('#requests', text); await page.click('#run'); };
const says = (page, selector, text) => page.waitForFunction(([selector, text]) => document.querySelector(selector)?.textContent.includes(text), [selector, text], { timeout: 60000 });
const drop = (page, selector, name, bytes) => page.setInputFiles(selector, { name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });

const tests = {
  async 'a rule is written and its match is seen'(page) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/raw/x\nhttps://example.org/\n');
    await says(page, '#count', '2 of 2 shown, 1 matched');
    await page.click('#table .body .row >> nth=0');
    await says(page, '#explanation', 'matches, raw view');
    assert.match(await page.locator('#explanation mark').first().textContent(), /pastebin\.com/);
  },
  async 'a broken rule shows its code at the line, and a fix repairs it'(page) {
    await write(page, RULE.replace('cs-host:', 'cs-host|contian:'));
    await page.waitForSelector('#problems .error');
    const item = page.locator('#problems li', { has: page.locator('.error') }).first();
    assert.match(await item.textContent(), /^8:\d+ S\d+ /);
    await page.waitForSelector('#editor .cm-lintRange-error');
    await page.click('#problems button.fix');
    await page.waitForSelector('#problems .error', { state: 'detached' });
    assert.match(await editor(page).textContent(), /cs-host\|contain/);
  },
  async 'fields are completed'(page) {
    await write(page, 'detection:\n    selection:\n        c-uri-st');
    await page.keyboard.press('Control+Space');
    await page.waitForSelector('#editor .cm-tooltip-autocomplete li');
    assert.match(await page.locator('#editor .cm-tooltip-autocomplete').textContent(), /c-uri-stem/);
    await page.keyboard.press('Escape');
  },
  async 'a HAR of 1,000 requests is read'(page) {
    await write(page, RULE);
    const entries = Array.from({ length: 1000 }, (_, n) => ({ request: { method: 'GET', url: `https://${n % 10 ? 'example.org' : 'pastebin.com'}/${n}`, httpVersion: 'HTTP/2', headers: [{ name: 'User-Agent', value: 'x' }] }, response: { status: 200 } }));
    await drop(page, '#file', 'traffic.har', JSON.stringify({ log: { version: '1.2', entries } }));
    await says(page, '#count', '1000 of 1000 shown, 100 matched');
    const drawn = await page.locator('#table .body .row').count();
    assert(drawn < 80, `${drawn} rows are elements`);
  },
  async 'two packs are compared and only changes are shown'(page) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/raw/x\nhttps://example.org/\n');
    await says(page, '#count', '2 of 2 shown, 1 matched');
    await drop(page, '#packfile', 'other.pack', await readFile(join(dist, 'shipped.pack')));
    await says(page, '#count', 'changed');
    await page.selectOption('#show', 'changed');
    await says(page, '#count', '1 of 2 shown');
  },
  async 'a share link brings rule and requests back'(page, context) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/shared\n');
    await page.click('#share');
    await says(page, '#status', 'The link is in the address bar');
    const second = await open(browser, page.url());
    assert.equal(await second.page.inputValue('#requests'), 'https://pastebin.com/shared\n');
    assert.match(await editor(second.page).textContent(), /title: Paste/);
    assert.deepEqual(second.trouble, []);
    await second.context.close();
  },
  async 'a request becomes an example of the note'(page) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/raw/x\n');
    await says(page, '#count', '1 matched');
    await page.click('#table .body .row >> nth=0');
    await page.click('text=Add as http match');
    await says(page, '#examples', 'http match GET https://pastebin.com/raw/x');
  },
  async 'everything is reached by keyboard'(page) {
    await page.locator('#share').focus();
    const reached = new Set();
    for (let n = 0; n < 60; n++) {
      reached.add(await page.evaluate(() => document.activeElement?.id));
      // Tab leaves the editor: it is not bound to indentation.
      await page.keyboard.press('Tab');
    }
    for (const id of ['share', 'theme', 'editor', 'requests', 'run', 'file', 'against', 'compare', 'packfile', 'filter', 'show', 'by-rule', 'csv', 'json', 'table', 'explanation']) assert(reached.has(id), `#${id} is not reached`);
    await page.locator('#table').focus();
    await page.keyboard.press('ArrowDown');
    await says(page, '#explanation', 'raw');
  },
  async 'hostile input stays inert and is answered'(page) {
    await write(page, RULE.replace('title: Paste', "title: '<img src=x onerror=alert(1)><script>alert(2)</script>'"));
    await send(page, 'https://pastebin.com/<script>alert(3)</script>\nhttps://pastebin.com/x\n\u0000\nnot a request\n');
    await says(page, '#refusals', 'R0');
    assert.equal(await page.locator('main img, main script').count(), 0);
    await drop(page, '#file', 'x.txt', Buffer.from([0x68, 0xff, 0xfe, 0x0a]));
    await says(page, '#refusals', 'not UTF-8');
    await drop(page, '#file', 'bomb.har', '{"log":{"entries":' + '['.repeat(200000));
    await says(page, '#refusals', 'recursion limit');
    await drop(page, '#file', 'large.txt', 'x'.repeat(10 * 1024 * 1024));
    await says(page, '#refusals', 'R0');
    const pack = await readFile(join(dist, 'shipped.pack'));
    pack.writeUInt32LE(99, 8);
    await drop(page, '#packfile', 'new.pack', pack);
    await says(page, '#status', 'F012');
  },
  async 'a 10 MB paste into the editor is refused with a message'(page) {
    await write(page, 'a: b\n'.repeat(2 * 1024 * 1024));
    await says(page, '#problems', 'F004');
  },
  async 'axe finds nothing serious in either theme'(page) {
    // The bundle only defines functions; the page's policy would not let it in as a script.
    for (const theme of ['light', 'dark']) {
      if (await page.evaluate(() => document.documentElement.dataset.theme) !== theme) await page.click('#theme');
      await page.click('#table .body .row >> nth=0');
      await says(page, '#explanation', 'raw');
      if (process.env.TIDEGATE_SCREENSHOTS) await page.screenshot({ path: join(process.env.TIDEGATE_SCREENSHOTS, `${theme}.png`) });
      await page.evaluate(await readFile(axe, 'utf8'));
      const { violations } = await page.evaluate(() => window.axe.run());
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      assert.deepEqual(serious.map(({ id, nodes }) => `${theme}: ${id}: ${nodes.map((node) => node.html).join(' ')}`), []);
    }
  },
};

/** Asks a worker of its own, through the page, as the page does. */
async function parity(page, cases) {
  const script = (await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name))).find((name) => /worker-.*\.js$/.test(name));
  return page.evaluate(async ([script, tables]) => {
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
  }, [script, cases]);
}

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  const { page, context, trouble } = await open(browser, url);
  try {
    await test(page, context);
    assert.deepEqual(trouble, []);
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.message}\n${trouble.join('\n')}`);
  }
  await context.close();
}
if (casesFile) {
  const { page, context } = await open(browser, url);
  const { n, differ } = await parity(page, JSON.parse(await readFile(casesFile, 'utf8')));
  console.log(`parity: ${n} cases, ${differ.length} differ`);
  for (const line of differ) console.log(line);
  if (differ.length || !n) failed += 1;
  await context.close();
}
await browser.close();
server.close();
console.log(failed ? `${failed} failed` : 'all passed');
process.exitCode = failed ? 1 : 0;
