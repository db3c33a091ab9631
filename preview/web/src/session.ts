// The notes and packs that `tidegate preview` serves beside the page, and their changes.
import { by } from './dom';
import * as documents from './documents';
import * as packs from './packs';
import type { NamedText } from './types';

interface Listed { version: number; notes: string[]; packs: string[] }
export interface SharedNotes { notes: NamedText[]; placeholders: Record<string, string[]> }
const address = document.querySelector<HTMLMetaElement>('meta[name="tidegate-session"]')?.content ?? '';
export const isServed = address !== '';
const reload = by('reload');
let list: Listed = { version: 0, notes: [], packs: [] };
let served: number[] = [];
let loaded = '';

export interface Hooks { text: () => string; changed: () => Promise<void>; say: (text: string) => void; renew: () => Promise<void> }

const read = async (): Promise<Listed> => (await fetch(`./${address}`)).json();
export const note = async (name: string) => {
  const response = await fetch(`./note/${encodeURIComponent(name)}`);
  if (!response.ok) throw new Error(`${name} is not on disk any more`);
  return response.text();
};
export const notes = () => list.notes;
/** What distinguishes these files from those of another folder. */
export const folder = () => [...list.notes, ...list.packs].join('\n').slice(0, 1000);
/** The slot of the pack of all files on disk; -1 where there are none. */
export const all = () => list.notes.length ? served[0] ?? -1 : -1;

/** The lists, services and placeholders that drafts may refer to beside the shipped ones. */
export async function shared(): Promise<SharedNotes> {
  const response = isServed ? await fetch('./shared-notes.json') : null;
  return response?.ok ? response.json() : { notes: [], placeholders: {} };
}

/** Opens a note as it is on disk, or the draft of it. */
export async function open(name: string, hooks: Hooks) {
  loaded = await note(name);
  documents.put(documents.onDisk(name), loaded);
  reload.hidden = hooks.text() === loaded;
}

/** Offers what is served, and follows it. */
export async function follow(hooks: Hooks): Promise<void> {
  if (!isServed) return;
  list = await read();
  if (list.notes.length) served.push(packs.offer(`all ${list.notes.length} files on disk`, () => packs.fetched('./pack/notes')));
  served.push(...list.packs.map((name, at) => packs.offer(name, () => packs.fetched(`./pack/${at}`))));
  documents.list(list.notes);
  reload.addEventListener('click', async () => {
    const name = documents.diskName();
    loaded = await note(name);
    documents.rebase(loaded);
    reload.hidden = true;
    hooks.say(`${name} is loaded as it is on disk.`);
  });
  new EventSource('./events').onmessage = async ({ data }) => {
    if (Number(data) === list.version) return;
    list = await read();
    documents.list(list.notes);
    packs.forget(served);
    await hooks.renew();
    const name = documents.diskName();
    if (name && list.notes.includes(name)) {
      const text = await note(name);
      if (text !== loaded) {
        // Text in the page is not discarded for text on disk.
        const isSame = hooks.text() === loaded;
        loaded = text;
        if (isSame) documents.rebase(text); else reload.hidden = false;
        hooks.say(`${name} has changed on disk${isSame ? ' and is tried again' : ', and here too'}.`);
      }
    }
    if (served.includes(packs.slot()) || served.includes(packs.other())) await hooks.changed();
  };
}
