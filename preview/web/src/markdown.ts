// The Markdown of this project's notes as elements: headings, paragraphs, lists, fences, tables, links, code, bold.
import { el } from './dom';
import { outside } from './links';

export function draw(text: string): Node[] {
  const nodes: Node[] = [];
  const lines = text.replace(/<!--[^]*?-->/g, '').split('\n');
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!;
    const taken = (fits: (line: string) => boolean) => { const from = at; while (at < lines.length && fits(lines[at]!)) at += 1; return lines.slice(from, at); };
    if (/^(`{3,}|~{3,})/.test(line)) {
      const fence = /^(`{3,}|~{3,})/.exec(line)![1]!;
      at += 1;
      const inside = taken((line) => !line.startsWith(fence));
      at += 1;
      nodes.push(el('pre', {}, inside.join('\n')));
    } else if (/^#{1,6} /.test(line)) {
      nodes.push(el('h3', {}, line.replace(/^#+ /, '')));
      at += 1;
    } else if (/^\s*[-*] /.test(line)) {
      nodes.push(el('ul', { class: 'dots' }, ...taken((line) => /^\s*[-*] /.test(line)).map((line) => el('li', {}, ...inline(line.replace(/^\s*[-*] /, ''))))));
    } else if (line.startsWith('|')) {
      const rows = taken((line) => line.startsWith('|')).filter((line) => !/^\|[\s:|-]+\|$/.test(line)).map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll('\\|', '|')));
      nodes.push(el('div', { class: 'scroll' }, el('table', { class: 'sides' }, ...rows.map((cells, row) => el('tr', {}, ...cells.map((cell) => el(row ? 'td' : 'th', {}, ...inline(cell))))))));
    } else if (!line.trim()) {
      at += 1;
    } else {
      nodes.push(el('p', {}, ...inline(taken((line) => line.trim() !== '' && !/^(#{1,6} |```|~~~|\||\s*[-*] )/.test(line)).join(' '))));
    }
  }
  return nodes;
}

function inline(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let done = 0;
  for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)|<?(https?:\/\/[^\s<>)]+)>?/g)) {
    const [all, code, bold, label, target, address] = match;
    parts.push(text.slice(done, match.index));
    if (code !== undefined) parts.push(el('code', {}, code));
    else if (bold !== undefined) parts.push(el('b', {}, bold));
    else if (address !== undefined) parts.push(outside(address, address, 'in a new tab'));
    // Other pages of the project are not here.
    else parts.push(/^https?:/.test(target!) ? outside(target!, label!, 'in a new tab') : label!);
    done = match.index + all.length;
  }
  parts.push(text.slice(done));
  return parts;
}
