// The page answers at once, and says what is going on.
import assert from 'node:assert/strict';
import { RULE, drop, editor, says, serve, watch, write } from './page.mjs';

/** A page of a server that treats the engine in its own way, without waiting for it. */
async function opened(browser, dist, engine, act) {
  const { server, url } = await serve(dist, (name) => name.includes('preview_bg') ? engine() : undefined);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, serviceWorkers: 'block' });
  try {
    const page = await context.newPage();
    const trouble = watch(page, url);
    await page.goto(url);
    await act(page);
    return trouble.filter((line) => !line.includes('Service Worker registration blocked'));
  } finally {
    await context.close();
    server.close();
  }
}

export default {
  async 'requests are run as they are typed, and what is refused is counted'({ page }) {
    await write(page, RULE);
    await page.fill('#requests', 'https://pastebin.com/typed\n');
    await says(page, '#count', '1 of 1 shown, 1 matched');
    await page.fill('#requests', 'https://pastebin.com/typed\nnot a request\nnor this\n');
    await says(page, '#n-requests', '1 request, 2 refused');
  },
  async 'a binary file is refused in one line'({ page }) {
    const zip = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from(Array.from({ length: 5000 }, (_, n) => n * 37 % 256))]);
    await drop(page, '#file', 'logs.zip', zip);
    await says(page, '#refusals', 'this is a ZIP archive, not text');
    assert.equal(await page.locator('#refusals li').count(), 1);
    await says(page, '#n-requests', '0 requests, 1 refused');
  },
  async 'progress starts at zero and never goes back'({ page }) {
    await page.evaluate(() => {
      window.seen = [];
      new MutationObserver(() => window.seen.push(document.querySelector('#progress').value)).observe(document.querySelector('#progress'), { attributes: true, attributeFilter: ['value'] });
    });
    await drop(page, '#file', 'many.txt', 'https://example.org/a/b/c?d=e\n'.repeat(60000));
    await says(page, '#count', '60,000 of 60,000 shown');
    const seen = await page.evaluate(() => window.seen);
    assert(seen.length > 20, `${seen.length} steps`);
    assert(seen[0] < 0.05 && seen.at(-1) > 0.95, `${seen[0]} to ${seen.at(-1)}`);
    assert(seen.every((value, at) => at === 0 || value >= seen[at - 1]), seen.join(' '));
  },
  async 'the editor is there before the engine'({ browser, dist }) {
    let release;
    const held = new Promise((done) => { release = done; });
    const trouble = await opened(browser, dist, () => held, async (page) => {
      await page.waitForFunction(() => document.querySelector('#editor').shadowRoot?.querySelector('.cm-content')?.textContent.includes('title: Telegram bot API'));
      assert.equal(await page.textContent('#status'), 'Starting the engine…');
      await write(page, RULE);
      release();
      await page.waitForSelector('html[data-ready]');
      assert.match(await editor(page).textContent(), /title: Paste/);
      await says(page, '#count', '1 matched');
    });
    assert.deepEqual(trouble, []);
  },
  async 'an engine that does not load says so, and is tried again'({ browser, dist }) {
    let n = 0;
    await opened(browser, dist, () => n++ === 0 ? 503 : undefined, async (page) => {
      await says(page, '#trouble', 'The engine did not load: the server answered 503.');
      await write(page, RULE);
      await page.click('#retry');
      await page.waitForSelector('html[data-ready]');
      assert.match(await editor(page).textContent(), /title: Paste/);
      await says(page, '#count', '1 matched');
      assert(await page.isHidden('#trouble'));
    });
    assert.equal(n, 2);
  },
};
