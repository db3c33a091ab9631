// The page: wires the editor, the traffic, the table and the explanation to the engine.
import { by, el } from './dom';
import { createEditor, setText, show, textOf } from './editor';
import { ask } from './engine';
import { draw } from './explanation';
import * as findings from './findings';
import * as packs from './packs';
import { unpack, type Row } from './rows';
import * as save from './save';
import * as session from './session';
import * as share from './share';
import * as start from './start';
import { Table } from './table';
import type { Checked, Explained, Imported, PackInfo, Vocabulary } from './types';

/** A text area stalls on megabytes: the engine gets them as a file. */
const MAX_PASTE = 1024 * 1024;
const MAX_IMPORT_BYTES = 128 * 1024 * 1024;
const CHECK_DELAY = 120;

const requests = by<HTMLTextAreaElement>('requests');
let bytes: ArrayBuffer | null = null;
let timer = 0;
let running = 0;
/** Whether there is traffic that no run has read to its end. */
let unread = false;
const say = (text: string) => { by('status').textContent = text; };
const chosen = (event: Event) => (event.target as HTMLInputElement).files?.[0];

const root = document.documentElement;
root.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
by('theme').addEventListener('click', () => { root.dataset.theme = root.dataset.theme === 'dark' ? 'light' : 'dark'; });

const table = new Table(async (row) => {
  const explained = await ask<Explained | null>('explain', { row, slot: packs.slot() });
  const nodes = explained ? draw(explained, (isMatch) => void example(row, isMatch)) : [el('p', { class: 'quiet' }, 'No rule runs: see the findings.')];
  by('explanation').replaceChildren(...nodes);
  by('explanation').scrollTop = 0;
});

async function example(row: number, isMatch: boolean) {
  setText(editor, await ask<string>('example', { text: textOf(editor), row, isMatch }));
  say('The request is an example of the note now.');
}

const editor = createEditor(by('editor'), await ask<Vocabulary>('vocabulary'), () => {
  clearTimeout(timer);
  timer = window.setTimeout(async () => {
    await check();
    if (packs.slot() === packs.DRAFT || packs.other() === packs.DRAFT) await run(false);
  }, CHECK_DELAY);
}, say);

async function check() {
  clearTimeout(timer);
  timer = 0;
  const text = textOf(editor);
  const checked = await ask<Checked>('check', { text });
  if (text !== textOf(editor)) return;
  show(editor, checked.problems);
  findings.draw(editor, checked);
}

/** Holds the traffic against what is chosen; reads the traffic before if it is other traffic. */
async function run(readAgain: boolean) {
  const mine = ++running;
  unread ||= readAgain;
  // Include text that was typed a moment ago.
  if (timer) await check();
  const problem = await packs.load();
  const [slot, other] = [packs.slot(), packs.other()];
  const pack = await ask<PackInfo | null>('pack', { slot });
  const otherPack = other >= 0 ? await ask<PackInfo | null>('pack', { slot: other }) : null;
  if (mine !== running) return;
  const sent = unread ? (bytes ?? new TextEncoder().encode(requests.value).buffer) : null;
  const rows: Row[] = [];
  let imported: Imported | null = null;
  let n_requests = table.rows.length;
  const progress = by<HTMLProgressElement>('progress');
  progress.hidden = by('cancel').hidden = false;
  const result = await ask<{ millis?: number }>('run', { bytes: sent, slot, compare: other }, (part, at) => {
    if (part.imported) { imported = part.imported; n_requests = part.imported.n_requests; } else { unpack(part.words, rows); }
    progress.value = part.words ? 0.5 + rows.length / Math.max(1, n_requests) / 2 : at;
  });
  // Traffic that another run interrupted is still to be read, by that one.
  if (mine !== running) return;
  if (result.millis !== undefined) unread = false;
  progress.hidden = by('cancel').hidden = true;
  Object.assign(table, { rows, pack, other: otherPack });
  if (sent) table.forget();
  counts(rows, pack);
  await table.filter();
  if (mine !== running) return;
  if (imported) findings.refusals(imported);
  performance.mark('verdict');
  const rules = pack?.rules.length ?? 0;
  say(problem || (result.millis === undefined ? 'Cancelled.' : `${rows.length} requests against ${rules} rule${rules === 1 ? '' : 's'} in ${result.millis.toFixed(0)} ms`));
}

