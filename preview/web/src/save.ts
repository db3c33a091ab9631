// Verdicts as files.
import { el } from './dom';
import type { Row } from './rows';
import type { PackInfo, RowText } from './types';

type Full = Row & RowText;
const titles = (row: Full, pack: PackInfo | null) => row.rules.map((rule) => pack?.rules[rule]?.title ?? '');
/** A spreadsheet takes a cell that starts so for a formula. */
const cell = (text: string) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

export function csv(rows: Full[], pack: PackInfo | null) {
  const lines = rows.map((row) => [row.monitor, row.enforce, row.method, row.url, titles(row, pack).join('; ')].map(cell).join(','));
  save('verdicts.csv', 'text/csv', ['monitor,enforce,method,request,rules', ...lines].join('\r\n'));
}

export function json(rows: Full[], pack: PackInfo | null) {
  const objects = rows.map((row) => ({ monitor: row.monitor, enforce: row.enforce, method: row.method, url: row.url, rules: row.rules.map((rule) => ({ id: pack?.rules[rule]?.id, title: pack?.rules[rule]?.title, author: pack?.rules[rule]?.author })) }));
  save('verdicts.json', 'application/json', JSON.stringify(objects, null, 1));
}

function save(name: string, type: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** A rule or note, under its title. */
export function text(title: string, extension: string, content: string) {
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 80) || 'rule';
  save(`${name}.${extension}`, extension === 'md' ? 'text/markdown' : 'application/yaml', content);
}
