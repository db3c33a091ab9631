// The pages about codes and services, in a dialog: texts of this project's own notes and documentation.
import { by, el } from './dom';
import * as markdown from './markdown';
import type { NamedText } from './types';

const dialog = by<HTMLDialogElement>('page');
const texts = new Map<string, Promise<any>>();
let search: (words: string) => void = () => undefined;

/** `open` is called with the words to search rules for. */
export function begin(open: (words: string) => void) {
  search = open;
  by('page-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
}

/** A file of texts, fetched when it is first wanted. */
export function fetched<T>(name: string): Promise<T> {
  let found = texts.get(name);
  if (!found) {
    found = fetch(`./${name}`).then((response) => {
      if (!response.ok) throw new Error(`${name} cannot be fetched: ${response.status}`);
      return response.json();
    });
    found.catch(() => texts.delete(name));
    texts.set(name, found);
  }
  return found;
}

function show(title: string, ...nodes: Node[]) {
  by('page-heading').textContent = title;
  by('page-text').replaceChildren(...nodes);
  if (!dialog.open) dialog.showModal();
  by('page-text').scrollTop = 0;
  by('page-text').focus();
}

/** The page of a code of findings; what is known of it without its page is `otherwise`. */
export async function code(name: string, otherwise = '') {
  const all = await fetched<Record<string, string>>('codes.json').catch((): Record<string, string> => ({}));
  const [title, ...text] = (all[name] ?? `${name}\n${otherwise}`).split('\n');
  show(title!, ...markdown.draw(text.join('\n')));
}

/** A button with a code, which opens its page. */
export function codeButton(name: string, tone: string, otherwise = ''): HTMLElement {
  const button = el('button', { type: 'button', class: `code ${tone}`, 'aria-haspopup': 'dialog', title: 'What this code means' }, name);
  button.addEventListener('click', () => void code(name, otherwise));
  return button;
}

/** The page of a service: its note, and the way to the rules about it. */
export async function service(name: string) {
  const notes = await fetched<NamedText[]>('shared.json').catch((): NamedText[] => []);
  const note = notes.find(({ text }) => /^service: "?(.*?)"?$/m.exec(text)?.[1] === name);
  const rules = el('button', { type: 'button' }, 'Rules about it');
  rules.addEventListener('click', () => { dialog.close(); search(name); });
  const [, facts = '', body = ''] = /^---\n([^]*?)\n---\n([^]*)$/.exec(note?.text ?? '') ?? [];
  const text = body.replace(/^\s*# .*\n/, '');
  show(name, el('p', {}, rules), ...(note ? markdown.draw(text) : [el('p', { class: 'quiet' }, 'There is no note about it here.')]),
    ...(facts ? [el('h3', {}, 'How it is recognised'), el('pre', {}, facts)] : []));
}
