// A page of the built preview in a real Chromium: served from a sub-path of loopback, under watch.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Serves a folder under `/some/where/` on a port of the system's choice. */
export async function serve(folder) {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    const name = path.startsWith('/some/where/') ? path.slice('/some/where/'.length) || 'index.html' : '';
    try {
      if (!name || normalize(name).startsWith('..')) throw new Error('outside');
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
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) trouble.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => trouble.push(`error: ${error}`));
  page.on('dialog', (dialog) => { trouble.push('a dialog opened'); void dialog.dismiss(); });
  page.on('request', (request) => { if (!request.url().startsWith(new URL(url).origin) && !/^(blob|data):/.test(request.url())) trouble.push(`request off the origin: ${request.url()}`); });
  page.on('requestfailed', (request) => trouble.push(`request failed: ${request.url()}`));
  await page.goto(url);
  await page.waitForSelector('html[data-ready]', { timeout: 60000 });
  return { page, context, trouble };
}
