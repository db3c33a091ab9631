// The dialog to choose a rule from: the drafts of this browser, files on disk, and the shipped rules.
import * as documents from './documents';
import { by, el } from './dom';
import { ask } from './engine';
import { counted } from './findings';
import { fetched } from './pages';
import { kept } from './store';
import type { GalleryEntry, NamedText } from './types';

export interface Hooks { open: (name: string) => void; shipped: (note: NamedText) => void; disk: () => string[]; say: (text: string) => void }
interface Item { words: string; level: string; element: () => HTMLElement }

const dialog = by<HTMLDialogElement>('gallery');
const search = by<HTMLInputElement>('gallery-search');
const level = by<HTMLSelectElement>('gallery-level');
const list = by('gallery-list');
let hooks: Hooks;
let shipped: Item[] = [];

/** The shipped rules. */
export const shippedNotes = () => fetched<NamedText[]>('gallery.json');

export function begin(with_: Hooks) {
  hooks = with_;
  by('open-gallery').addEventListener('click', () => void open());
  for (const input of [search, level]) input.addEventListener('input', draw);
  by('gallery-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp' && !(event.key === 'Enter' && event.target === search)) return;
    const buttons = [...list.querySelectorAll<HTMLElement>('button.item')];
    if (event.key === 'Enter') { event.preventDefault(); buttons[0]?.click(); return; }
    if (event.target === level) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement as HTMLElement) + (event.key === 'ArrowDown' ? 1 : -1);
    if (at < 0) search.focus(); else buttons[Math.min(at, buttons.length - 1)]?.focus();
  });
}

export async function open(wanted = '') {
  search.value = wanted;
  level.value = '';
  if (!dialog.open) dialog.showModal();
  search.focus();
  search.select();
  draw();
  if (shipped.length) return;
  list.append(el('p', { class: 'quiet' }, 'Loading the shipped rules…'));
  try {
    const texts = await shippedNotes();
    const entries = await ask<GalleryEntry[]>('gallery', { notes: texts });
    const byName = new Map(texts.map((note) => [note.name, note]));
    shipped = entries.sort((a, b) => a.title.localeCompare(b.title)).map((entry) => item(entry, byName.get(entry.name)!));
    draw();
  } catch (error) {
    list.lastElementChild?.replaceWith(el('p', { class: 'error' }, `The shipped rules are not here: ${(error as Error).message}`));
  }
}

function item(entry: GalleryEntry, note: NamedText): Item {
  return {
    words: [entry.title, entry.level, entry.description, ...entry.techniques, ...entry.services, entry.name].join(' ').toLowerCase(),
    level: entry.level,
    element: () => button(entry.title, [entry.level, ...entry.techniques, ...entry.services, counted(entry.n_examples, 'example')].filter(Boolean).join(' · '), entry.description, () => hooks.shipped(note)),
  };
}

function button(title: string, facts: string, description: string, act: () => void): HTMLElement {
  const element = el('button', { type: 'button', class: 'item' }, el('b', {}, title), el('span', { class: 'quiet' }, facts), description ? el('span', {}, description) : '');
  element.addEventListener('click', () => { dialog.close(); act(); });
  return element;
}

function draw() {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (words: string) => wanted.every((word) => words.includes(word));
  const own = Object.keys(kept.drafts).map((name): Item => ({
    words: `${name} ${kept.drafts[name]!.text.slice(0, 4000)}`.toLowerCase(),
    level: /^level:\s*(\w+)/m.exec(kept.drafts[name]!.text)?.[1] ?? '',
    element: () => own_(name),
  }));
  const disk = hooks.disk().map((name): Item => ({ words: name.toLowerCase(), level: '', element: () => button(name, '', '', () => hooks.open(documents.onDisk(name))) }));
  const groups: [string, Item[]][] = [['Your drafts, in this browser', own], ['On disk', disk], ['Shipped rules', shipped]];
  let n_found = 0;
  list.replaceChildren(...groups.flatMap(([name, items]) => {
    const found = items.filter((item) => fits(item.words) && (!level.value || item.level === level.value));
    n_found += found.length;
    return found.length ? [el('h3', {}, name), el('ul', { 'aria-label': name }, ...found.map((item) => el('li', {}, item.element())))] : [];
  }));
  by('gallery-count').textContent = `${counted(n_found, 'rule')} found`;
}

function own_(name: string): HTMLElement {
  const { text } = kept.drafts[name]!;
  const title = /^title:\s*(.+)$/m.exec(text)?.[1]?.replace(/^['"]|['"]$/g, '') ?? documents.label(name);
  const row = el('div', { class: 'own' }, button(title, documents.label(name), '', () => hooks.open(name)));
  if (name !== documents.current()) {
    const remove = el('button', { type: 'button', 'aria-label': `Delete the draft ${documents.label(name)}` }, 'Delete');
    remove.addEventListener('click', () => { documents.remove(name); hooks.say(`The draft ${documents.label(name)} is deleted.`); draw(); search.focus(); });
    row.append(remove);
  }
  return row;
}