function counts(rows: Row[], pack: PackInfo | null) {
  const select = by<HTMLSelectElement>('by-rule');
  const counts = new Map<number, number>();
  for (const row of rows) for (const rule of row.rules) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const choices = [...counts].sort((a, b) => b[1] - a[1]).map(([rule, n]) => el('option', { value: String(rule) }, `${n} × ${pack?.rules[rule]?.title ?? rule}`));
  select.replaceChildren(el('option', { value: '-1' }, `any of ${counts.size}`), ...choices);
}

async function openTraffic(file: File) {
  if (file.size > MAX_IMPORT_BYTES) { say(`F004: ${file.name} is larger than ${MAX_IMPORT_BYTES} bytes; give a part of it`); return; }
  bytes = await file.arrayBuffer();
  const isShort = bytes.byteLength <= MAX_PASTE;
  requests.value = isShort ? new TextDecoder().decode(bytes) : '';
  if (!isShort) requests.placeholder = `${file.name}: ${bytes.byteLength} bytes, too many to be shown here`;
  await run(true);
}

async function openPack(file: File) {
  packs.choose(packs.offer(file.name, () => file.arrayBuffer()));
  await run(false);
}

for (const id of ['filter', 'show', 'by-rule']) by(id).addEventListener('input', () => table.filter());
for (const id of ['against', 'compare']) by(id).addEventListener('change', () => run(false));
by('csv').addEventListener('click', async () => save.csv(await table.visible(), table.pack));
by('json').addEventListener('click', async () => save.json(await table.visible(), table.pack));
requests.addEventListener('input', () => { bytes = null; });
requests.addEventListener('paste', (event) => {
  const text = event.clipboardData?.getData('text') ?? '';
  if (text.length <= MAX_PASTE) return;
  event.preventDefault();
  void openTraffic(new File([text], 'pasted text'));
});
by('run').addEventListener('click', () => run(true));
by('cancel').addEventListener('click', () => ask('cancel'));
// The same file may be chosen again when it has changed.
by('file').addEventListener('change', (event) => { const file = chosen(event); if (file) void openTraffic(file); (event.target as HTMLInputElement).value = ''; });
by('packfile').addEventListener('change', (event) => { const file = chosen(event); if (file) void openPack(file); (event.target as HTMLInputElement).value = ''; });
addEventListener('dragover', (event) => { event.preventDefault(); root.dataset.dropping = ''; });
for (const end of ['dragleave', 'drop']) addEventListener(end, () => { delete root.dataset.dropping; });
addEventListener('drop', (event) => {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (file) void (file.name.endsWith('.pack') ? openPack(file) : openTraffic(file));
});
addEventListener('keydown', (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); void run(true); } });
by('share').addEventListener('click', async () => {
  if (bytes && bytes.byteLength > MAX_PASTE) { say('The requests are too many for a link: paste fewer.'); return; }
  history.replaceState(null, '', `#${await share.pack({ rule: textOf(editor), requests: requests.value })}`);
  await navigator.clipboard?.writeText(location.href).catch(() => undefined);
  say('The link is in the address bar and the clipboard. It holds the rule and the requests.');
});

async function begin() {
  packs.offer('the shipped rules', () => packs.fetched('./shipped.pack'));
  const served = await session.follow({ text: () => textOf(editor), show: (text) => setText(editor, text), changed: () => run(false), say });
  let begun = { rule: served ?? start.RULE, requests: start.REQUESTS };
  let trouble = '';
  if (location.hash.length > 1) {
    try { begun = await share.unpack(location.hash.slice(1)); } catch (error) { trouble = `The link cannot be read: ${(error as Error).message}`; }
  }
  bytes = null;
  requests.value = begun.requests;
  setText(editor, begun.rule);
  clearTimeout(timer);
  await ask('check', { text: textOf(editor) });
  await run(true);
  await check();
  table.begin();
  if (trouble) say(trouble);
  root.dataset.ready = 'true';
}

addEventListener('hashchange', () => { if (location.hash.length > 1) void begin_again(); });
async function begin_again() {
  try {
    const shared = await share.unpack(location.hash.slice(1));
    bytes = null;
    requests.value = shared.requests;
    setText(editor, shared.rule);
    await run(true);
  } catch (error) { say(`The link cannot be read: ${(error as Error).message}`); }
}

await begin();
// Where nobody serves notes, the page is a folder somewhere: it then works without a network too.
if (!session.isServed && 'serviceWorker' in navigator) void navigator.serviceWorker.register('./sw.js').catch(() => undefined);
