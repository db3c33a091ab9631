// A rule's condition: the path that decided it, and the whole tree on demand.
import { el } from './dom';
import type { Part } from './types';

const SIGNS: Record<string, [sign: string, tone: string]> = { true: ['✓', 'good'], false: ['✗', 'error'], 'not yet known': ['…', 'warning'] };
const MOST_VALUES = 8;

/** The parts that decide: of alternatives that hold the first one, of parts that all have to hold those that do not. */
function deciding(part: Part): Part {
  const wanted = part.parts.filter((inner) => inner.truth === part.truth);
  if (part.kind === 'any' && part.truth === 'true') return { ...part, parts: wanted.slice(0, 1).map(deciding) };
  if (part.kind === 'all' && part.truth === 'false') return { ...part, parts: wanted.slice(0, 1).map(deciding) };
  return { ...part, parts: part.parts.map(deciding) };
}

const size = (part: Part): number => 1 + part.parts.reduce((sum, inner) => sum + size(inner), 0);

/** The deciding path, and behind a button the whole condition where that is more. */
export function condition(part: Part): HTMLElement {
  const path = deciding(part);
  const place = el('div', { class: 'tree' }, el('ul', {}, tree(path)));
  if (size(path) === size(part)) return place;
  const whole = el('details', {}, el('summary', {}, `Whole condition, ${size(part)} parts`));
  whole.addEventListener('toggle', () => { if (whole.childElementCount === 1) whole.append(el('ul', {}, tree(part))); });
  place.append(whole);
  return place;
}

function tree(part: Part): HTMLElement {
  const [sign, tone] = SIGNS[part.truth] ?? ['?', ''];
  // A list that a rule asks for has one name, and as many values as are in it.
  const named = [...new Set(part.values)];
  const values = named.slice(0, MOST_VALUES).join(', ') + (named.length > MOST_VALUES ? ` and ${named.length - MOST_VALUES} more` : '');
  const what = { item: `${part.label}: ${values}`, not: 'not', all: 'all of', any: 'any of' }[part.kind];
  const item = el('li', {}, el('span', { class: `truth ${tone}`, role: 'img', 'aria-label': part.truth }, sign), part.name ? el('b', {}, `${part.name}: `) : '', what);
  if (part.found) item.append(el('div', { class: 'quiet' }, `found in ${part.found.field}: ${part.found.before}`, el('mark', {}, part.found.hit), part.found.after));
  if (part.parts.length) item.append(el('ul', {}, ...part.parts.map(tree)));
  return item;
}

/** The texts of a request that were found, outside of any `not`. */
export function hits(part: Part): string[] {
  if (part.truth !== 'true' || part.kind === 'not') return [];
  return part.found ? [part.found.hit] : part.parts.flatMap(hits);
}
