// The table of verdicts: only the rows in view are elements, and only they ask for their text.
import { by, el } from './dom';
import { ask } from './engine';
import { joined, technique } from './links';
import { change, type Row } from './rows';
import { keep } from './store';
import type { PackInfo, RowText } from './types';

const HEIGHT = 28;
/** Characters at the end of a URL that stay in view: they distinguish one request from the next. */
const TAIL = { alone: 18, compared: 12 };
const COLUMNS = { alone: ['Action', 'Method', 'Request', 'Rules', 'Technique'], compared: ['Action', 'Method', 'Request', 'Before', 'After', 'Change'] };

export class Table {
  rows: Row[] = [];
  pack: PackInfo | null = null;
  other: PackInfo | null = null;
  /** Whether another pack is compared with, also one that cannot be used. */
  isCompared = false;
  private shown: number[] = [];
  /** The selected request, by its number among all; -1 for none. */
  private selected = -1;
  /** What to select once verdicts are there: see `begin`. */
  private beginning: { before: number | undefined } | null = null;
  private filtering = 0;
  private asking = false;
  private texts = new Map<number, RowText>();
  private readonly head = el('div', { role: 'rowgroup', class: 'head' });
  private readonly body = el('div', { class: 'body', role: 'rowgroup' });
  private readonly place = by('table');

