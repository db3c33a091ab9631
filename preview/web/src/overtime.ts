// What a source did over time: its fields, a strip of its requests and the gaps between them.
import { el } from './dom';
import type { OverTime } from './types';

const WIDTH = 600;
const HEIGHT = 30;
const BINS = 24;

export function draw(over: OverTime): HTMLElement {
  const list = el('dl', {}, ...over.fields.flatMap(([name, value]) => [el('dt', {}, name.replace('tidegate.', '').replaceAll('_', ' ')), el('dd', {}, el('code', {}, value))]));
  const nodes: Node[] = [el('h3', {}, 'What its source did over time'), el('p', {}, `${over.n_requests.toLocaleString('en')} requests of `, el('code', {}, over.source), ' to ', el('code', {}, over.host), ` in the whole log, ${span(over.times)}.`)];
  if (over.times.length > 1) nodes.push(strip(over), el('p', { class: 'quiet' }, gaps(over.times)));
  return el('div', {}, ...nodes, list);
}

function span(times: number[]): string {
  const show = (time: number) => new Date(time * 1000).toISOString().replace('T', ' ').slice(0, 19);
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0];
  return first === last ? `at ${show(first)} UTC` : `from ${show(first)} to ${show(last)} UTC`;
}

const seconds = (n: number) => n < 120 ? `${n} s` : n < 7200 ? `${Math.round(n / 60)} min` : `${(n / 3600).toFixed(1)} h`;
const between = (times: number[]) => times.slice(1).map((time, at) => time - times[at]!);

function gaps(times: number[]): string {
  const sorted = between(times).sort((a, b) => a - b);
  const at = (share: number) => seconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
  return `Gaps between requests: half are at most ${at(0.5)}; shortest ${at(0)}, longest ${at(1)}.`;
}

/** A tick for each request over time, and below it how many gaps have which length. */
function strip(over: OverTime): Element {
  const shape = (name: string, attributes: Record<string, number | string>) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    return element;
  };
  const { times } = over;
  const picture = shape('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT * 2 + 6}`, class: 'strip', role: 'img', 'aria-label': `${gaps(times)} Above: the requests over time. Below: how often each length of gap occurs.` });
  const [first, last] = [times[0]!, times.at(-1)!];
  const place = (time: number) => last === first ? 0 : (time - first) / (last - first) * (WIDTH - 2) + 1;
  for (const time of times) picture.append(shape('line', { x1: place(time).toFixed(1), x2: place(time).toFixed(1), y1: 2, y2: HEIGHT - 2 }));
  picture.append(shape('line', { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, class: 'axis' }));
  const lengths = between(times);
  const most = Math.max(1, ...lengths);
  const counts = Array.from({ length: BINS }, () => 0);
  for (const length of lengths) counts[Math.min(BINS - 1, Math.floor(length / most * BINS))]! += 1;
  const highest = Math.max(...counts);
  counts.forEach((count, bin) => {
    const height = count ? Math.max(2, count / highest * (HEIGHT - 2)) : 0;
    picture.append(shape('rect', { x: (bin * WIDTH / BINS + 1).toFixed(1), y: (HEIGHT * 2 + 4 - height).toFixed(1), width: (WIDTH / BINS - 2).toFixed(1), height: height.toFixed(1) }));
  });
  picture.append(shape('line', { x1: 0, x2: WIDTH, y1: HEIGHT * 2 + 5, y2: HEIGHT * 2 + 5, class: 'axis' }));
  return picture;
}
