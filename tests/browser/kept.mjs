// Nothing that a person wrote is lost.
import assert from 'node:assert/strict';
import { RULE, drop, editor, explains, open, ready, says, send, serve, write } from './page.mjs';

const label = (page, selector) => page.evaluate((selector) => document.querySelector(selector).selectedOptions[0].textContent, selector);

export default {
  async 'a reload keeps draft, requests, filters, packs, selection and theme'({ page }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/first\nhttps://pastebin.com/second\nhttps://example.org/\n');
    await says(page, '#count', '2 matched');
    await page.selectOption('#compare', { label: 'the shipped rules' });
    await page.fill('#filter', 'paste');
    await page.selectOption('#show', 'matched');
    await says(page, '#count', '2 of 3 shown');
    await page.click('#table .body .row >> nth=1');
    await explains(page, 'pastebin.com/second');
    const before = await page.evaluate(() => document.documentElement.dataset.theme);
    await page.click('#theme');
    await page.reload();
    await ready(page);
    assert.match(await editor(page).textContent(), /title: Paste/);
    assert.equal(await page.inputValue('#requests'), 'https://pastebin.com/first\nhttps://pastebin.com/second\nhttps://example.org/\n');
    assert.equal(await page.inputValue('#filter'), 'paste');
    assert.equal(await page.inputValue('#show'), 'matched');
    assert.equal(await label(page, '#compare'), 'the shipped rules');
    await says(page, '#count', '2 of 3 shown');
    await explains(page, 'pastebin.com/second');
    assert.notEqual(await page.evaluate(() => document.documentElement.dataset.theme), before);
  },
  async 'a large file of requests survives a reload'({ page }) {
    await write(page, RULE);
    await drop(page, '#file', 'many.txt', 'https://pastebin.com/raw/Ab12Cd34/and-more\n'.repeat(40000));
    await says(page, '#count', '40,000 of 40,000 shown, 40,000 matched');
    await page.waitForFunction(() => localStorage.getItem('tidegate-preview')?.includes('isLarge'));
    await page.reload();
    await ready(page);
    await says(page, '#count', '40,000 of 40,000 shown, 40,000 matched');
    await send(page, 'https://pastebin.com/small\n');
    await says(page, '#count', '1 of 1 shown');
    await page.reload();
    await ready(page);
    await says(page, '#count', '1 of 1 shown');
  },
  async 'each document keeps its draft'({ page }) {
    await write(page, RULE);
    await says(page, '#verdict-of-text', '1 rule runs');
    await page.click('#new');
    await says(page, '#verdict-of-text', '1 rule runs');
    assert.match(await editor(page).textContent(), /title: New rule/);
    await write(page, RULE.replace('Paste', 'Second'));
    await page.selectOption('#note', 'draft');
    assert.match(await editor(page).textContent(), /title: Paste/);
    await page.selectOption('#note', 'draft 2');
    assert.match(await editor(page).textContent(), /title: Second/);
    // What was done in a document can be undone in it, and undo ends at its first text.
    for (let n = 0; n < 20; n++) await page.locator('#editor .cm-content').press('Control+z');
    assert.match(await editor(page).textContent(), /title: New rule/);
  },
  async 'a shipped rule is open after a reload too'({ page }) {
    await page.click('#open-gallery');
    await page.fill('#gallery-search', 'answers with two');
    await page.locator('#gallery-list .item').first().click();
    await page.waitForSelector('#verdict-of-text.good');
    await page.reload();
    await ready(page);
    assert.match(await editor(page).textContent(), /address/);
    assert.equal(await label(page, '#note'), 'address-in-name.md');
    await says(page, '#verdict-of-text', '12 examples hold');
  },
  async 'a rule that is open knows lists that arrive late'({ browser, dist }) {
    const { server, url } = await serve(dist, (name) => name === 'shared.json' ? new Promise((later) => setTimeout(later, 1500)) : undefined);
    try {
      // A service worker would answer from what it kept, at once.
      const { page, context } = await open(browser, url, { serviceWorkers: 'block' });
      await page.click('#open-gallery');
      await page.fill('#gallery-search', 'answers with two');
      await page.locator('#gallery-list .item').first().click();
      await says(page, '#verdict-of-text', '12 examples hold');
      await page.reload();
      await ready(page);
      await says(page, '#verdict-of-text', '12 examples hold');
      await context.close();
    } finally {
      server.close();
    }
  },
  async 'undo does not empty the editor'({ page }) {
    for (let n = 0; n < 5; n++) await editor(page).press('Control+z');
    assert.match(await editor(page).textContent(), /title: Telegram bot API/);
  },
  async 'everything is forgotten on demand'({ page }) {
    await write(page, RULE);
    await says(page, '#verdict-of-text', '1 rule runs');
    await page.click('#open-help');
    await Promise.all([page.waitForNavigation(), page.click('#forget')]);
    await ready(page);
    assert.match(await editor(page).textContent(), /title: Telegram bot API/);
  },
  async 'a rule or note that is opened or dropped goes to the editor'({ page }) {
    await drop(page, '#open-file', 'mine.yml', RULE.replace('Paste', 'Mine'));
    await says(page, '#status', 'mine.yml is in the editor');
    assert.match(await editor(page).textContent(), /title: Mine/);
    const dropped = await page.evaluateHandle((rule) => { const data = new DataTransfer(); data.items.add(new File([rule], 'other.yml')); return data; }, RULE.replace('Paste', 'Other'));
    await page.dispatchEvent('#editor', 'drop', { dataTransfer: dropped });
    await says(page, '#status', 'other.yml is in the editor');
    assert.match(await editor(page).textContent(), /title: Other/);
    await page.selectOption('#note', 'file:mine.yml');
    assert.match(await editor(page).textContent(), /title: Mine/);
  },
};
