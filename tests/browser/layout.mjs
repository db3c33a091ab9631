// The page fits any window, and everybody can use it: sizes, overlaps, contrast, names.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { RULE, drop, explains, says, send, write } from './page.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SIZES = [[1440, 900], [1366, 625], [1024, 600], [900, 562], [720, 450], [390, 844], [360, 640]];

/** Controls that lie over one another or leave the window, by their ids or texts. */
const overlaps = (page) => page.evaluate(() => {
  const seen = [...document.querySelectorAll('header button, section button, section select, section input:not([type=file]), section .file, section summary, section textarea, section h2, #count, #editor, #table, #status, #purpose')]
    .filter((element) => element.checkVisibility() && !element.closest('#explanation, #table > *, .menu > div, #problems, #examples, #refusals'))
    .map((element) => ({ element, name: element.id || element.textContent.slice(0, 20), box: element.getBoundingClientRect() })).filter(({ box }) => box.width > 0);
  const found = [];
  for (const { name, box } of seen) if (box.right > innerWidth + 1 || box.left < -1) found.push(`${name} leaves the window`);
  for (const a of seen) {
    const section = a.element.closest('section');
    if (section && a.box.bottom > section.getBoundingClientRect().bottom + 1) found.push(`${a.name} leaves its panel`);
    for (const b of seen) {
      if (a === b || a.element.contains(b.element) || b.element.contains(a.element) || a.name > b.name) continue;
      const [x, y] = [Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left), Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top)];
      if (x > 1 && y > 1) found.push(`${a.name} over ${b.name}`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  return found;
});

/** Menus that leave the window when they open, by the texts of their entries. */
const menusOutside = (page) => page.evaluate(() => [...document.querySelectorAll('.menu')].filter((menu) => menu.checkVisibility()).flatMap((menu) => {
  menu.open = true;
  const box = menu.querySelector(':scope > div').getBoundingClientRect();
  const isWide = document.documentElement.scrollWidth > innerWidth;
  menu.open = false;
  return box.left < 0 || box.right > innerWidth || isWide ? [`${menu.textContent.trim()}: ${box.left} to ${box.right}`] : [];
}));

const STATES = {
  async start() {},
  // A run that goes on, while the explanation is that of the one before.
  async busy(page) { await page.evaluate(() => document.querySelector('#explanation').setAttribute('aria-busy', 'true')); },
  async compared(page) {
    await send(page, 'https://pastebin.com/raw/Ab12Cd34\nnot a request\nhttps://API.telegram.org./%62ot1:x/getMe\n');
    await page.selectOption('#compare', '1');
    await says(page, '#count', 'changed');
    await page.locator('#table').focus();
    await page.keyboard.press('End');
    await explains(page, 'Before');
  },
  async broken(page) {
    await write(page, RULE.replace('cs-host:', 'cs-host|contian:'));
    await says(page, '#banner', 'does not compile');
  },
  async code(page) {
    await STATES.broken(page);
    await page.locator('#problems .code').first().click();
    await says(page, '#page', 'S010');
  },
  async empty(page) {
    await write(page, ' ');
    await page.fill('#requests', '');
    await says(page, '#count', '0 of 0');
  },
  async note(page) {
    await page.click('#open-gallery');
    await page.waitForSelector('#gallery-list .item');
    await page.fill('#gallery-search', 'address or answers with two');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#verdict-of-text.good');
    await explains(page, 'matches because');
  },
  async log(page) {
    await page.click('#open-gallery');
    await page.waitForSelector('#gallery-list .item');
    await page.fill('#gallery-search', 'polled by a clock');
    await page.keyboard.press('Enter');
    await says(page, '#count', '40 matched');
    await page.click('#table .body .row >> nth=2');
    await explains(page, 'What its source did over time');
  },
  async refused(page) {
    await drop(page, '#file', 'picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, ...Array.from({ length: 99 }, (_, n) => n * 37 % 256)]));
    await page.waitForSelector('#refusals li');
  },
  async service(page) {
    await explains(page, 'matches because');
    await page.click('#explanation button.link');
    await says(page, '#page', 'Telegram');
  },
  async search(page) {
    await page.locator('#editor .cm-content').focus();
    await page.keyboard.press('Control+f');
    await page.waitForSelector('#editor .cm-search');
  },
  async completion(page) {
    await write(page, 'detection:\n    selection:\n        c-uri-st');
    await page.keyboard.press('Control+Space');
    await page.waitForSelector('#editor .cm-tooltip-autocomplete li');
  },
  async gallery(page) { await page.click('#open-gallery'); await page.waitForSelector('#gallery-list .item'); },
  async help(page) { await page.click('#open-help'); },
  async menu(page) { await page.click('#rule .menu summary'); },
};

export default {
  async 'nothing overlaps in any window from 360 to 1440 pixels, with twice the size of text too'({ page }) {
    for (const state of ['start', 'compared', 'broken']) {
      await STATES[state](page);
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        assert.deepEqual(await overlaps(page), [], `${state} at ${width}x${height}`);
        assert.deepEqual(await menusOutside(page), [], `${state} at ${width}x${height}`);
      }
      await page.setViewportSize({ width: 1440, height: 900 });
    }
  },
  async 'panels are resized by keyboard and by pointer, and stay so'({ page }) {
    const width = () => page.evaluate(() => document.querySelector('#rule').getBoundingClientRect().width);
    const before = await width();
    await page.locator('#split-columns').focus();
    for (let n = 0; n < 5; n++) await page.keyboard.press('ArrowRight');
    const wider = await width();
    assert(wider > before + 80, `${before} to ${wider}`);
    await page.waitForTimeout(400);
    await page.reload();
    await page.waitForSelector('html[data-ready]');
    assert.equal(Math.round(await width()), Math.round(wider));
    const box = await page.locator('#split-columns').boundingBox();
    await page.mouse.move(box.x + 4, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x - 200, box.y + 100, { steps: 4 });
    await page.mouse.up();
    assert(await width() < wider - 150);
  },
  async 'rows show the end of a long URL'({ page }) {
    await send(page, `https://api.example/${'a'.repeat(300)}/secret-report.zip\n`);
    await says(page, '#count', '1 of 1');
    const visible = await page.evaluate(() => { const cell = document.querySelector('#table .url'); const end = cell.lastElementChild.getBoundingClientRect(); return end.right <= cell.getBoundingClientRect().right + 1 && cell.lastElementChild.textContent; });
    assert.equal(visible, '/secret-report.zip');
  },
  async 'notes are highlighted: front matter, Sigma and HTTP'({ page }) {
    await write(page, '---\nkind: rule\nservices: []\n---\n\n# Title\n\n```sigma\ntitle: x\n```\n\n```http match\nGET https://a.example/ HTTP/1.1\nUser-Agent: x\n```\n');
    const colours = await page.evaluate(() => {
      const found = {};
      for (const span of document.querySelector('#editor').shadowRoot.querySelectorAll('.cm-line span')) found[span.textContent] = getComputedStyle(span).color;
      return found;
    });
    const accent = colours.kind;
    assert(accent, JSON.stringify(colours));
    for (const word of ['title', 'GET', 'User-Agent']) assert.equal(colours[word], accent, `${word}: ${JSON.stringify(colours)}`);
  },
  async 'borders of controls have a contrast of 3 to 1'({ page }) {
    for (const theme of ['light', 'dark']) {
      if (await page.evaluate(() => document.documentElement.dataset.theme) !== theme) await page.click('#theme');
      const low = await page.evaluate(() => {
        const light = (text) => { const [r, g, b] = text.match(/[\d.]+/g).map((part) => { const share = part / 255; return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const contrast = (a, b) => { const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y); return (bright + 0.05) / (dark + 0.05); };
        const behind = (element) => { for (let at = element; at; at = at.parentElement) { const colour = getComputedStyle(at).backgroundColor; if (colour !== 'rgba(0, 0, 0, 0)') return colour; } };
        return [...document.querySelectorAll('textarea, #filter, select, #editor, .bar > button:not(.main), summary')].filter((element) => element.checkVisibility())
          .map((element) => [element.id || element.textContent, contrast(getComputedStyle(element).borderTopColor, behind(element.parentElement))]).filter(([, found]) => found < 3);
      });
      assert.deepEqual(low, [], theme);
    }
  },
  async 'axe finds nothing in any state, light and dark'({ page }) {
    let n = 0;
    // The bundle only defines functions; the page's policy would not let it in as a script.
    const axe = await readFile(AXE, 'utf8');
    for (const theme of ['light', 'dark']) {
      for (const [name, reach] of Object.entries(STATES)) {
        await page.evaluate(() => localStorage.clear());
        await page.evaluate((theme) => localStorage.setItem('tidegate-preview', JSON.stringify({ theme })), theme);
        await page.reload();
        await page.waitForSelector('html[data-shared]');
        await reach(page);
        if (process.env.TIDEGATE_SCREENSHOTS) {
          for (const [width, height] of [[1440, 900], [1366, 625], [1024, 600], [390, 844]]) {
            await page.setViewportSize({ width, height });
            await page.screenshot({ path: join(process.env.TIDEGATE_SCREENSHOTS, `${name}-${width}-${theme}.png`), fullPage: width < 900 });
          }
          await page.setViewportSize({ width: 1440, height: 900 });
        }
        await page.evaluate(axe);
        for (const width of [1440, 390]) {
          await page.setViewportSize({ width, height: 900 });
          const { violations, passes } = await page.evaluate(() => window.axe.run());
          assert(passes.length > 10, 'axe looked at nothing');
          assert.deepEqual(violations.map(({ id, nodes }) => `${theme}, ${name}, ${width}: ${id}: ${nodes.map((node) => node.html).join(' ')}`), []);
          n += 1;
        }
        await page.setViewportSize({ width: 1440, height: 900 });
      }
    }
    return `${n} states`;
  },
};
