// The page never says more than is so: explanations, verdicts and the few words about a text.
import assert from 'node:assert/strict';
import { RULE, cells, editor, explains, says, send, write } from './page.mjs';

const NOTE = (rule, host) => `---\nkind: rule\nservices: []\n---\n\n# Paste\n\n${['Goal', 'Strategy', 'Technical context', 'Blind spots', 'False positives'].map((name) => `## ${name}\n\nWritten.\n`).join('\n')}
## Rule\n\n\`\`\`sigma\n${rule}\`\`\`\n\n## Validation\n\nIt matches.\n\n\`\`\`http match\nGET https://${host}/ HTTP/1.1\n\`\`\`\n\nIt passes.\n\n\`\`\`http pass\nGET https://other.example/ HTTP/1.1\n\`\`\`\n\n## Response\n\nAsk.\n`;
const FULL = RULE.replace('level:', 'description: d\nauthor: a\ndate: 2026-11-21\nreferences: [https://example.org]\ntags: [attack.t1102]\nfalsepositives: [f]\nlevel:');
const actions = (page) => page.locator('#table .body .row [role=gridcell]:first-child').allTextContents();

export default {
  async 'the explanation follows the selection, the rule and the requests'({ page }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/a\nhttps://example.org/\n');
    await says(page, '#count', '1 matched');
    await page.click('#table .body .row >> nth=0');
    await explains(page, 'Paste matches because');
    // Another rule.
    await write(page, RULE.replace('pastebin.com', 'example.net'));
    await says(page, '#count', '0 matched');
    await explains(page, 'Paste does not match because the host is not example.net');
    // The same request at the same place stays selected, another one does not.
    await send(page, 'https://pastebin.com/a\n');
    await says(page, '#count', '1 of 1 shown');
    await explains(page, 'GET https://pastebin.com/a');
    await send(page, 'https://example.net/\n');
    await says(page, '#count', '1 matched');
    await explains(page, 'Select a request');
    // A filter that hides the request hides its explanation.
    await page.click('#table .body .row >> nth=0');
    await explains(page, 'Paste matches');
    await page.fill('#filter', 'nothing has this');
    await explains(page, 'Select a request');
    await page.fill('#filter', '');
    await page.fill('#requests', '');
    await explains(page, 'Paste requests');
  },
  async 'a rule that does not compile gives no verdicts'({ page }) {
    await write(page, RULE);
    await send(page, 'https://pastebin.com/a\n');
    await says(page, '#count', '1 matched');
    await page.click('#table .body .row >> nth=0');
    await explains(page, 'Paste matches');
    await write(page, RULE.replace('condition: selection', 'condition: selectoin'));
    await says(page, '#banner', 'The rule does not compile (1 error): there are no verdicts.');
    await says(page, '#count', 'no verdicts');
    assert.deepEqual(await actions(page), ['–']);
    await explains(page, 'there is no verdict to explain');
    await page.click('#banner button');
    assert.match(await page.locator('#editor .cm-activeLine').textContent(), /selectoin/);
    await page.selectOption('#compare', { label: 'the shipped rules' });
    await says(page, '#table .head', 'After');
    assert.deepEqual((await cells(page, 0)).slice(3), ['–', '–']);
  },
  async 'only what runs as it is written has a green mark'({ page }) {
    for (const [text, words, tone] of [
      [FULL, '1 rule runs', 'good'],
      [NOTE(FULL, 'pastebin.com'), '1 rule runs, 2 examples hold', 'good'],
      ['', 'empty', 'neutral'],
      ['---\nkind: runbook\nrule: Paste\n---\n\n# Paste\n', 'a runbook: nothing to run', 'neutral'],
      ['---\nkind: list\nlist: tools\nvalues:\n  - a\n---\n\n# Tools\n\nWords.\n', 'a list: nothing to run', 'neutral'],
      [NOTE(FULL, 'example.net'), '1 example fails', 'error'],
      [FULL.replace('proxy', 'process_creation').replace('cs-host', 'Image'), 'not decidable at a proxy', 'warning'],
      [FULL.replace('cs-host: pastebin.com', 'tidegate.beacon|gte: 0.8'), '1 rule runs over time', 'good'],
      [RULE.replace('cs-host', 'cs-hots'), 'error', 'error'],
    ]) {
      await write(page, text || ' ');
      if (!text) { await editor(page).focus(); await page.keyboard.press('Backspace'); }
      await says(page, '#verdict-of-text', words);
      await page.waitForSelector(`#verdict-of-text.${tone}`);
    }
  },
  async 'a log shows what a source did over time, and a rule may ask for it'({ page }) {
    const line = (minute) => JSON.stringify({ start_time: `2026-11-21T07:${String(minute).padStart(2, '0')}:00Z`, method: 'GET', authority: 'pastebin.com', path: '/raw/a', user_agent: 'x', downstream_remote_address: '10.0.0.7:4242' });
    await write(page, FULL.replace('cs-host: pastebin.com', 'tidegate.beacon|gte: 0.8'));
    await send(page, 'https://pastebin.com/a\n');
    await says(page, '#count', '0 matched');
    await says(page, '#banner', 'only requests of an access log in JSON');
    await send(page, Array.from({ length: 50 }, (_, minute) => line(minute)).join('\n'));
    await says(page, '#count', '50 of 50 shown, 50 matched');
    await page.click('#table .body .row >> nth=0');
    await explains(page, '50 requests of 10.0.0.7 to pastebin.com in the whole log, from 2026-11-21 07:00:00 to 2026-11-21 07:49:00 UTC');
    await explains(page, 'beacon period60');
    assert.equal(await page.locator('#explanation .strip > line:not(.axis)').count(), 50);
    await page.click('#open-gallery');
    await page.fill('#gallery-search', 'polled by a clock');
    await page.locator('#gallery-list .item').first().click();
    await says(page, '#verdict-of-text', '1 rule runs over time, 3 examples hold');
    await says(page, '#examples', 'requests over time');
    await says(page, '#count', '42 of 42 shown, 40 matched');
    await page.click('#table .body .row >> nth=2');
    await explains(page, 'What its source did over time');
  },
  async 'a rule may ask for shipped lists and services'({ page }) {
    await page.waitForSelector('html[data-shared]');
    await write(page, FULL.replace('cs-host: pastebin.com', "tidegate.service: Telegram\n        c-useragent|startswith|expand: '%scripting_clients%'"));
    await says(page, '#verdict-of-text', '1 rule runs');
    await send(page, 'curl https://api.telegram.org/bot1:x/sendMessage\n');
    await says(page, '#count', '1 matched');
    await page.click('#table .body .row >> nth=0');
    await explains(page, 'Telegram');
    assert.match(await page.textContent('#explanation'), /operation/);
  },
};
