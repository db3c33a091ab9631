// The start: rules to choose from, help, and all of it by keyboard alone.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { RULE, editor, explains, says, write } from './page.mjs';

const item = (page, text) => page.locator('#gallery-list .item', { hasText: text }).first();

export default {
  async 'shipped rules are found by title, technique, level and service, and open with their examples'({ page }) {
    await page.click('#open-gallery');
    await page.waitForSelector('#gallery-list .item');
    const all = Number((await page.textContent('#gallery-count')).match(/\d+/)[0]);
    assert(all > 80, `${all} rules`);
    for (const [words, title] of [['telegram bot', 'Telegram'], ['T1102.001 gist', 'Gist'], ['discord webhook', 'Discord'], ['rclone', 'rclone']]) {
      await page.fill('#gallery-search', words);
      assert(await page.locator('#gallery-list .item', { hasText: new RegExp(title, 'i') }).count() > 0, words);
    }
    await page.fill('#gallery-search', '');
    await page.selectOption('#gallery-level', 'high');
    const high = Number((await page.textContent('#gallery-count')).match(/\d+/)[0]);
    assert(high > 0 && high < all, `${high} of ${all} are high`);
    await page.selectOption('#gallery-level', '');
    await page.fill('#gallery-search', 'address or answers with two');
    await item(page, 'Name that contains an IP address').click();
    await says(page, '#verdict-of-text', 'examples hold');
    await page.waitForSelector('#verdict-of-text.good');
    assert.match(await page.inputValue('#requests'), /^# must match\n/);
    await says(page, '#count', '12 of 12 shown, 8 matched');
    await explains(page, 'matches because');
    // What was there before is put back.
    await page.fill('#requests', 'https://mine.example/\n');
    await page.click('#open-gallery');
    await item(page, 'Telegram').click();
    await page.waitForSelector('#put-back:not([hidden])');
    await page.click('#put-back');
    assert.equal(await page.inputValue('#requests'), 'https://mine.example/\n');
  },
  async 'a rule is copied, and downloaded as Sigma and as a note'({ page }) {
    await write(page, RULE);
    await says(page, '#verdict-of-text', '1 rule runs');
    await page.click('#copy');
    await says(page, '#status', 'in the clipboard');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), RULE);
    const saved = async (button) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#rule .menu summary').then(() => page.click(button))]);
      return [download.suggestedFilename(), await readFile(await download.path(), 'utf8')];
    };
    assert.deepEqual(await saved('#download-sigma'), ['paste.yml', RULE]);
    const [name, note] = await saved('#download-note');
    assert.equal(name, 'paste.md');
    assert.match(note, /^---\nkind: rule\n[^]*```sigma\ntitle: Paste\n/);
    await write(page, note);
    await page.waitForSelector('#verdict-of-text.error');
    const [second, sigma] = await saved('#download-sigma');
    assert.equal(second, 'paste.yml');
    assert.equal(sigma.trim(), RULE.trim());
  },
  async 'help, techniques and codes explain themselves'({ page }) {
    await page.locator('#table').focus();
    await page.keyboard.press('?');
    await page.waitForSelector('#help[open]');
    await says(page, '#help', 'Ctrl K');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#help[open]').count(), 0);
    // In the editor it is a character.
    await editor(page).focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('#?');
    assert.match(await editor(page).textContent(), /#\?/);
    assert.equal(await page.locator('#help[open]').count(), 0);
    await explains(page, 'matches');
    assert.equal(await page.getAttribute('#explanation article a', 'href'), 'https://attack.mitre.org/techniques/T1102/002/');
    await write(page, RULE.replace('cs-host:', 'cs-host|contian:'));
    await page.click('#problems .code.error');
    await says(page, '#page', 'S010: ');
    await says(page, '#page pre', 'error[S010]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#page', { state: 'hidden' });
    await write(page, RULE);
    await page.fill('#requests', 'https://discord.com/api/webhooks/1/x\n');
    await says(page, '#count', '1 of 1');
    await page.locator('#table').focus();
    await page.keyboard.press('Home');
    await explains(page, 'Discord');
    await page.click('#explanation .link');
    await says(page, '#page', 'How it is recognised');
    await page.click('#page button:text("Rules about it")');
    assert.equal(await page.inputValue('#gallery-search'), 'Discord');
    await page.locator('#gallery-list .item', { hasText: 'Discord' }).nth(1).waitFor();
  },
  async 'by keyboard alone: open a rule, mend a finding, run, explain, download'({ page }) {
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    await press('Control+k');
    await page.waitForSelector('#gallery-list .item');
    await page.keyboard.type('name that contains an ip');
    await press('ArrowDown', 'Enter');
    await page.waitForSelector('#verdict-of-text.good');
    // Break it as a person would, and let the fix mend it.
    await press('Control+f');
    await page.keyboard.type('cs-host|endswith');
    await press('Enter', 'Escape', 'ArrowRight');
    await page.keyboard.type('h');
    await says(page, '#verdict-of-text', '1 error');
    await says(page, '#banner', 'does not compile');
    await press('F8', 'Control+.');
    await page.waitForSelector('#verdict-of-text.good');
    await press('Control+Enter');
    await says(page, '#count', '8 matched');
    await press('F6', 'F6');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'table');
    await press('Home', 'ArrowDown');
    await explains(page, 'matches because');
    await says(page, '#spoken', 'Request 2: Matches Name that contains an IP address');
    await press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'explanation');
    const [download] = await Promise.all([page.waitForEvent('download'), press('Control+s')]);
    assert.equal(download.suggestedFilename(), 'name-that-contains-an-ip-address-or-answers-with-two.md');
  },
};
