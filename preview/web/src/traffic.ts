// The requests: text that can be edited, or a file that is too large for it.
import { by } from './dom';
import * as large from './large';
import { keep, kept } from './store';

/** A text area stalls on megabytes: the engine gets them as a file. */
const MAX_PASTE = 1024 * 1024;
/** What storage has room for, beside drafts. */
const MAX_KEPT = 1024 * 1024;
const MAX_IMPORT_BYTES = 128 * 1024 * 1024;
const RUN_DELAY = 300;

export interface Hooks { run: () => Promise<void>; say: (text: string) => void }
const area = by<HTMLTextAreaElement>('requests');
const placeholder = area.placeholder;
let bytes: ArrayBuffer | null = null;
/** Whether there is traffic that no run has read to its end. */
let isUnread = true;
let timer = 0;
let hooks: Hooks;

export const text = () => area.value;
export const isLarge = () => bytes !== null && bytes.byteLength > MAX_PASTE;
export function unread() { isUnread = true; clearTimeout(timer); }
export function wasRead() { isUnread = false; }
export const toRead = () => isUnread ? bytes?.slice(0) ?? new TextEncoder().encode(area.value).buffer : null;

export function begin(with_: Hooks) {
  hooks = with_;
  area.addEventListener('input', () => {
    drop();
    note();
    clearTimeout(timer);
    timer = window.setTimeout(() => void hooks.run(), RUN_DELAY);
  });
  area.addEventListener('paste', (event) => {
    const pasted = event.clipboardData?.getData('text') ?? '';
    if (pasted.length <= MAX_PASTE) return;
    event.preventDefault();
    void open(new File([pasted], 'pasted text'));
  });
  by('put-back').addEventListener('click', () => {
    const mine = kept.replaced ?? '';
    put(mine);
    keep({ replaced: undefined });
    by('put-back').hidden = true;
    void hooks.run();
  });
}

/** The file that was there gives way to text. */
function drop() {
  area.placeholder = placeholder;
  if (!bytes) return;
  bytes = null;
  keep({ isLarge: undefined });
  // Where there is no database, nothing was kept.
  large.forget().catch(() => undefined);
}

function take(file: large.Large) {
  bytes = file.bytes;
  area.placeholder = `${file.name}, ${file.bytes.byteLength.toLocaleString('en')} bytes: read, and not shown here`;
}

/** The file that was there before a reload. */
export async function recall() {
  if (!kept.isLarge || bytes) return;
  const file = await large.recall().catch(() => undefined);
  if (file) take(file); else keep({ isLarge: undefined });
}

function note() { keep({ requests: area.value.length <= MAX_KEPT ? area.value : undefined }); }

function put(requests: string) {
  drop();
  area.value = requests;
  area.scrollTop = 0;
  note();
  unread();
}

/** What was there before a reload, or the given requests. */
export function restore(first: string) {
  area.value = kept.requests ?? first;
  by('put-back').hidden = kept.replaced === undefined;
  unread();
}

/** Puts requests in the place of what is there, which can be put back. */
export function replaceWith(requests: string) {
  const mine = kept.requests;
  // Only what a person wrote is worth a button.
  if (mine !== undefined && mine.trim() && mine !== requests && !mine.startsWith('# must ')) keep({ replaced: mine });
  by('put-back').hidden = kept.replaced === undefined;
  put(requests);
}

export async function open(file: File) {
  if (file.size > MAX_IMPORT_BYTES) { hooks.say(`F004: ${file.name} is larger than ${MAX_IMPORT_BYTES} bytes; give a part of it`); return; }
  const read = await file.arrayBuffer();
  const start = new Uint8Array(read, 0, Math.min(read.byteLength, 8000));
  const isText = read.byteLength <= MAX_PASTE && !start.includes(0) && !new TextDecoder().decode(start).includes('\uFFFD');
  put(isText ? new TextDecoder().decode(read) : '');
  if (!isText) {
    take({ name: file.name, bytes: read });
    // The verdict does not wait for the database.
    large.keep({ name: file.name, bytes: read }).then(() => keep({ isLarge: bytes === read || undefined }), () => keep({ isLarge: undefined }));
  }
  await hooks.run();
}
