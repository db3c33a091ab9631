// The document in the editor, and the drafts beside it: each keeps its text and what was undone in it.
import type { EditorState } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { by, el } from './dom';
import { stateOf, textOf } from './editor';
import { keep, kept } from './store';

export const UNTITLED = 'draft';
const DISK = 'disk:';
const select = by<HTMLSelectElement>('note');
const states = new Map<string, EditorState>();
let view: EditorView;
let open = '';
let base = '';
let disk: string[] = [];
let opened: () => void = () => undefined;

export const onDisk = (name: string) => DISK + name;
export const current = () => open;
/** The name on disk of the document in the editor; empty where it has none. */
export const diskName = () => open.startsWith(DISK) ? open.slice(DISK.length) : '';
export const isChanged = () => textOf(view) !== base;

/** `show` is called with the name of a document that a person chooses; `changed` when another one is in the editor. */
export function begin(editor: EditorView, show: (name: string) => void, changed: () => void) {
  view = editor;
  opened = changed;
  select.addEventListener('change', () => show(select.value));
}

/** Puts a document into the editor: the draft of it, if there is one, and otherwise the text. */
export function put(name: string, text: string) {
  if (open) states.set(open, view.state);
  open = name;
  base = text;
  const draft = kept.drafts[name];
  const wanted = draft?.text ?? text;
  const state = states.get(name);
  view.setState(state && state.doc.toString() === wanted ? state : stateOf(wanted));
  keep({ open: name, base: text });
  draw();
  opened();
}

/** Takes the text of a document for what the next draft is made from, as when a file changed on disk. */
export function rebase(text: string) {
  base = text;
  delete kept.drafts[open];
  view.setState(stateOf(text));
  keep({ base: text });
  opened();
}

/** Keeps what was typed. A text like the one it was made from is no draft. */
export function note() {
  const text = textOf(view);
  const isKept = open in kept.drafts;
  if (text === base && !isOwn(open)) delete kept.drafts[open]; else kept.drafts[open] = { base, text };
  keep({});
  if (isKept !== open in kept.drafts) draw();
}

/** A document that exists only as a draft. */
export const isOwn = (name: string) => name.startsWith(UNTITLED) || name.startsWith('file:');

export function remove(name: string) {
  delete kept.drafts[name];
  states.delete(name);
  keep({});
  draw();
}

/** A name for a new document. */
export function unused(): string {
  if (!(UNTITLED in kept.drafts) && open !== UNTITLED) return UNTITLED;
  let number = 2;
  while (`${UNTITLED} ${number}` in kept.drafts || open === `${UNTITLED} ${number}`) number += 1;
  return `${UNTITLED} ${number}`;
}

/** The files on disk, of which any can be chosen. */
export function list(names: string[]) { disk = names; draw(); }

/** What a person calls a document. */
export const label = (name: string) => name.replace(/^(disk|shipped|file):/, '');

function draw() {
  const drafts = [...new Set([...Object.keys(kept.drafts), open])].filter((name) => name && !name.startsWith(DISK)).sort();
  const option = (name: string) => el('option', { value: name }, label(name) + (name in kept.drafts && !isOwn(name) ? ' (changed)' : ''));
  const groups = [el('optgroup', { label: 'In this browser' }, ...drafts.map(option))];
  if (disk.length) groups.push(el('optgroup', { label: 'From disk' }, ...disk.map((name) => option(onDisk(name)))));
  select.replaceChildren(...groups);
  select.value = open;
}
