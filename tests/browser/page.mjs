// A page of the built preview in a real Chromium: served from a sub-path of loopback, under watch.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.json': 'application/json' };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Serves a folder under `/some/where/` on a port of the system's choice. `treat` may return a promise to wait
 * for, or the status of a refusal, by the name of a file. */
export async function serve(folder, treat = () => undefined) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    const name = path.startsWith('/some/where/') ? path.slice('/some/where/'.length) || 'index.html' : '';
    try {
      if (!name || normalize(name).startsWith('..')) throw new Error('outside');
      const status = await treat(name);
      if (status) { response.writeHead(status).end(); return; }
      const bytes = await readFile(join(folder, name));
      response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-security-policy': POLICY, 'cache-control': 'no-store' });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, url: `http://127.0.0.1:${server.address().port}/some/where/` };
}

export async function launch() {
  return chromium.launch({ executablePath: process.env.TIDEGATE_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Opens the page and notes all that it must not do. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const page = await context.newPage();
  const trouble = watch(page, url);
  await page.goto(url);
  await ready(page);
  return { page, context, trouble };
}

export const ready = (page) => page.waitForSelector('html[data-ready]', { timeout: 60000 });

export function watch(page, url) {
  const trouble = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) trouble.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => trouble.push(`error: ${error}`));
  page.on('dialog', (dialog) => { trouble.push('a dialog opened'); void dialog.dismiss(); });
  page.on('request', (request) => { if (!request.url().startsWith(new URL(url).origin) && !/^(blob|data):/.test(request.url())) trouble.push(`request off the origin: ${request.url()}`); });
  // A page that is left stops what it was fetching.
  page.on('requestfailed', (request) => request.failure()?.errorText === 'net::ERR_ABORTED' || trouble.push(`request failed: ${request.url()}`));
  return trouble;
}

export const RULE = `title: Paste
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
export const editor = (page) => page.locator('#editor .cm-content');
export async function write(page, text) {
  await editor(page).focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
}
export const send = async (page, text) => { await page.fill('#requests', text); await page.click('#run'); };
export const says = (page, selector, text) => page.waitForFunction(([selector, text]) => document.querySelector(selector)?.textContent.includes(text), [selector, text], { timeout: 30000 })
  .catch(async () => { throw new Error(`${selector} says "${await page.textContent(selector)}" and not "${text}"`); });
/** The cells of a row of the verdicts behind the action. */
export const cells = (page, at) => page.locator('#table .body .row').nth(at).locator('[role=gridcell]').allTextContents().then((texts) => texts.slice(1).map((text) => text.trim()));
export const explains = async (page, text) => { await page.waitForFunction(() => !document.querySelector('#explanation').hasAttribute('aria-busy')); await says(page, '#explanation', text); };
export const drop = (page, selector, name, bytes) => page.setInputFiles(selector, { name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });
/** What a person does: the text is in the clipboard, and the keys paste it. */
export async function paste(page, target, text) {
  await page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await target.focus();
  await page.keyboard.press('Control+v');
}
