// The findings about a rule or note and the examples of a note, as lists below the editor.
import type { EditorView } from '@codemirror/view';
import { by, el, ticked } from './dom';
import { applyFix, goTo } from './editor';
import { codeButton } from './pages';
import type { Checked, Imported } from './types';

const KINDS: Record<string, string> = { service: 'a service', runbook: 'a runbook', technique: 'a technique', list: 'a list', note: 'a note of unknown kind' };
export const counted = (n: number, noun: string) => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;

/** What the page says of a text in a few words: never better than it is. */
export function verdict(checked: Checked): [tone: 'error' | 'warning' | 'good' | 'neutral', words: string] {
  const n_errors = checked.problems.filter((problem) => problem.severity === 'error').length;
  const n_failing = checked.examples.filter((example) => example.holds === false).length;
  const [, partly, no] = checked.decidable;
  if (checked.kind === 'empty') return ['neutral', 'empty'];
  if (n_errors) return ['error', counted(n_errors, 'error')];
  if (KINDS[checked.kind]) return ['neutral', `${KINDS[checked.kind]}: nothing to run`];
  if (!checked.n_compiled) return ['error', 'no rule runs'];
  if (n_failing) return ['error', n_failing === 1 ? '1 example fails' : `${n_failing} examples fail`];
  if (no) return ['warning', 'not decidable at a proxy'];
  if (partly) return ['warning', 'decidable in part'];
  if (checked.n_compiled < checked.n_read) return ['error', `${checked.n_compiled} of ${checked.n_read} rules run`];
  const n_held = checked.examples.filter((example) => example.holds).length;
  return ['good', `${counted(checked.n_compiled, 'rule')} run${checked.n_compiled === 1 ? 's' : ''}` + (checked.asks_behaviour ? ' over time' : '') + (n_held ? `, ${counted(n_held, 'example')} hold${n_held === 1 ? 's' : ''}` : '')];
}

/** A sentence where there is no finding. */
function quiet(checked: Checked): string {
  const [, partly, no] = checked.decidable;
  const fields = checked.unseen.join(', ');
  if (checked.kind === 'empty') return 'Write a Sigma rule or a note, or choose one under Rules.';
  if (KINDS[checked.kind]) return `This is ${KINDS[checked.kind]}. It has no rule to run on the requests.`;
  if (no) return fields ? `A proxy does not see ${fields}: the rule cannot match here or in a gateway.` : 'Nothing in the rule depends on a request: it cannot be decided at a proxy.';
  if (partly) return `A proxy does not see ${fields}: only a part of the rule is decided here and in a gateway.`;
  if (checked.asks_behaviour) return 'No findings. The rule asks what a source does over time: it runs over logs with times and sources, and over the sequences of its note.';
  return 'No findings: the rule runs as it is written.';
}

export function draw(editor: EditorView, checked: Checked) {
  by('problems').replaceChildren(...checked.problems.map((problem) => {
    const place = el('button', { type: 'button', title: 'Go to the line' }, `${problem.line}:${problem.column}`);
    place.addEventListener('click', () => goTo(editor, problem.line));
    const code = codeButton(problem.code, problem.severity, problem.explanation);
    const item = el('li', {}, place, ' ', code, ' ', ...ticked(problem.message), el('span', { class: 'quiet' }, ...ticked(problem.help ? ` (${problem.help})` : '')));
    if (problem.fix) {
      const fix = el('button', { type: 'button', class: 'fix' }, ...ticked(problem.fix.title));
      fix.addEventListener('click', () => applyFix(editor, problem));
      item.append(' ', fix);
    }
    return item;
  }));
  if (!checked.problems.length) by('problems').append(el('li', { class: 'quiet' }, ...ticked(quiet(checked))));
  const [tone, words] = verdict(checked);
  const pill = by('verdict-of-text');
  pill.hidden = false;
  pill.className = `pill ${tone}`;
  pill.textContent = words;
  by('examples-heading').hidden = checked.examples.length === 0;
  by('examples').replaceChildren(...checked.examples.map((example) => {
    const button = el('button', { type: 'button', title: 'Go to the line' }, `${example.line}`);
    button.addEventListener('click', () => goTo(editor, example.line));
    const [tone, sign] = example.holds === null ? ['quiet', 'not run'] : example.holds ? ['good', 'holds'] : ['error', 'fails'];
    return el('li', {}, button, ' ', el('span', { class: `code ${tone}` }, sign), ` must ${example.expectation}: ${example.request}`);
  }));
}

export function refusals(imported: Imported) {
  const items = imported.refusals.map((refusal) => el('li', {}, codeButton(refusal.code, 'error'), ` line ${refusal.line}: `, ...ticked(refusal.message), el('span', { class: 'quiet' }, ...ticked(refusal.help ? ` (${refusal.help})` : ''))));
  if (imported.n_refused > items.length) items.push(el('li', {}, `and ${imported.n_refused - items.length} more`));
  if (imported.is_cut) items.push(el('li', { class: 'warning' }, `only the first ${imported.n_requests} requests are read`));
  by('refusals').replaceChildren(...items);
  by('n-requests').textContent = `${counted(imported.n_requests, 'request')}` + (imported.n_refused ? `, ${imported.n_refused.toLocaleString('en')} refused` : '');
  by('n-requests').classList.toggle('warning', imported.n_refused > 0);
}
