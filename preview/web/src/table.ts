// The table of verdicts: only the rows in view are elements, and only they ask for their text.
import { by, el } from './dom';
import { ask } from './engine';
import type { Row } from './rows';
import type { PackInfo, RowText } from './types';

const HEIGHT = 26;
export class Table {
  rows: Row[] = [];
  pack: PackInfo | null = null;
  other: PackInfo | null = null;
  private shown: number[] = [];
  private selected = -1;
  private filtering = 0;
  private asking = false;
  private texts = new Map<number, RowText>();
  private readonly body = el('div', { class: 'body', role: 'rowgroup' });
  private readonly place = by('table');

  constructor(private readonly choose: (row: number) => void) {
    const head = el('div', { class: 'row head', role: 'row' }, ...['Action', 'Method', 'Request', 'Rules', 'Technique'].map((name) => el('span', { role: 'columnheader' }, name)));
    this.place.append(el('div', { role: 'rowgroup', class: 'head' }, head), this.body);
    this.place.addEventListener('scroll', () => this.draw());
    this.place.addEventListener('keydown', (event) => {
      const page = Math.max(1, Math.floor(this.place.clientHeight / HEIGHT) - 1);
      const step = ({ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -1e9, End: 1e9 } as Record<string, number>)[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.select(Math.min(Math.max(this.selected + step, 0), this.shown.length - 1));
    });
    new ResizeObserver(() => this.draw()).observe(this.place);
  }

  /** Other requests: what was known of the last ones is forgotten. */
  forget() { this.texts.clear(); }

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
    this.selected = -1;
    by('count').textContent = `${this.shown.length} of ${this.rows.length} shown, ${matched} matched` + (this.other ? `, ${changed} changed` : '');
    this.place.setAttribute('aria-rowcount', String(this.shown.length + 1));
    this.draw();
  }

  /** Explains the first match where nothing has been selected yet. */
  begin() {
    const first = this.shown.findIndex((index) => this.rows[index]!.rules.length > 0);
    if (this.selected < 0 && first >= 0) this.select(first);
  }

  private select(at: number) {
    if (at < 0) return;
    this.selected = at;
    const top = at * HEIGHT;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    if (top + 2 * HEIGHT > this.place.scrollTop + this.place.clientHeight) this.place.scrollTop = top + 2 * HEIGHT - this.place.clientHeight;
    this.draw();
    this.choose(this.shown[at]!);
  }

  private async read(rows: number[]) {
    this.asking = true;
    const texts = await ask<RowText[]>('texts', { rows }).finally(() => { this.asking = false; });
    texts.forEach((text, at) => this.texts.set(rows[at]!, text));
    if (texts.length === rows.length) this.draw();
  }

  private draw() {
    this.body.style.height = `${this.shown.length * HEIGHT}px`;
    const first = Math.max(0, Math.floor(this.place.scrollTop / HEIGHT) - 4);
    const last = Math.min(this.shown.length, first + Math.ceil(this.place.clientHeight / HEIGHT) + 8);
    const inView = this.shown.slice(first, last);
    const unknown = inView.filter((index) => !this.texts.has(index));
    if (unknown.length && !this.asking) void this.read(unknown);
    this.body.replaceChildren(...inView.map((index, offset) => this.element(index, first + offset)));
    if (this.selected >= first && this.selected < last) this.place.setAttribute('aria-activedescendant', `row-${this.selected}`); else this.place.removeAttribute('aria-activedescendant');
  }

  private element(index: number, at: number): HTMLElement {
    const row = this.rows[index]!;
    const { method, url } = this.texts.get(index) ?? { method: '', url: '…' };
    const rules = row.rules.map((rule) => this.pack?.rules[rule]).filter((rule) => rule !== undefined);
    const others = row.others.map((rule) => this.other?.rules[rule]?.title ?? '');
    const titles = rules.map((rule) => rule.title).join(', ') + (row.isChanged ? `${rules.length ? '' : 'no match'} → ${others.join(', ') || 'no match'}` : '');
    const techniques = [...new Set(rules.flatMap((rule) => rule.techniques))].join(', ');
    // In monitor mode everything passes, so the action in enforce mode is shown.
    const action = row.enforce === 'deny' ? 'deny' : row.monitor;
    const element = el('div', { class: 'row', role: 'row', id: `row-${at}`, 'aria-rowindex': String(at + 2), 'aria-selected': String(at === this.selected) },
      el('span', { role: 'gridcell' }, el('span', { class: `action ${action}` }, action)), el('span', { role: 'gridcell' }, method),
      el('span', { role: 'gridcell', class: 'url', title: url.slice(0, 2000) }, ...(row.isOdd ? [el('span', { class: 'warning', title: 'oddly spelt: see the anomalies in the explanation' }, '≈ ')] : []), url.slice(0, 400)),
      el('span', { role: 'gridcell', title: titles, class: row.isChanged ? 'changed' : '' }, titles), el('span', { role: 'gridcell' }, techniques));
    element.style.top = `${at * HEIGHT}px`;
    element.addEventListener('click', () => this.select(at));
    return element;
  }
}