  constructor(private readonly choose: (row: number | null) => void, private readonly leave: () => void) {
    this.place.append(this.head, this.body);
    this.place.addEventListener('scroll', () => this.draw());
    this.place.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && this.selected >= 0) { event.preventDefault(); this.leave(); return; }
      const page = Math.max(1, Math.floor(this.place.clientHeight / HEIGHT) - 1);
      const step = ({ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -1e9, End: 1e9 } as Record<string, number>)[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.select(Math.min(Math.max(this.shown.indexOf(this.selected) + step, 0), this.shown.length - 1));
    });
    new ResizeObserver(() => this.draw()).observe(this.place);
  }

  /** Other requests: what was known of the last ones is forgotten, but for the text of the selected one. */
  async renew() {
    const before = this.texts.get(this.selected);
    this.texts.clear();
    if (this.selected < 0 || !before) return;
    const [now] = await ask<RowText[]>('texts', { rows: [this.selected] });
    if (now?.url !== before.url || now.method !== before.method) this.drop();
  }

  private drop() {
    if (this.selected < 0) return;
    this.selected = -1;
    keep({ selected: undefined });
    this.choose(null);
  }

  /** The request that is selected, or `null`. */
  get row(): number | null { return this.selected < 0 ? null : this.selected; }

  /** Row and text of all that is shown. */
  async visible(): Promise<(Row & RowText)[]> {
    const texts = await ask<RowText[]>('texts', { rows: this.shown });
    return texts.map((text, at) => ({ ...this.rows[this.shown[at]!]!, ...text }));
  }

  async filter() {
    const mine = ++this.filtering;
    const wanted = by<HTMLInputElement>('filter').value;
    const show = by<HTMLSelectElement>('show').value;
    const rule = Number(by<HTMLSelectElement>('by-rule').value);
    const found = wanted ? new Set(await ask<Uint32Array>('find', { text: wanted })) : null;
    if (mine !== this.filtering) return;
    const keeps = (row: Row, index: number) => (!found || found.has(index)) && (rule < 0 || row.rules.includes(rule))
      && (show === 'all' || show === 'matched' && row.rules.length > 0 || show === 'passed' && row.rules.length === 0 || show === 'changed' && row.isChanged || show === 'odd' && row.isOdd);
    this.shown = [];
    let matched = 0;
    let changed = 0;
    this.rows.forEach((row, index) => {
      if (row.rules.length > 0) matched += 1;
      if (row.isChanged) changed += 1;
      if (keeps(row, index)) this.shown.push(index);
    });
    const number = (n: number) => n.toLocaleString('en');
    const verdicts = this.pack ? `${number(matched)} matched` + (this.other ? `, ${number(changed)} changed` : '') : 'no verdicts';
    by('count').textContent = `${number(this.shown.length)} of ${number(this.rows.length)} shown, ${verdicts}`;
    this.place.setAttribute('aria-rowcount', String(this.shown.length + 1));
    // An explanation of a row that is not in the table any more would be about nothing in view.
    if (this.selected >= 0 && !this.shown.includes(this.selected)) this.drop();
    this.heads();
    this.draw();
  }

  /** After the next run that ends, explains a request where none is selected: the one that was before, or the
   * first match. A run that another one overtakes leaves this to the other. */
  begin(before?: number) { this.beginning = { before }; }

  /** The verdicts of a run are there. */
  begun() {
    if (!this.beginning) return;
    const { before } = this.beginning;
    this.beginning = null;
    if (this.selected >= 0) return;
    const first = this.shown.find((index) => this.rows[index]!.rules.length > 0);
    const wanted = before !== undefined && this.shown.includes(before) ? before : first;
    if (wanted !== undefined) this.select(this.shown.indexOf(wanted));
  }

  private select(at: number) {
    const row = this.shown[at];
    if (row === undefined) return;
    this.selected = row;
    keep({ selected: row });
    const top = at * HEIGHT;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    if (top + 2 * HEIGHT > this.place.scrollTop + this.place.clientHeight) this.place.scrollTop = top + 2 * HEIGHT - this.place.clientHeight;
    this.draw();
    this.choose(row);
  }

  private async read(rows: number[]) {
    this.asking = true;
    const texts = await ask<RowText[]>('texts', { rows }).finally(() => { this.asking = false; });
    texts.forEach((text, at) => this.texts.set(rows[at]!, text));
    if (texts.length === rows.length) this.draw();
  }

  private heads() {
    const names = this.isCompared ? COLUMNS.compared : COLUMNS.alone;
    this.place.toggleAttribute('data-compared', this.isCompared);
    this.place.setAttribute('aria-colcount', String(names.length));
    if (this.head.textContent !== names.join('')) this.head.replaceChildren(el('div', { class: 'row head', role: 'row' }, ...names.map((name) => el('span', { role: 'columnheader' }, name))));
  }

  private draw() {
    this.body.style.height = `${this.shown.length * HEIGHT}px`;
    const first = Math.max(0, Math.floor(this.place.scrollTop / HEIGHT) - 4);
    const last = Math.min(this.shown.length, first + Math.ceil(this.place.clientHeight / HEIGHT) + 8);
    const inView = this.shown.slice(first, last);
    const unknown = inView.filter((index) => !this.texts.has(index));
    if (unknown.length && !this.asking) void this.read(unknown).catch(() => undefined);
    this.body.replaceChildren(...inView.map((index, offset) => this.element(index, first + offset)));
    const at = this.shown.indexOf(this.selected);
    if (at >= first && at < last) this.place.setAttribute('aria-activedescendant', `row-${at}`); else this.place.removeAttribute('aria-activedescendant');
  }

  private element(index: number, at: number): HTMLElement {
    const row = this.rows[index]!;
    const { method, url } = this.texts.get(index) ?? { method: '', url: '…' };
    const rules = row.rules.map((rule) => this.pack?.rules[rule]).filter((rule) => rule !== undefined);
    const titles = rules.map((rule) => rule.title).join(', ');
    // In monitor mode everything passes, so the action in enforce mode is shown.
    const action = row.enforce === 'deny' ? 'deny' : row.monitor;
    // What nearly all URLs start with takes the room of what distinguishes them.
    const text = url.slice(0, 2000);
    const tail = this.isCompared ? TAIL.compared : TAIL.alone;
    const short = text.replace(/^https:\/\//, '');
    const odd = row.isOdd ? [el('span', { class: 'warning', title: 'oddly spelt: see the explanation', role: 'img', 'aria-label': 'oddly spelt' }, '≈ ')] : [];
    const cell = (content: (Node | string)[], attributes: Record<string, string> = {}) => el('span', { role: 'gridcell', ...attributes }, ...content);
    const cells = [
      cell(this.pack ? [el('span', { class: `action ${action}` }, action)] : ['–']), cell([method]),
      cell([...odd, el('span', { class: 'start' }, short.slice(0, -tail)), el('span', {}, short.slice(-tail))], { class: 'url', title: text }),
    ];
    if (this.isCompared) {
      const before = row.others.map((rule) => this.other?.rules[rule]?.title ?? '').join(', ') || 'no match';
      const after = titles || 'no match';
      const word = this.pack && this.other ? change(row) : '–';
      cells.push(cell([this.other ? before : '–'], { title: before }), cell([this.pack ? after : '–'], { title: after }), cell([word], { class: word === 'same' || word === '–' ? 'quiet' : 'changed' }));
    } else {
      const techniques = [...new Set(rules.flatMap((rule) => rule.techniques))].map((number) => { const link = technique(number); link.tabIndex = -1; return link; });
      cells.push(cell([titles], { title: titles }), cell(joined(techniques)));
    }
    const element = el('div', { class: 'row', role: 'row', id: `row-${at}`, 'aria-rowindex': String(at + 2), 'aria-selected': String(index === this.selected) }, ...cells);
    element.style.top = `${at * HEIGHT}px`;
    element.addEventListener('click', () => this.select(at));
    return element;
  }
}
