// The page: wires the editor, the traffic, the table and the explanation to the engine.
import { by, el } from './dom';
import { applyFix, createEditor, goTo, setText, show, textOf } from './editor';
import { ask } from './engine';
import { draw } from './explanation';
import * as share from './share';
import { Table } from './table';
import type { Checked, Explained, Imported, PackInfo, Row, Vocabulary } from './types';

const STARTER = `title: Telegram bot API
id: 5ad9f5f0-7a3e-4b3e-9b8f-0c6c1c1f4a11
status: experimental
description: A client talks to the bot API of Telegram.
author: tidegate contributors
date: 2026-11-21
tags:
    - attack.command-and-control
    - attack.t1102.002
logsource:
    category: proxy
detection:
    selection:
        cs-host: api.telegram.org
        c-uri-stem|startswith: /bot
    condition: selection
level: medium
`;
const TRAFFIC = 'https://api.telegram.org/bot1:x/sendDocument\nhttps://API.telegram.org./bot1:x/getUpdates\nhttps://web.telegram.org/k/\n';
const MAX_PASTE = 1024 * 1024;
const CHECK_DELAY = 120;

const status = by('status');
const requests = by<HTMLTextAreaElement>('requests');
const against = by<HTMLSelectElement>('against');
const compare = by<HTMLSelectElement>('compare');
let bytes: ArrayBuffer | null = null;
let timer = 0;
let checked: Checked | null = null;
let running = 0;
const say = (text: string) => { status.textContent = text; };
const slot = () => Number(against.value);
const table = new Table(async (row) => {
  const explained = await ask<Explained | null>('explain', { row, slot: slot() });
  if (!explained) { by('explanation').replaceChildren(el('p', { class: 'quiet' }, 'No rule runs: see the findings.')); return; }
  by('explanation').replaceChildren(...draw(explained, async (isMatch) => {
    setText(editor, await ask<string>('example', { text: textOf(editor), row, isMatch }));
    say('The request is an example of the note now.');
  }));
});

const editor = createEditor(by('editor'), await ask<Vocabulary>('vocabulary'), () => { clearTimeout(timer); timer = window.setTimeout(check, CHECK_DELAY); });

async function check() {
  const text = textOf(editor);
  const found = await ask<Checked>('check', { text });
  if (text !== textOf(editor)) return;
  checked = found;
  show(editor, checked.problems);
  by('problems').replaceChildren(...checked.problems.map((problem) => {
    const place = el('button', { type: 'button', title: problem.explanation }, `${problem.line}:${problem.column}`);
    place.addEventListener('click', () => goTo(editor, problem.line));
    const item = el('li', {}, place, ' ', el('span', { class: problem.severity }, problem.code), ` ${problem.message}`, el('span', { class: 'quiet' }, problem.help ? ` — ${problem.help}` : ''));
    if (problem.fix) {
      const fix = el('button', { type: 'button', class: 'fix' }, `Replace with ${problem.fix.to}`);
      fix.addEventListener('click', () => { applyFix(editor, problem); });
      item.append(' ', fix);
    }
    return item;
  }));
  if (!checked.problems.length) by('problems').append(el('li', { class: 'good' }, 'nothing to say: the rule runs as written'));
  by('examples-heading').hidden = checked.examples.length === 0;
  by('examples').replaceChildren(...checked.examples.map((example) => {
    const button = el('button', { type: 'button' }, `line ${example.line}`);
    button.addEventListener('click', () => goTo(editor, example.line));
    return el('li', {}, button, ' ', el('span', { class: example.holds === false ? 'error' : 'good' }, example.holds === false ? `fails: http ${example.expectation}` : `http ${example.expectation}`), ` ${example.request}`);
  }));
  if (slot() === 0 || compare.value === '0') await run(false);
}

async function run(readAgain: boolean) {
  const mine = ++running;
  const other = Number(compare.value);
  const progress = by<HTMLProgressElement>('progress');
  const sent = readAgain ? (bytes ?? new TextEncoder().encode(requests.value).buffer) : null;
  table.pack = await ask<PackInfo | null>('pack', { slot: slot() });
  table.other = other >= 0 ? await ask<PackInfo | null>('pack', { slot: other }) : null;
  if (mine !== running) return;
  const rows: Row[] = [];
  let imported: Imported | null = null;
  progress.hidden = by('cancel').hidden = false;
  const result = await ask<{ millis?: number }>('run', { bytes: sent, slot: slot(), compare: other }, (part, at) => {
    if (part.imported) imported = part.imported; else for (const row of part.rows) rows.push(row);
    progress.value = part.rows && imported ? 0.5 + rows.length / Math.max(1, imported.n_requests) / 2 : at;
  });
  if (mine !== running) return;
  progress.hidden = by('cancel').hidden = true;
  table.rows = rows;
  const counts = new Map<number, number>();
  for (const row of rows) for (const rule of row.rules) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const choices = [...counts].sort((a, b) => b[1] - a[1]).map(([rule, n]) => el('option', { value: String(rule) }, `${n} × ${table.pack?.rules[rule]?.title ?? rule}`));
  by('by-rule').replaceChildren(el('option', { value: '-1' }, 'any'), ...choices);
  table.filter();
  if (imported) refusals(imported);
  const rules = table.pack?.rules.length ?? 0;
  say(result.millis === undefined ? 'Cancelled.' : `${rows.length} requests against ${rules} rule${rules === 1 ? '' : 's'} in ${result.millis.toFixed(0)} ms`);
}

