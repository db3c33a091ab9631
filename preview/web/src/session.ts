// The notes and packs that `tidegate preview` serves beside the page, and their changes.
import { by, el } from './dom';
import * as packs from './packs';

interface Listed { version: number; notes: string[]; packs: string[] }
const address = document.querySelector<HTMLMetaElement>('meta[name="tidegate-session"]')?.content ?? '';
export const isServed = address !== '';
const select = by<HTMLSelectElement>('note');
const reload = by('reload');
let list: Listed = { version: 0, notes: [], packs: [] };
let served: number[] = [];
let open = '';
let loaded = '';

export interface Hooks { text: () => string; show: (text: string) => void; changed: () => Promise<void>; say: (text: string) => void }

const read = async (): Promise<Listed> => (await fetch(`./${address}`)).json();
const note = async (name: string) => (await fetch(`./note/${encodeURIComponent(name)}`)).text();

/** Offers what is served, and follows it. Returns the text of the first note, if there is one. */
export async function follow(hooks: Hooks): Promise<string | null> {
  if (!isServed) return null;
  list = await read();
  if (list.notes.length) served.push(packs.offer(`all ${list.notes.length} files on disk`, () => packs.fetched('./pack/notes')));
  served.push(...list.packs.map((name, at) => packs.offer(name, () => packs.fetched(`./pack/${at}`))));
  by('note-label').hidden = list.notes.length === 0;
  draw();
  const show = async (name: string) => { open = name; loaded = await note(name); hooks.show(loaded); reload.hidden = true; draw(); };
  select.addEventListener('change', () => { if (select.value) void show(select.value); });
  reload.addEventListener('click', () => { void show(open); hooks.say(`${open} is loaded as it is on disk.`); });
  new EventSource('./events').onmessage = async ({ data }) => {
    if (Number(data) === list.version) return;
    list = await read();
    draw();
    packs.forget(served);
    if (open && list.notes.includes(open)) {
      const text = await note(open);
      if (text !== loaded) {
        // Text in the page is not discarded for text on disk.
        if (hooks.text() === loaded) { await show(open); hooks.say(`${open} has changed on disk and is tried again.`); return; }
        reload.hidden = false;
        hooks.say(`${open} has changed on disk, and here too.`);
      }
    }
    if (served.includes(packs.slot()) || served.includes(packs.other())) await hooks.changed();
  };
  const first = list.notes.find((name) => name.endsWith('.md')) ?? list.notes[0];
  if (!first) return null;
  open = first;
  loaded = await note(first);
  draw();
  return loaded;
}

function draw() {
  select.replaceChildren(el('option', { value: '' }, 'choose…'), ...list.notes.map((name) => el('option', { value: name }, name)));
  select.value = list.notes.includes(open) ? open : '';
}
