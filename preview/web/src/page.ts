// The page: wires the editor, the traffic, the table and the explanation to the engine.
import * as documents from './documents';
import { by, el } from './dom';
import { applyFix, createEditor, goTo, learn, lineOf, replace, show, textOf } from './editor';
import * as engine from './engine';
import { ask } from './engine';
import { draw, spoken } from './explanation';
import * as findings from './findings';
import * as gallery from './gallery';
import * as keys from './keys';
import * as large from './large';
import * as packs from './packs';
import * as pages from './pages';
import { unpack, type Row } from './rows';
import * as save from './save';
import * as session from './session';
import * as share from './share';
import * as splitters from './splitters';
import * as start from './start';
import { forget, keep, kept, report } from './store';
import { routine, say } from './status';
import { Table } from './table';
import * as traffic from './traffic';
import type { Checked, Explained, Imported, NamedText, PackInfo, Vocabulary } from './types';

const CHECK_DELAY = 120;
const root = document.documentElement;
report(say);

let checked: Checked | null = null;
let timer = 0;
let running = 0;
let explaining = 0;
let isReady = false;

const theme = (name: 'light' | 'dark') => { root.dataset.theme = name; by('theme').textContent = name === 'dark' ? 'Light' : 'Dark'; };
theme(kept.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
by('theme').addEventListener('click', () => { const name = root.dataset.theme === 'dark' ? 'light' : 'dark'; theme(name); keep({ theme: name }); });
splitters.begin();

const editor = createEditor(by('editor'), { changed: edited, say, fix });
const table = new Table(() => void explain(), () => by('explanation').focus());
documents.begin(editor, (name) => void openDocument(name), opened);
for (const id of ['filter', 'show'] as const) by<HTMLInputElement>(id).value = kept[id] ?? (id === 'show' ? 'all' : '');

/** The text was edited: it is kept at once, and checked a moment later. */
function edited() {
  const link = share.fragmentOf(textOf(editor).slice(0, 4 * 1024 * 1024));
  if (link) { queueMicrotask(() => void openLink(link)); return; }
  documents.note();
  schedule();
}

/** Another document is in the editor. */
function opened() {
  checked = null;
  schedule();
}

function schedule() {
  clearTimeout(timer);
  timer = window.setTimeout(() => void checkAndRun(), CHECK_DELAY);
}

async function checkAndRun() {
  if (!isReady) return;
  await check();
  if (packs.slot() === packs.DRAFT || packs.other() === packs.DRAFT) await run(false); else banner();
}

async function check() {
  clearTimeout(timer);
  timer = 0;
  const text = textOf(editor);
  const found = await ask<Checked>('check', { text });
  if (text !== textOf(editor)) return;
  checked = found;
  show(editor, found.problems);
  findings.draw(editor, found);
}

/** Applies the fix at the cursor, or the first one behind it, or the first. */
function fix(): boolean {
  if (timer) { say('The text is being checked: try again.'); return true; }
  const fixable = (checked?.problems ?? []).filter((problem) => problem.fix);
  const line = lineOf(editor);
  const problem = fixable.find((problem) => problem.line >= line) ?? fixable[0];
  if (problem) { applyFix(editor, problem); say(`Done: ${problem.fix!.title}.`); } else say('No finding has a fix.');
  return true;
}

/** Runs what is chosen over the traffic; reads the traffic before if it is other traffic. */
async function run(readAgain: boolean) {
  if (!isReady) return;
  const mine = ++running;
  if (readAgain) traffic.unread();
  // Include text that was typed a moment ago.
  if (timer || !checked) await check();
  const problem = await packs.load();
  const [slot, other] = [packs.slot(), packs.other()];
  const pack = await ask<PackInfo | null>('pack', { slot });
  const otherPack = other >= 0 ? await ask<PackInfo | null>('pack', { slot: other }) : null;
  if (mine !== running) return;
  const sent = traffic.toRead();
  const rows: Row[] = [];
  let imported: Imported | null = null;
  let n_requests = table.rows.length;
  const progress = by<HTMLProgressElement>('progress');
  progress.value = 0;
  progress.hidden = by('cancel').hidden = false;
  by('explanation').setAttribute('aria-busy', 'true');
  const result = await ask<{ millis?: number }>('run', { bytes: sent, slot, compare: other }, (part, at) => {
    if (mine !== running) return;
    if (part.imported) { imported = part.imported; n_requests = part.imported.n_requests; } else unpack(part.words, rows);
    // Reading is the first half where there is something to read.
    const judged = rows.length / Math.max(1, n_requests);
    progress.value = part.words ? (sent ? 0.5 + judged / 2 : judged) : at / 2;
    if (n_requests > 5000) routine(part.words ? `Running: ${rows.length.toLocaleString('en')} of ${n_requests.toLocaleString('en')} requests` : `Reading: ${n_requests.toLocaleString('en')} requests so far`);
  });
  // Traffic that another run interrupted is still to be read, by that one.
  if (mine !== running) return;
  if (result.millis !== undefined) traffic.wasRead();
  progress.hidden = by('cancel').hidden = true;
  Object.assign(table, { rows, pack, other: otherPack, isCompared: other >= 0 });
  if (sent) await table.renew();
  counts(rows, pack);
  banner();
  await table.filter();
  if (mine !== running) return;
  if (imported) findings.refusals(imported);
  by('explanation').removeAttribute('aria-busy');
  table.begun();
  void explain();
  performance.mark('verdict');
  const rules = pack?.rules.length ?? 0;
  const done = `${findings.counted(rows.length, 'request')} against ${findings.counted(rules, 'rule')} in ${result.millis?.toFixed(0)} ms`;
  if (problem || result.millis === undefined) say(problem || 'Cancelled.');
  else routine(pack ? done : 'No rule runs, so there are no verdicts.');
}

/** Says above the verdicts what they are not. */
function banner() {
  const place = by('banner');
  const usesDraft = [packs.slot(), packs.other()].includes(packs.DRAFT);
  const n_errors = checked?.problems.filter((problem) => problem.severity === 'error').length ?? 0;
  place.hidden = false;
  if (usesDraft && checked && !checked.n_compiled) {
    const words = checked.kind === 'empty' ? 'The editor is empty: there are no verdicts.' : n_errors ? `The rule does not compile (${findings.counted(n_errors, 'error')}): there are no verdicts.` : 'The text has no rule to run: there are no verdicts.';
    const first = checked.problems.find((problem) => problem.severity === 'error');
    const go = el('button', { type: 'button' }, 'Go to the first error');
    go.addEventListener('click', () => goTo(editor, first!.line));
    place.replaceChildren(words, ...(first ? [' ', go] : []));
  } else if (usesDraft && checked && checked.n_compiled < checked.n_read) {
    place.replaceChildren(`Only ${checked.n_compiled} of ${checked.n_read} rules compile: verdicts are by these.`);
  } else if (usesDraft && checked?.decidable[2]) {
    place.replaceChildren('A proxy cannot decide this rule: that it does not match says nothing.');
  } else if (usesDraft && checked?.asks_behaviour) {
    place.replaceChildren('The rule asks what a source does over time: only requests of an access log in JSON, with times and sources, can match it.');
  } else if (!usesDraft && documents.isChanged()) {
    const use = el('button', { type: 'button' }, 'Use the draft');
    use.addEventListener('click', () => { packs.use(packs.DRAFT); packs.remember(); void run(false); });
    place.replaceChildren(`Verdicts are by ${packs.name()}: what you changed in the editor is not part of them. `, use);
  } else {
    place.hidden = true;
  }
}

/** Explains the selected request by the rules as they are now, or says that none is selected. */
async function explain() {
  const mine = ++explaining;
  const row = table.row;
  const place = by('explanation');
  if (row === null) { place.replaceChildren(el('p', { class: 'quiet' }, table.rows.length ? 'Select a request above to read why it got its verdict.' : 'Paste requests, and select one to read why it got its verdict.')); by('spoken').textContent = ''; return; }
  const [slot, other] = [packs.slot(), packs.other()];
  const info = table.rows[row];
  const ids = (info?.others ?? []).map((rule) => table.other?.rules[rule]?.id ?? '').concat(chosenRule() ?? []);
  const explained = await ask<Explained | null>('explain', { row, slot, ids });
  const was = other >= 0 ? await ask<Explained | null>('explain', { row, slot: other, ids: [] }) : null;
  if (mine !== explaining) return;
  const before = other >= 0 ? { explained: was, name: packs.otherName(), nowName: packs.name() } : null;
  const nodes = explained ? draw(explained, before, { example: (isMatch) => void example(row, isMatch), service: (name) => void pages.service(name) }) : [el('p', { class: 'quiet' }, 'No rule runs, so there is no verdict to explain. See the findings.')];
  const isOther = place.dataset.row !== String(row);
  place.dataset.row = String(row);
  place.replaceChildren(...nodes);
  if (isOther) place.scrollTop = 0;
  by('spoken').textContent = explained ? `Request ${row + 1}: ${spoken(explained)}` : '';
}

async function example(row: number, isMatch: boolean) {
  replace(editor, await ask<string>('example', { text: textOf(editor), row, isMatch }));
  say('The request is an example of the note now.');
}

const chosenRule = () => table.pack?.rules[Number(by<HTMLSelectElement>('by-rule').value)]?.id;

function counts(rows: Row[], pack: PackInfo | null) {
  const select = by<HTMLSelectElement>('by-rule');
  const counts = new Map<number, number>();
  for (const row of rows) for (const rule of row.rules) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  const choices = [...counts].sort((a, b) => b[1] - a[1]).map(([rule, n]) => el('option', { value: String(rule), 'data-id': pack?.rules[rule]?.id ?? '' }, `${n} × ${pack?.rules[rule]?.title ?? rule}`));
  select.replaceChildren(el('option', { value: '-1' }, `any of ${counts.size}`), ...choices);
  const wanted = [...select.options].find((option) => option.dataset.id && option.dataset.id === kept.rule);
  select.value = wanted?.value ?? '-1';
}

const hooks: session.Hooks = { text: () => textOf(editor), changed: () => run(false), say, renew: shareNotes };

async function openDocument(name: string) {
  try {
    const disk = /^disk:(.*)$/.exec(name)?.[1];
    by('reload').hidden = true;
    if (disk !== undefined) await session.open(disk, hooks);
    else documents.put(name, kept.drafts[name]?.base ?? '');
  } catch (error) { say((error as Error).message); }
}

/** Opens a rule of the gallery with the requests of its examples. */
async function openShipped(note: NamedText) {
  documents.put(`shipped:${note.name}`, note.text);
  packs.use(packs.DRAFT);
  packs.remember();
  by('reload').hidden = true;
  // At the rule, and not at the prose before it; at once, since who opened it may be typing when the verdicts come.
  const line = note.text.slice(0, note.text.indexOf('\n```sigma')).split('\n').length;
  goTo(editor, line + 2, 'start');
  const requests = await ask<string>('requests_of', { text: note.text });
  if (requests) traffic.replaceWith(requests);
  table.begin();
  await run(true);
}

async function openTexts(files: File[]) {
  for (const file of files) {
    if (file.size > 1024 * 1024) { say(`F004: ${file.name} is larger than 1 MiB; open one rule or one note`); continue; }
    const text = await file.text();
    delete kept.drafts[`file:${file.name}`];
    documents.put(`file:${file.name}`, text);
    documents.note();
    packs.use(packs.DRAFT);
    packs.remember();
    say(`${file.name} is in the editor.`);
  }
  editor.focus();
}

async function openPack(file: File) {
  packs.choose(packs.offer(file.name, () => file.arrayBuffer()));
  await run(false);
}

function openFiles(files: File[]) {
  const isText = (file: File) => /\.(ya?ml|md|markdown)$/i.test(file.name);
  const texts = files.filter(isText);
  if (texts.length) void openTexts(texts);
  for (const file of files.filter((file) => !isText(file))) void (file.name.endsWith('.pack') ? openPack(file) : traffic.open(file));
}

/** Opens what a link contains, as a document of its own. */
async function openLink(fragment: string): Promise<boolean> {
  let shared: share.Shared;
  try { shared = await share.unpack(fragment); } catch (error) {
    say(`The link cannot be opened: ${(error as Error).message}.`);
    return false;
  }
  const title = /^title:\s*(.+)$/m.exec(shared.rule)?.[1]?.replace(/^['"]|['"]$/g, '') ?? 'rule';
  let name = `file:${title} (from a link)`;
  for (let number = 2; kept.drafts[name] && kept.drafts[name]!.base !== shared.rule; number++) name = `file:${title} (from a link, ${number})`;
  documents.put(name, shared.rule);
  documents.note();
  const missing = packs.restore({ against: shared.against ?? 'the draft', compare: shared.compare ?? 'nothing' });
  by<HTMLInputElement>('filter').value = shared.filter ?? '';
  by<HTMLSelectElement>('show').value = shared.show ?? 'all';
  keep({ rule: shared.byRule, selected: shared.selected, filter: shared.filter, show: shared.show });
  packs.remember();
  traffic.replaceWith(shared.requests);
  table.begin(shared.selected);
  await run(true);
  if (missing.length) say(`The link was made with ${missing.join(' and ')}, which is not here: load the pack to see the same.`);
  return true;
}

async function shareLink() {
  if (traffic.isLarge()) { say('The requests are too many for a link: paste fewer.'); return; }
  const fragment = await share.pack({
    rule: textOf(editor), requests: traffic.text(), against: packs.name(), compare: packs.otherName(), filter: kept.filter, show: kept.show, byRule: kept.rule, selected: table.row ?? undefined,
  });
  const address = share.address(fragment);
  const isPage = !address.startsWith('#');
  if (isPage) history.replaceState(null, '', `#${fragment}`);
  const isCopied = await navigator.clipboard?.writeText(address).then(() => true, () => false);
  if (!isCopied) { say(isPage ? 'The link is in the address bar. It contains the rule and the requests.' : 'The browser does not allow the clipboard, so the link could not be copied.'); return; }
  say(isPage ? 'The link is copied. It contains the rule and the requests.' : 'The link is copied. It contains the rule and the requests: pasted into the editor of any preview, it opens there.');
}

/** Returns true if a text may refer to lists or services of notes. */
const refers = (text: string) => /%[a-z_]+%|tidegate\./.test(text);

/** Gives the engine the lists and services that drafts may refer to. */
async function shareNotes() {
  const fetched = pages.fetched<NamedText[]>('shared.json').catch((error): NamedText[] => { say(`The shipped lists and services cannot be read: ${(error as Error).message}`); return []; });
  const [shipped, own] = await Promise.all([fetched, session.shared().catch(() => ({ notes: [], placeholders: {} }))]);
  const problem = await ask<string>('share', { notes: [...shipped, ...own.notes], placeholders: own.placeholders });
  if (problem) say(`Lists and services cannot be read: ${problem}`);
  // A check that an edit started before did not know them.
  await check();
}

for (const id of ['filter', 'show'] as const) by(id).addEventListener('input', () => { keep({ [id]: by<HTMLInputElement>(id).value }); void table.filter(); });
by('by-rule').addEventListener('input', () => { keep({ rule: chosenRule() }); void table.filter(); });
for (const id of ['against', 'compare']) by(id).addEventListener('change', () => { packs.remember(); void run(false); });
by('csv').addEventListener('click', async () => save.csv(await table.visible(), table.pack));
by('json').addEventListener('click', async () => save.json(await table.visible(), table.pack));
by('run').addEventListener('click', () => void run(true));
by('cancel').addEventListener('click', () => void ask('cancel'));
by('new').addEventListener('click', () => { documents.put(documents.unused(), start.newRule()); documents.note(); packs.use(packs.DRAFT); packs.remember(); editor.focus(); say('A new rule is in the editor. The last one is in the list beside its heading.'); });
by('copy').addEventListener('click', () => void navigator.clipboard.writeText(textOf(editor)).then(() => say('The text is in the clipboard.'), () => say('The browser does not allow the clipboard: select the text and copy it.')));
const name = () => checked?.title || 'rule';
const asSigma = async () => { const text = await ask<string | null>('as_sigma', { text: textOf(editor) }); if (text) save.text(name(), 'yml', text); else say('The note has no rule.'); };
const asNote = async () => save.text(name(), 'md', await ask<string>('as_note', { text: textOf(editor) }));
by('download-sigma').addEventListener('click', () => void asSigma());
by('download-note').addEventListener('click', () => void asNote());
by('share').addEventListener('click', () => void shareLink());
by('retry').addEventListener('click', () => engine.restart());
by('forget').addEventListener('click', () => { forget(); void large.forget().catch(() => undefined); history.replaceState(null, '', location.pathname); location.reload(); });
traffic.begin({ run: () => run(true), say });
keys.begin({ run: () => run(true), gallery: () => gallery.open(), download: () => checked?.is_note ? asNote() : asSigma(), editor: () => editor.focus() });
keys.files(openFiles, (files) => void openTexts(files), (file) => void traffic.open(file), (file) => void openPack(file));
pages.begin((words) => void gallery.open(words));
gallery.begin({ open: (name) => void openDocument(name), shipped: (note) => void openShipped(note), disk: session.notes, say });

// The editor is there before the engine.
if (kept.open && kept.base !== undefined) documents.put(kept.open, kept.base);
else if (!session.isServed) documents.put(documents.UNTITLED, start.RULE);
traffic.restore(session.isServed ? '' : start.REQUESTS);
performance.mark('editor');

packs.offer(packs.SHIPPED, () => packs.fetched('./shipped.pack'));
const following = session.follow(hooks).catch((error) => say(`The files on disk cannot be listed: ${(error as Error).message}`));
// Where the server is this machine, it is here before the engine is.
if (session.isServed) void pages.fetched('shared.json').catch(() => undefined);
engine.follow((state) => {
  by('trouble').hidden = state.name !== 'failed';
  isReady = state.name === 'ready';
  if (state.name === 'starting') routine('Starting the engine…');
  if (state.name === 'failed') { say('The engine is not running.'); by('trouble-text').textContent = `The engine did not load: ${state.why}. What you write is kept; nothing is run.`; }
  if (state.name === 'ready') void begin();
});

/** What is chosen where a person opens a folder of notes for the first time: all rules, and requests of which they match some. */
async function beginOnDisk() {
  const folder = session.folder();
  if (kept.folder !== folder) keep({ folder, open: undefined, against: undefined, compare: undefined, rule: undefined, selected: undefined, requests: undefined, replaced: kept.requests ?? kept.replaced });
  const first = session.notes().find((name) => name.endsWith('.md')) ?? session.notes()[0];
  if (!kept.open && first) await session.open(first, hooks);
  else if (!kept.open) documents.put(documents.UNTITLED, start.RULE);
  else await openDocument(kept.open);
  if (kept.requests !== undefined || kept.against) return;
  const all = session.all();
  if (all < 0) { traffic.restore(start.REQUESTS); return; }
  packs.use(all);
  await packs.load();
  const sample = (texts: string[]) => ask<string>('sample', { slot: packs.slot(), texts });
  const own = await Promise.all(session.notes().filter((name) => name.endsWith('.md')).slice(0, 40).map((name) => session.note(name).catch(() => '')));
  // Those of the shipped notes, where a person's own have no examples that match.
  traffic.restore(await sample(own) || await sample((await gallery.shippedNotes().catch(() => [])).map((note) => note.text)) || start.REQUESTS);
}

async function begin() {
  packs.forget();
  traffic.unread();
  await Promise.all([following, traffic.recall()]);
  if (session.isServed) await beginOnDisk().catch((error) => say((error as Error).message));
  const needsNotes = refers(textOf(editor));
  if (needsNotes) await shareNotes();
  const missing = packs.restore();
  const fragment = location.hash.slice(1);
  const isOpened = fragment ? await openLink(fragment) : false;
  const trouble = fragment && !isOpened ? by('status').textContent : '';
  if (!isOpened) { table.begin(kept.selected); await run(true); }
  if (trouble) say(trouble);
  else if (missing.length) say(`${missing.join(' and ')} is not here any more: verdicts are by ${packs.name()}.`);
  learn(await ask<Vocabulary>('vocabulary'));
  root.dataset.ready = 'true';
  if (!needsNotes) {
    await shareNotes();
    if (refers(textOf(editor))) await run(false); else await explain();
  }
  root.dataset.shared = 'true';
}

addEventListener('hashchange', () => { if (location.hash.length > 1) void openLink(location.hash.slice(1)); });
// Where nobody serves notes, the page is a folder somewhere: it then works without a network too.
if (!session.isServed && 'serviceWorker' in navigator) void navigator.serviceWorker.register('./sw.js').catch(() => undefined);
