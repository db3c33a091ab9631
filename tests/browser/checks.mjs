// What the page does, one check for each thing that is promised.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RULE, cells, drop, editor, open, paste, ready, says, send, write } from './page.mjs';

const PASTES = 'https://pastebin.com/raw/Ab12Cd34\nhttps://example.org/\n';

export default {
  async 'a rule is written and its match is seen'({ page }) {
    await write(page, RULE);
    await send(page, PASTES);
    await says(page, '#count', '2 of 2 shown, 1 matched');
    await page.click('#table .body .row >> nth=0');
    // The explanation of another request may be shown until this one arrives.
    await says(page, '#explanation mark', 'pastebin.com');
    await says(page, '#explanation', 'in the raw view');
    assert.match(await page.textContent('#explanation'), /decided by the request/);
    assert.match(await page.textContent('#explanation .because'), /^Paste matches because the host is pastebin\.com\.$/);
    assert.match(await page.textContent('#explanation'), /\d µs/);
  },
  async 'requests in every form are read'({ page }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/a\ncurl -A x \\\n  https://pastebin.com/b\nGET https://pastebin.com/c HTTP/1.1\nUser-Agent: x\n\n{"method":"GET","authority":"pastebin.com","path":"/d"}\n');
    await says(page, '#count', '4 of 4 shown, 4 matched');
    await page.fill('#filter', 'PASTEBIN.com/d');
    await says(page, '#count', '1 of 4 shown');
  },
  async 'a broken rule shows its code at the line, and a fix repairs it'({ page }) {
    await write(page, RULE.replace('cs-host:', 'cs-host|contian:'));
    await page.waitForSelector('#problems .error');
    const item = page.locator('#problems li', { has: page.locator('.error') }).first();
    assert.match(await item.textContent(), /^8:\d+ S010 /);
    await page.waitForSelector('#editor .cm-lintRange-error');
    assert.match(await page.locator('#editor .cm-line', { has: page.locator('.cm-lintRange-error') }).textContent(), /contian/);
    await page.click('#problems button.fix');
    await page.waitForSelector('#problems .error', { state: 'detached' });
    assert.match(await editor(page).textContent(), /cs-host\|contains: pastebin/);
  },
  async 'fields and modifiers are completed'({ page }) {
    for (const [typed, wanted] of [['c-uri-st', /c-uri-stem/], ['c-uri|starts', /startswith/]]) {
      await write(page, `detection:\n    selection:\n        ${typed}`);
      await page.keyboard.press('Control+Space');
      await page.waitForSelector('#editor .cm-tooltip-autocomplete li');
      assert.match(await page.locator('#editor .cm-tooltip-autocomplete').textContent(), wanted);
      await page.keyboard.press('Escape');
    }
  },
  async 'a HAR of 1,000 requests is read'({ page }) {
    await write(page, RULE);
    const entries = Array.from({ length: 1000 }, (_, n) => ({ request: { method: 'GET', url: `https://${n % 10 ? 'example.org' : 'pastebin.com'}/${n}`, httpVersion: 'HTTP/2', headers: [{ name: 'User-Agent', value: 'x' }] }, response: { status: 200 } }));
    await drop(page, '#file', 'traffic.har', JSON.stringify({ log: { version: '1.2', entries } }));
    await says(page, '#count', '1,000 of 1,000 shown, 100 matched');
    const drawn = await page.locator('#table .body .row').count();
    assert(drawn < 80, `${drawn} rows are elements`);
  },
  async 'two packs are compared and only changes are shown'({ page, dist }) {
    await write(page, RULE);
    await send(page, PASTES);
    await says(page, '#count', '2 of 2 shown, 1 matched');
    await drop(page, '#packfile', 'other.pack', await readFile(join(dist, 'shipped.pack')));
    await says(page, '#count', '1 changed');
    await page.selectOption('#show', 'changed');
    await says(page, '#count', '1 of 2 shown');
    assert.deepEqual(await cells(page, 0), ['GET', 'pastebin.com/raw/Ab12Cd34', 'Raw paste read from a paste site', 'Paste', 'other rules']);
    await page.click('#table .body .row >> nth=0');
    await says(page, '#explanation .sides', 'Before: other.pack');
    assert.match(await page.textContent('#explanation .sides'), /Pastedoes not matchmatchesnew match/);
    assert.match(await page.textContent('#explanation .sides'), /Raw paste read from a paste sitematchesdoes not matchlost match/);
    // The shipped pack against its own copy: the same rules, whatever their numbers.
    await page.selectOption('#against', '1');
    await says(page, '#count', '0 changed');
  },
  async 'verdicts are saved as CSV and JSON'({ page }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/x,y\nhttps://example.org/\n');
    await says(page, '#count', '1 matched');
    const saved = async (button) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#results .menu summary').then(() => page.click(button))]);
      return readFile(await download.path(), 'utf8');
    };
    assert.equal(await saved('#csv'), 'monitor,enforce,method,request,rules\r\n"observe","deny","GET","https://pastebin.com/x,y","Paste"\r\n"allow","allow","GET","https://example.org/",""');
    const rows = JSON.parse(await saved('#json'));
    assert.deepEqual(rows.map((row) => row.rules.map(({ title }) => title)), [['Paste'], []]);
  },
  async 'a share link brings rule and requests back'({ page, browser, url }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/shared\n');
    await page.fill('#filter', 'shared');
    await page.selectOption('#compare', { label: 'the shipped rules' });
    await says(page, '#count', 'changed');
    await page.click('#table .body .row >> nth=0');
    await says(page, '#explanation', 'because');
    await page.click('#share');
    await says(page, '#status', 'The link is copied');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(link, /^#v1\.[\w-]+$/, 'a page on this machine has no address for others');
    assert(!page.url().includes('#'), page.url());
    const plain = new URLSearchParams({ rule: RULE, requests: 'https://pastebin.com/plain\n' });
    for (const [address, requests] of [[`${url}${link}`, 'https://pastebin.com/shared\n'], [`${url}#${plain}`, 'https://pastebin.com/plain\n']]) {
      const second = await open(browser, address);
      assert.equal(await second.page.inputValue('#requests'), requests);
      assert.match(await editor(second.page).textContent(), /title: Paste/);
      await says(second.page, '#count', '1 matched');
      if (address.includes('v1.')) {
        assert.equal(await second.page.inputValue('#filter'), 'shared');
        assert.equal(await second.page.evaluate(() => document.querySelector('#compare').selectedOptions[0].textContent), 'the shipped rules');
        await says(second.page, '#explanation .request', 'pastebin.com/shared');
      }
      assert.deepEqual(second.trouble, []);
      await second.context.close();
    }
    for (const [fragment, words] of [['v1.AAAA', /a part of it is missing or was changed on the way/], [link.slice(1, -9), /a part of it is missing/], ['v9.x', /another version of the preview/]]) {
      const broken = await open(browser, `${url}#${fragment}`);
      assert.match(await broken.page.textContent('#status'), words);
      assert.match(await editor(broken.page).textContent(), /title: Telegram bot API/);
      await broken.context.close();
    }
    // A run that another one overtakes leaves it the request to explain.
    const busy = await open(browser, url);
    await busy.page.evaluate(async (link) => {
      location.hash = link;
      for (let run = 0; run < 20; run++) {
        document.querySelector('#compare').dispatchEvent(new Event('change'));
        await new Promise((later) => setTimeout(later, 20));
      }
    }, link);
    await says(busy.page, '#explanation .request', 'pastebin.com/shared');
    await busy.context.close();
    // Pasted into the editor of any page it opens too.
    const third = await open(browser, url);
    await write(third.page, link);
    await says(third.page, '#count', '1 matched');
    assert.match(await editor(third.page).textContent(), /title: Paste/);
    await third.context.close();
  },
  async 'a request becomes an example of the note'({ page }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/raw/x\nhttps://example.org/\n');
    await says(page, '#count', '1 matched');
    await page.click('#table .body .row >> nth=0');
    await page.click('#explanation button:text-is("match")');
    await says(page, '#examples', 'must match: GET https://pastebin.com/raw/x');
    await page.click('#table .body .row >> nth=1');
    await says(page, '#explanation .request', 'example.org');
    await page.click('#explanation button:text-is("pass")');
    await says(page, '#examples', 'must pass: GET https://example.org/');
    assert.equal(await page.locator('#examples .good').count(), 2);
  },
  async 'everything is done by keyboard'({ page }) {
    await page.locator('#share').focus();
    const reached = new Set();
    for (let n = 0; n < 70; n++) {
      reached.add(await page.evaluate(() => document.activeElement?.id));
      // Tab leaves the editor: it is not bound to indentation.
      await page.keyboard.press('Tab');
    }
    for (const id of ['open-gallery', 'share', 'theme', 'open-help', 'note', 'new', 'open-file', 'copy', 'editor', 'problems', 'requests', 'run', 'file', 'against', 'compare', 'filter', 'show', 'by-rule', 'table', 'explanation', 'split-columns', 'split-requests', 'split-results']) assert(reached.has(id), `#${id} is not reached`);
    await write(page, RULE);
    await page.keyboard.press('Tab');
    await page.locator('#requests').focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(PASTES);
    await page.keyboard.press('Control+Enter');
    await says(page, '#count', '2 of 2 shown, 1 matched');
    await page.locator('#table').focus();
    await page.keyboard.press('ArrowDown');
    await says(page, '#explanation', 'in the raw view');
    assert.equal(await page.locator('#table').getAttribute('aria-activedescendant'), 'row-0');
    await page.keyboard.press('End');
    await says(page, '#explanation', 'does not match');
  },
  async 'a long import is cancelled'({ page }) {
    await drop(page, '#file', 'many.txt', 'https://example.org/a/b/c?d=e\n'.repeat(100000));
    // At once: the button is there for a moment only.
    await page.locator('#cancel:not([hidden])').dispatchEvent('click');
    await says(page, '#status', 'Cancelled.');
    await send(page, PASTES);
    await says(page, '#count', '2 of 2 shown');
  },
  async 'hostile text stays inert'({ page }) {
    await write(page, RULE.replace('title: Paste', "title: '<img src=x onerror=alert(1)><script>alert(2)</script>'"));
    await send(page, 'https://pastebin.com/<script>alert(3)</script>\nhttps://pastebin.com/x\n\u0000\nnot a request\n');
    await says(page, '#refusals', 'R0');
    await says(page, '#count', '2 matched');
    await page.click('#table .body .row >> nth=0');
    await says(page, '#explanation .because', '<script>alert(2)</script>');
    assert.equal(await page.locator('main img:not(.cm-widgetBuffer), main script').count(), 0);
  },
  async 'hostile files get a clear message each'({ page, dist }) {
    await drop(page, '#file', 'x.txt', Buffer.from([0x68, 0xff, 0xfe, 0x0a]));
    await says(page, '#refusals', 'F008 line 1: this is not UTF-8');
    await drop(page, '#file', 'bomb.har', '{"log":{"entries":' + '['.repeat(200000));
    await says(page, '#refusals', 'nested too deeply');
    await drop(page, '#file', 'large.txt', 'x'.repeat(10 * 1024 * 1024));
    await says(page, '#refusals', 'R011');
    await drop(page, '#file', 'many.har', `{"log":{"entries":[${'{},'.repeat(400000)}{}]}}`);
    await says(page, '#refusals', 'and 399901 more');
    const pack = await readFile(join(dist, 'shipped.pack'));
    pack.writeUInt32LE(99, 8);
    await drop(page, '#packfile', 'new.pack', pack);
    await says(page, '#status', 'F012');
    await drop(page, '#packfile', 'text.pack', 'hello');
    await says(page, '#status', 'F010');
    // The page goes on.
    await send(page, PASTES);
    await says(page, '#count', '2 of 2 shown');
  },
  async 'a paste of 10 MB is answered, in the editor and in the requests'({ page }) {
    const text = 'https://pastebin.com/raw/Ab12Cd34\n'.repeat(300000);
    await write(page, RULE);
    await paste(page, editor(page), text);
    await says(page, '#status', 'F004: the text is larger than');
    assert.match(await editor(page).textContent(), /title: Paste/);
    await paste(page, page.locator('#requests'), text);
    await says(page, '#refusals', 'only the first 100000 requests are read');
    await says(page, '#count', '100,000 of 100,000 shown, 100,000 matched');
  },
  async 'it works without a network once it was there'({ page, context }) {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await context.setOffline(true);
    await page.reload();
    await ready(page);
    await page.selectOption('#against', '1');
    await page.waitForFunction(() => /against \d\d+ rules/.test(document.querySelector('#status').textContent));
    await context.setOffline(false);
  },
};
