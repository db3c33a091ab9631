// `tidegate preview`: the page with a person's notes, as the command serves it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { RULE, editor, open, says, write } from './page.mjs';

/** Starts the command on a port of the system's choice; `arguments_` as on a command line. */
export async function start(tidegate, arguments_) {
  const child = spawn(tidegate, ['preview', '--port', '0', ...arguments_], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((_, fail) => child.once('exit', (code) => fail(new Error(`tidegate preview ended with ${code}`))));
  ended.catch(() => undefined);
  const line = new Promise((done) => createInterface({ input: child.stdout }).once('line', done));
  return { child, url: await Promise.race([line, ended]) };
}

/** The answer to one request: its status and headers. */
const ask = (url, options = {}) => new Promise((done, fail) => request(url, options, (answer) => { answer.resume(); done(answer); }).on('error', fail).end());

/** Milliseconds from the address to the first verdict, the best of some tries. */
export async function firstVerdict(browser, url) {
  let best = Infinity;
  for (let n = 0; n < 5; n++) {
    const { page, context } = await open(browser, url);
    await says(page, '#status', 'requests against');
    best = Math.min(best, await page.evaluate(() => performance.getEntriesByName('verdict')[0].startTime));
    await context.close();
  }
  return Math.round(best);
}

export async function served(browser, tidegate, pageArguments) {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-'));
  const note = join(folder, 'a paste.yml');
  await writeFile(note, RULE);
  const pack = join(folder, 'mine.pack');
  await new Promise((done) => spawn(tidegate, ['pack', '-o', pack, note], { stdio: 'ignore' }).once('exit', done));
  const { child, url } = await start(tidegate, [...pageArguments, '--pack', pack, folder]);
  try {
    const { page, context, trouble } = await open(browser, url);
    assert.match(await editor(page).textContent(), /title: Paste/);
    // It opens on all rules, with requests of which they match some.
    assert.equal(await page.evaluate(() => document.querySelector('#against').selectedOptions[0].textContent), 'all 1 files on disk');
    assert.match(await page.textContent('#count'), /[1-9]\d* matched/);
    await page.selectOption('#against', { label: 'the draft' });
    await page.fill('#requests', 'https://pastebin.com/x\n');
    await page.click('#run');
    await says(page, '#count', '1 of 1 shown, 1 matched');
    // A save on disk is a new verdict in the page.
    await writeFile(note, RULE.replace('pastebin.com', 'example.org'));
    await says(page, '#count', '1 of 1 shown, 0 matched');
    await says(page, '#status', 'request against');
    // What is written in the page is kept, and the file is not written to.
    await write(page, RULE);
    await says(page, '#count', '1 matched');
    await writeFile(note, RULE.replace('pastebin.com', 'example.net'));
    await page.waitForSelector('#reload:not([hidden])');
    assert.match(await editor(page).textContent(), /cs-host: pastebin\.com/);
    await page.click('#reload');
    await says(page, '#count', '0 matched');
    // All notes as a pack, and a pack of the person's.
    await page.selectOption('#against', { label: 'all 1 files on disk' });
    await page.selectOption('#compare', { index: 4 });
    await says(page, '#count', '1 changed');
    assert.deepEqual(trouble, []);
    await context.close();

    const { port } = new URL(url);
    const answer = await ask(url);
    assert.equal(answer.statusCode, 200);
    assert.match(answer.headers['content-security-policy'], /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';.*frame-ancestors 'none'/);
    for (const [path, options, status] of [
      ['session.json', {}, 200], ['note/a%20paste.yml', {}, 404], [`note/${encodeURIComponent(note)}`, {}, 200],
      ['note/%2e%2e%2fmine.pack', {}, 404], ['../../etc/passwd', {}, 404], ['', { method: 'POST' }, 405], ['', { headers: { host: `evil.example:${port}` } }, 421],
    ]) assert.equal((await ask(`http://127.0.0.1:${port}/`, { ...options, path: `/${path}` })).statusCode, status, `${path} ${JSON.stringify(options)}`);
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
}

/** Drafts refer to the lists of the person's own notes. */
export async function servedLists(browser, tidegate, pageArguments) {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-'));
  await writeFile(join(folder, 'list.md'), '---\nkind: list\nlist: own_hosts\nvalues:\n  - "pastebin.com"\n---\n\n# Own hosts\n\nHosts.\n');
  await writeFile(join(folder, 'rule.yml'), RULE.replace('cs-host: pastebin.com', "cs-host|expand: '%own_hosts%'"));
  const { child, url } = await start(tidegate, [...pageArguments, folder]);
  try {
    const { page, context, trouble } = await open(browser, url);
    await page.selectOption('#note', { label: join(folder, 'rule.yml') });
    await says(page, '#verdict-of-text', '1 rule runs');
    // It opens on all files on disk, and on requests of which they match some.
    assert.match(await page.textContent('#count'), /[1-9]\d* matched/);
    await page.click('#open-gallery');
    await page.fill('#gallery-search', 'list.md');
    await page.locator('#gallery-list .item').first().click();
    await says(page, '#verdict-of-text', 'a list: nothing to run');
    assert.deepEqual(trouble, []);
    await context.close();
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
}
