// The findings about a rule or note and the examples of a note, as lists below the editor.
import type { EditorView } from '@codemirror/view';
import { by, el } from './dom';
import { applyFix, goTo } from './editor';
import type { Checked, Imported } from './types';

export function draw(editor: EditorView, checked: Checked) {
  by('problems').replaceChildren(...checked.problems.map((problem) => {
    const place = el('button', { type: 'button', title: problem.explanation, 'aria-label': `Go to line ${problem.line}: ${problem.code}` }, `${problem.line}:${problem.column}`);
    place.addEventListener('click', () => goTo(editor, problem.line));
    const item = el('li', {}, place, ' ', el('span', { class: `code ${problem.severity}` }, problem.code), ` ${problem.message}`, el('span', { class: 'quiet' }, problem.help ? ` — ${problem.help}` : ''));
    if (problem.fix) {
      const fix = el('button', { type: 'button', class: 'fix' }, problem.fix.title);
      fix.addEventListener('click', () => applyFix(editor, problem));
      item.append(' ', fix);
    }
    return item;
  }));
  if (!checked.problems.length) by('problems').append(el('li', { class: 'quiet' }, 'Nothing to say: the rule runs as it is written.'));
  const n_errors = checked.problems.filter((problem) => problem.severity === 'error').length;
  const pill = by('verdict-of-text');
  pill.hidden = false;
  pill.className = `pill ${n_errors ? 'error' : 'good'}`;
  pill.textContent = n_errors ? `${n_errors} error${n_errors > 1 ? 's' : ''}` : `${checked.n_compiled} rule${checked.n_compiled === 1 ? '' : 's'} run${checked.n_compiled === 1 ? 's' : ''}`;
  by('examples-heading').hidden = checked.examples.length === 0;
  by('examples').replaceChildren(...checked.examples.map((example) => {
    const button = el('button', { type: 'button', 'aria-label': `Go to line ${example.line}` }, `${example.line}`);
    button.addEventListener('click', () => goTo(editor, example.line));
    const [tone, sign] = example.holds === null ? ['quiet', 'not run'] : example.holds ? ['good', '✓'] : ['error', 'fails'];
    return el('li', {}, button, ' ', el('span', { class: `code ${tone}` }, sign), ` http ${example.expectation} ${example.request}`);
  }));
}

export function refusals(imported: Imported) {
  const items = imported.refusals.map((refusal) => el('li', {}, el('span', { class: 'code error' }, refusal.code), ` line ${refusal.line}: ${refusal.message}`, el('span', { class: 'quiet' }, refusal.help ? ` — ${refusal.help}` : '')));
  if (imported.n_refused > items.length) items.push(el('li', {}, `and ${imported.n_refused - items.length} more`));
  if (imported.is_cut) items.push(el('li', { class: 'warning' }, `only the first ${imported.n_requests} requests are read`));
  by('refusals').replaceChildren(...items);
}
