// Why a request got its verdict: a sentence for each rule first, then what it rests on.
import { condition, hits } from './condition';
import { el, ticked } from './dom';
import { joined, technique } from './links';
import * as overtime from './overtime';
import type { Explained, Part, Reading, RuleExplained, ServiceUse } from './types';

/** The other side of a comparison: the rules before, and how both are called. */
export interface Before { explained: Explained | null; name: string; nowName: string }
export interface Actions { example: (isMatch: boolean) => void; service: (name: string) => void }

const DOES: Record<string, string> = { allow: 'lets it through', observe: 'reports it and lets it through', deny: 'denies it' };
const OUTCOMES: Record<string, string> = { allow: 'let through', observe: 'reported', deny: 'denied' };

export function draw(explained: Explained, before: Before | null, actions: Actions): Node[] {
  const marks = explained.rules.flatMap((rule) => rule.view ? hits(rule.condition) : []);
  const matching = explained.rules.filter((rule) => rule.view);
  const others = explained.rules.filter((rule) => !rule.view);
  const sent = explained.readings[0];
  const nodes: Node[] = [el('p', { class: 'request' }, el('code', {}, `${explained.method} `, ...marked(sent?.url ?? '', marks)))];
  if (!matching.length) nodes.push(el('p', {}, el('span', { class: 'action allow' }, 'no match'), others.length ? '' : ' No rule matches this request.'));
  for (const rule of [...matching, ...others]) nodes.push(sentence(rule));
  const { monitor, enforce } = explained;
  nodes.push(el('p', {}, monitor === enforce ? `A gateway ${DOES[enforce]}.` : `A gateway that enforces ${DOES[enforce]}; one that monitors ${DOES[monitor]}.`));
  if (explained.truncated) nodes.push(el('p', { class: 'warning' }, 'The request is larger than the bounds; the rest was not looked at.'));
  if (before) nodes.push(compared(explained, before));
  if (explained.service) nodes.push(service(explained.service, actions.service));
  if (explained.behaviour) nodes.push(overtime.draw(explained.behaviour));
  if (explained.readings.length > 1) nodes.push(spellings(explained.readings, explained.method, marks));
  if (explained.anomalies.length) nodes.push(el('h3', {}, 'What is odd about it'), el('ul', { class: 'plain' }, ...explained.anomalies.map(([name, meaning]) => el('li', {}, `${meaning} `, el('code', { class: 'quiet' }, name)))));
  if (explained.headers.length) nodes.push(el('h3', {}, 'Headers that rules see'), el('dl', {}, ...explained.headers.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, el('code', {}, ...marked(value, marks)))])));
  nodes.push(...explained.rules.map(rule));
  const buttons = el('div', { class: 'bar' }, el('span', { class: 'quiet' }, 'Add it to the note as an example that must'));
  for (const isMatch of [true, false]) {
    const button = el('button', { type: 'button' }, isMatch ? 'match' : 'pass');
    button.setAttribute('aria-label', isMatch ? 'Add as an example that must match' : 'Add as an example that must pass');
    button.addEventListener('click', () => actions.example(isMatch));
    buttons.append(button);
  }
  nodes.push(buttons, el('p', { class: 'quiet' }, `All rules took ${explained.micros.toFixed(1)} µs, in this browser.`));
  return nodes;
}

/** What is read out when a request is selected. */
export function spoken(explained: Explained): string {
  const titles = explained.rules.filter((rule) => rule.view).map((rule) => rule.title);
  return titles.length ? `Matches ${titles.join(', ')}` : 'No rule matches';
}

/** Whether a condition waits for what the source does over time, and not for the response. */
function waits(part: Part): boolean {
  return part.truth === 'not yet known' && (part.label.startsWith('tidegate.') || part.parts.some(waits));
}

function sentence(rule: RuleExplained): HTMLElement {
  const [words, tone] = rule.view ? [' matches', 'error'] : rule.condition.truth === 'not yet known' ? [waits(rule.condition) ? ' is not decided by this request alone,' : ' waits for the response', 'warning'] : [' does not match', 'quiet'];
  const because = rule.because.map((piece) => piece.is_value ? el('code', {}, piece.text) : piece.text);
  return el('p', { class: 'because' }, el('b', {}, rule.title), el('span', { class: tone }, words), ...(because.length ? [' because ', ...because] : []), '.');
}

