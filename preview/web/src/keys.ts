// Shortcuts, menus, dialogs, and files that are chosen or dropped.
import { by } from './dom';

export interface Hooks { run: () => void; gallery: () => void; download: () => void; editor: () => void }
const PANELS = ['editor', 'requests', 'table', 'explanation'];

export function begin(hooks: Hooks) {
  const help = by<HTMLDialogElement>('help');
  const showHelp = () => { help.showModal(); by('help-text').focus(); };
  by('open-help').addEventListener('click', showHelp);
  by('help-close').addEventListener('click', () => help.close());
  help.addEventListener('click', (event) => { if (event.target === help) help.close(); });

  addEventListener('keydown', (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    const act = (what: () => void) => { event.preventDefault(); what(); };
    if (isCommand && event.key === 'Enter') act(hooks.run);
    else if (isCommand && event.key.toLowerCase() === 'k') act(hooks.gallery);
    else if (isCommand && event.key.toLowerCase() === 's') act(hooks.download);
    else if (document.querySelector('dialog[open]')) return;
    else if (event.key === 'F6') act(() => move(event.shiftKey ? -1 : 1, hooks.editor));
    else if (event.key === '?' && !isCommand && !isTyping(event)) act(showHelp);
  });

  const menus = [...document.querySelectorAll<HTMLDetailsElement>('details.menu')];
  const close = (menu: HTMLDetailsElement) => { if (menu.open) { menu.open = false; menu.querySelector('summary')?.focus(); } };
  for (const menu of menus) {
    menu.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(menu); });
    menu.addEventListener('click', (event) => { if ((event.target as Element).closest('button')) close(menu); });
    menu.addEventListener('change', () => close(menu));
  }
  addEventListener('click', (event) => { for (const menu of menus) if (!menu.contains(event.target as Node)) menu.open = false; });
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0] as HTMLElement;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function move(step: number, editor: () => void) {
  const at = PANELS.indexOf(document.activeElement?.id ?? '');
  const id = PANELS[(at + step + PANELS.length + (at < 0 && step < 0 ? 1 : 0)) % PANELS.length]!;
  if (id === 'editor') editor(); else by(id).focus();
}

type Take<T> = (files: T) => void;
export function files(dropped: Take<File[]>, texts: Take<File[]>, traffic: Take<File>, pack: Take<File>) {
  const chosen = (id: string, take: Take<File[]>) => by<HTMLInputElement>(id).addEventListener('change', (event) => {
    const input = event.target as HTMLInputElement;
    const files = [...input.files ?? []];
    if (files.length) take(files);
    // The same file may be chosen again when it has changed.
    input.value = '';
  });
  chosen('open-file', texts);
  chosen('file', ([file]) => traffic(file!));
  chosen('packfile', ([file]) => pack(file!));
  const { dataset } = document.documentElement;
  addEventListener('dragover', (event) => { event.preventDefault(); dataset.dropping = ''; });
  for (const end of ['dragleave', 'drop']) addEventListener(end, () => { delete dataset.dropping; });
  // Before the editor, which would insert the text of a file.
  addEventListener('drop', (event) => {
    const files = [...event.dataTransfer?.files ?? []];
    event.preventDefault();
    if (!files.length) return;
    event.stopPropagation();
    dropped(files);
  }, { capture: true });
}
