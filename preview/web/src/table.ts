// The table of verdicts: only the rows in view are elements.
import { by, el } from './dom';
import type { PackInfo, Row } from './types';

const HEIGHT = 24;
export class Table {
  rows: Row[] = [];
  pack: PackInfo | null = null;
  other: PackInfo | null = null;
  private shown: number[] = [];
  private selected = -1;
  private readonly body = el('div', { class: 'body', role: 'rowgroup' });
  private readonly place = by('table');

  constructor(private readonly choose: (row: number) => void) {
    const head = el('div', { class: 'row head', role: 'row' }, ...['Action', 'Method', 'Request', 'Rules', 'Technique'].map((name) => el('span', { role: 'columnheader' }, name)));
    this.place.append(el('div', { role: 'rowgroup' }, head), this.body);
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

  visible(): Row[] { return this.shown.map((index) => this.rows[index]!); }

  filter() {
    const wanted = by<HTMLInputElement>('filter').value.toLowerCase();
    const show = by<HTMLSelectElement>('show').value;
    const rule = Number(by<HTMLSelectElement>('by-rule').value);
    this.shown = [];
    this.rows.forEach((row, index) => {
      if (wanted && !row.url.toLowerCase().includes(wanted)) return;
      if (show === 'matched' && row.rules.length === 0 || show === 'passed' && row.rules.length > 0 || show === 'changed' && !row.is_changed) return;
      if (rule >= 0 && !row.rules.includes(rule)) return;
      this.shown.push(index);
    });
    this.selected = -1;
    const matched = this.rows.reduce((sum, row) => sum + (row.rules.length > 0 ? 1 : 0), 0);
    const changed = this.rows.reduce((sum, row) => sum + (row.is_changed ? 1 : 0), 0);
    by('count').textContent = `${this.shown.length} of ${this.rows.length} shown, ${matched} matched` + (this.other ? `, ${changed} changed` : '');
    this.place.setAttribute('aria-rowcount', String(this.shown.length + 1));
    this.draw();
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

  private draw() {
    this.body.style.height = `${this.shown.length * HEIGHT}px`;
    const first = Math.max(0, Math.floor(this.place.scrollTop / HEIGHT) - 4);
    const last = Math.min(this.shown.length, first + Math.ceil(this.place.clientHeight / HEIGHT) + 8);
    const elements: HTMLElement[] = [];
    for (let at = first; at < last; at++) {
      const row = this.rows[this.shown[at]!]!;
      const rules = row.rules.map((index) => this.pack?.rules[index]).filter((rule) => rule !== undefined);
      const others = row.others.map((index) => this.other?.rules[index]?.title ?? '');
      const titles = rules.map((rule) => rule.title).join(', ') + (row.is_changed ? `  → ${others.join(', ') || 'no match'}` : '');
      const techniques = [...new Set(rules.flatMap((rule) => rule.techniques))].join(', ');
      const element = el('div', { class: 'row', role: 'row', id: `row-${at}`, 'aria-rowindex': String(at + 2), 'aria-selected': String(at === this.selected) },
        el('span', { role: 'gridcell', class: row.enforce }, row.enforce), el('span', { role: 'gridcell' }, row.method), el('span', { role: 'gridcell', class: 'url', title: row.url }, row.url.slice(0, 400)),
        el('span', { role: 'gridcell', title: titles }, titles), el('span', { role: 'gridcell' }, techniques));
      element.style.top = `${at * HEIGHT}px`;
      element.addEventListener('click', () => this.select(at));
      elements.push(element);
    }
    this.body.replaceChildren(...elements);
    if (this.selected >= first && this.selected < last) this.place.setAttribute('aria-activedescendant', `row-${this.selected}`); else this.place.removeAttribute('aria-activedescendant');
  }
}