function compared(explained: Explained, { explained: was, name, nowName }: Before): HTMLElement {
  const titles = new Map<string, string>();
  const sides = [was, explained].map((side) => new Set((side?.rules ?? []).filter((rule) => rule.view).map((rule) => { titles.set(rule.id, rule.title); return rule.id; })));
  const word = (side: Set<string>, id: string) => side.has(id) ? 'matches' : 'does not match';
  const rows = [...titles].map(([id, title]) => el('tr', {}, el('th', { scope: 'row' }, title), el('td', {}, word(sides[0]!, id)), el('td', {}, word(sides[1]!, id)), el('td', {}, sides[0]!.has(id) === sides[1]!.has(id) ? 'same' : sides[1]!.has(id) ? 'new match' : 'lost match')));
  const outcome = (side: Explained | null) => side ? OUTCOMES[side.enforce] ?? side.enforce : 'no verdict';
  rows.push(el('tr', {}, el('th', { scope: 'row' }, 'Outcome where enforced'), el('td', {}, outcome(was)), el('td', {}, outcome(explained)), el('td', {}, outcome(was) === outcome(explained) ? 'same' : 'changed')));
  return el('div', { class: 'scroll' }, el('table', { class: 'sides' },
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Rule'), el('th', { scope: 'col' }, `Before: ${name}`), el('th', { scope: 'col' }, `After: ${nowName}`), el('th', { scope: 'col' }, 'Change'))),
    el('tbody', {}, ...rows)));
}

function service(use: ServiceUse, open: (name: string) => void): HTMLElement {
  const name = el('button', { type: 'button', class: 'link', 'aria-haspopup': 'dialog', title: `About ${use.name}` }, use.name);
  name.addEventListener('click', () => open(use.name));
  const list = el('dl', {}, el('dt', {}, 'service'), el('dd', {}, name, use.category ? `, ${use.category}` : ''));
  if (use.identity) list.append(el('dt', {}, 'tenant'), el('dd', {}, el('code', {}, use.identity)));
  for (const [operation, meaning] of use.operations) list.append(el('dt', {}, 'operation'), el('dd', {}, el('code', {}, operation), `: ${meaning.charAt(0).toLowerCase()}${meaning.slice(1)}`));
  if (!use.operations.length) list.append(el('dt', {}, 'operation'), el('dd', { class: 'quiet' }, 'none that is known'));
  if (use.usage) list.append(el('dt', {}, 'use'), el('dd', {}, `${use.usage}, by the policy of the pack`));
  return list;
}

function spellings(readings: Reading[], method: string, marks: string[]): HTMLElement {
  const items = readings.slice(1).map((reading) => el('li', {},
    el('span', { class: 'quiet' }, `${reading.meaning} (${reading.view})`), el('br'), el('code', {}, `${method} `, ...marked(reading.url, marks)),
    ...(reading.undone.length ? [el('br'), 'undone: ', ...ticked(reading.undone.join('; '))] : [])));
  return el('div', {}, el('h3', {}, 'How else it is read'), el('ul', { class: 'plain' }, ...items));
}

function rule(rule: RuleExplained): HTMLElement {
  const techniques = rule.tags.map((tag) => /^attack\.t(\d{4}(?:\.\d{3})?)$/.exec(tag)?.[1]).filter((number) => number !== undefined).map((number) => technique(`T${number}`));
  const facts = [rule.view && `matches in the ${rule.view} view`, rule.level && `level ${rule.level}`, rule.phase === 'request' ? 'decided by the request' : 'decided with the response, cannot deny', rule.author && `by ${rule.author}`, ...rule.policy];
  return el('article', {},
    el('h3', {}, rule.title),
    el('p', { class: 'quiet' }, facts.filter(Boolean).join(' · '), ...(techniques.length ? [' · ', ...joined(techniques)] : [])),
    condition(rule.condition));
}

function marked(text: string, marks: string[]): Node[] {
  const folded = text.toLowerCase();
  const spans = marks.filter((hit) => hit).map((hit) => [folded.indexOf(hit.toLowerCase()), hit.length] as const).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0]);
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
