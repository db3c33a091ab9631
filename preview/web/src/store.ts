// What the page keeps in this browser, so that a reload loses nothing.
const KEY = 'tidegate-preview';
const DELAY = 250;

/** A text that a person changed, and the text that it was made from. */
export interface Draft { base: string; text: string }
export interface Kept {
  theme?: 'light' | 'dark';
  /** The document in the editor. */
  open?: string;
  /** The text that it was made from. */
  base?: string;
  /** The files on disk that the rest is about. */
  folder?: string;
  drafts: Record<string, Draft>;
  requests?: string;
  /** The requests before those of a rule were put in their place. */
  replaced?: string;
  /** Whether they are a file in the database: see `large.ts`. */
  isLarge?: boolean;
  against?: string;
  compare?: string;
  filter?: string;
  show?: string;
  /** The id of the rule that rows are filtered by. */
  rule?: string;
  selected?: number;
  split?: Record<string, number>;
}

let say: (text: string) => void = () => undefined;
let timer = 0;
export const kept: Kept = read();

function read(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return { ...found, drafts: found.drafts && typeof found.drafts === 'object' ? found.drafts : {} };
  } catch { return { drafts: {} }; }
}

/** Texts that cannot be kept are reported here. */
export function report(to: (text: string) => void) { say = to; }

export function keep(change: Partial<Kept>) {
  Object.assign(kept, change);
  clearTimeout(timer);
  timer = window.setTimeout(write, DELAY);
}

function write() {
  clearTimeout(timer);
  timer = 0;
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    say('This browser cannot keep your draft: its storage is full or switched off. Download it before you leave.');
  }
}

/** Removes everything that was kept. */
export function forget() {
  clearTimeout(timer);
  timer = 0;
  for (const key of Object.keys(kept)) delete (kept as any)[key];
  kept.drafts = {};
  try { localStorage.removeItem(KEY); } catch { /* There is nothing to remove where there is no storage. */ }
}

// A timer does not run any more when the page goes.
addEventListener('pagehide', () => { if (timer) write(); });
addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden' && timer) write(); });