function refusals(imported: Imported) {
  const items = imported.refusals.map((refusal) => el('li', {}, el('span', { class: 'error' }, `${refusal.code} line ${refusal.line}`), ` ${refusal.message}`, el('span', { class: 'quiet' }, refusal.help ? ` — ${refusal.help}` : '')));
  if (imported.n_refused > items.length) items.push(el('li', {}, `and ${imported.n_refused - items.length} more`));
  if (imported.is_cut) items.push(el('li', { class: 'warning' }, `only the first ${imported.n_requests} requests are read`));
  by('refusals').replaceChildren(...items);
}

async function openTraffic(file: File) {
  bytes = await file.arrayBuffer();
  if (bytes.byteLength <= MAX_PASTE) { requests.value = new TextDecoder().decode(bytes); } else { requests.value = ''; requests.placeholder = `${file.name}, ${bytes.byteLength} bytes`; }
  await run(true);
}

async function openPack(file: { name: string; arrayBuffer(): Promise<ArrayBuffer> }) {
  const wanted = 2;
  const problem = await ask<string>('load', { slot: wanted, name: file.name, bytes: await file.arrayBuffer() });
  if (problem) { say(problem); return; }
  for (const select of [against, compare]) {
    [...select.options].find((option) => option.value === '2')?.remove();
    select.append(el('option', { value: '2' }, file.name));
  }
  compare.value = '2';
  if (slot() === 2) against.value = '1';
  await run(false);
}

function save(name: string, type: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const titles = (row: Row) => row.rules.map((rule) => table.pack?.rules[rule]?.title ?? '');
/** A spreadsheet takes a cell that starts so for a formula. */
const cell = (text: string) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
by('csv').addEventListener('click', () => save('verdicts.csv', 'text/csv', ['action,method,request,rules', ...table.visible().map((row) => [row.enforce, row.method, row.url, titles(row).join('; ')].map(cell).join(','))].join('\r\n')));
by('json').addEventListener('click', () => save('verdicts.json', 'application/json', JSON.stringify(table.visible().map((row) => ({ action: row.enforce, monitor: row.monitor, method: row.method, url: row.url, rules: titles(row), anomalies: row.anomalies })), null, 1)));
for (const id of ['filter', 'show', 'by-rule']) by(id).addEventListener('input', () => table.filter());
for (const select of [against, compare]) select.addEventListener('change', () => run(false));
requests.addEventListener('input', () => { bytes = null; });
requests.addEventListener('paste', (event) => {
  const text = event.clipboardData?.getData('text') ?? '';
  if (text.length <= MAX_PASTE) return;
  // A text area stalls on megabytes: the engine gets them as a file.
  event.preventDefault();
  void openTraffic(new File([text], 'pasted text'));
});
by('run').addEventListener('click', () => run(true));
by('cancel').addEventListener('click', () => ask('cancel'));
by<HTMLInputElement>('file').addEventListener('change', (event) => { const file = (event.target as HTMLInputElement).files?.[0]; if (file) void openTraffic(file); });
by<HTMLInputElement>('packfile').addEventListener('change', (event) => { const file = (event.target as HTMLInputElement).files?.[0]; if (file) void openPack(file); });
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (file) void (file.name.endsWith('.pack') ? openPack(file) : openTraffic(file));
});
addEventListener('keydown', (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); void run(true); } });
by('theme').addEventListener('click', () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark';
});
by('share').addEventListener('click', async () => {
  const fragment = await share.pack({ rule: textOf(editor), requests: requests.value });
  history.replaceState(null, '', `#${fragment}`);
  await navigator.clipboard?.writeText(location.href).catch(() => undefined);
  say('The link is in the address bar and the clipboard. It holds the rule and the requests.');
});

document.documentElement.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
let start = { rule: STARTER, requests: TRAFFIC };
let trouble = '';
if (location.hash.length > 1) {
  try { start = await share.unpack(location.hash.slice(1)); } catch (error) { trouble = `The link cannot be read: ${(error as Error).message}`; }
}
requests.value = start.requests;
const shipped = await fetch('./shipped.pack');
if (shipped.ok) await ask<string>('load', { slot: 1, name: 'shipped.pack', bytes: await shipped.arrayBuffer() });
setText(editor, start.rule);
clearTimeout(timer);
await check();
await run(true);
document.documentElement.dataset.ready = 'true';
if (trouble) say(trouble);

