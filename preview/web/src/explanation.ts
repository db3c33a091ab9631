// Why a request got its verdict.
import { el } from './dom';
import type { Explained, Part, RuleExplained } from './types';

const SIGNS: Record<string, [string, string]> = { true: ['✓', 'good'], false: ['✗', 'error'], 'not yet known': ['…', 'warning'] };
const MOST_VALUES = 8;

export function draw(explained: Explained, example: (isMatch: boolean) => void): Node[] {
  const hits = explained.rules.flatMap((rule) => rule.view ? collect(rule.condition) : []);
  const facts = el('dl', {}, ...explained.readings.flatMap(({ view, url }) => [el('dt', {}, view), el('dd', {}, el('code', {}, `${explained.method} `, ...marked(url, hits)))]),
    ...explained.headers.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, el('code', {}, ...marked(value, hits)))]));
  for (const [name, meaning] of explained.anomalies) facts.append(el('dt', {}, 'anomaly'), el('dd', {}, el('code', { class: 'warning' }, name), ` ${meaning}`));
  facts.append(
    el('dt', {}, 'action'), el('dd', {}, el('span', { class: `action ${explained.monitor}` }, explained.monitor), ' in monitor mode, ', el('span', { class: `action ${explained.enforce}` }, explained.enforce), ' in enforce mode'),
    el('dt', {}, 'time'), el('dd', {}, `${explained.micros.toFixed(1)} µs for all rules, in this browser`));
  if (explained.truncated) facts.append(el('dt', {}, 'note'), el('dd', {}, 'the request is larger than the bounds; the rest was not looked at'));
  const buttons = el('div', { class: 'bar' }, el('span', { class: 'quiet' }, 'Make it an example of the note:'));
  for (const isMatch of [true, false]) {
    const button = el('button', { type: 'button' }, isMatch ? 'Add as http match' : 'Add as http pass');
    button.addEventListener('click', () => example(isMatch));
    buttons.append(button);
  }
  const rules = explained.rules.map(rule);
  return [facts, buttons, ...(rules.length ? rules : [el('p', { class: 'quiet' }, 'No rule matches.')])];
}

function rule(rule: RuleExplained): HTMLElement {
  const [verdict, tone] = rule.view ? ['matches', 'error'] : rule.condition.truth === 'not yet known' ? ['waits for the response', 'warning'] : ['does not match', 'quiet'];
  const facts = [rule.view && `in the ${rule.view} view`, rule.level, rule.phase === 'request' ? 'decided by the request' : 'decided with the response, cannot deny', rule.author && `by ${rule.author}`, ...rule.policy];
  return el('article', {},
    el('h3', {}, rule.title, el('span', { class: `code ${tone}` }, verdict)),
    el('p', { class: 'quiet' }, facts.filter(Boolean).join(' · ')),
    el('div', { class: 'tree' }, el('ul', {}, tree(rule.condition))));
}

function collect(part: Part): string[] {
  if (part.truth !== 'true' || part.kind === 'not') return [];
  return part.found ? [part.found.hit] : part.parts.flatMap(collect);
}

function marked(text: string, hits: string[]): Node[] {
  const folded = text.toLowerCase();
  const spans = hits.filter((hit) => hit).map((hit) => [folded.indexOf(hit.toLowerCase()), hit.length] as const).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0]);
  const nodes: Node[] = [];
  let done = 0;
  for (const [at, length] of spans) {
    const start = Math.max(at, done);
    const end = at + length;
    if (end <= start) continue;
    nodes.push(document.createTextNode(text.slice(done, start)), el('mark', {}, text.slice(start, end)));
    done = end;
  }
  nodes.push(document.createTextNode(text.slice(done)));
  return nodes;
}

function tree(part: Part): HTMLElement {
  const [sign, tone] = SIGNS[part.truth] ?? ['?', ''];
  const values = part.values.slice(0, MOST_VALUES).join(', ') + (part.values.length > MOST_VALUES ? ` and ${part.values.length - MOST_VALUES} more` : '');
  const what = { item: `${part.label}: ${values}`, not: 'not', all: 'all of', any: 'any of' }[part.kind];
  const item = el('li', {}, el('span', { class: `truth ${tone}`, role: 'img', 'aria-label': part.truth }, sign), part.name ? el('b', {}, `${part.name}: `) : '', what);
  if (part.found) item.append(el('div', { class: 'quiet' }, `found in ${part.found.field}: ${part.found.before}`, el('mark', {}, part.found.hit), part.found.after));
  if (part.parts.length) item.append(el('ul', {}, ...part.parts.map(tree)));
  return item;
}
