// Bars between the panels, moved by pointer and by arrow keys. Their places are kept.
import { by } from './dom';
import { keep, kept } from './store';

const STEP = 2;
/** Each bar with the share of the window's part that is before it, in percent. */
const BARS = [
  { id: 'split-columns', property: '--columns', first: 42, least: 25, most: 70, isColumns: true },
  { id: 'split-requests', property: '--requests', first: 24, least: 12, most: 50, isColumns: false },
  { id: 'split-results', property: '--results', first: 36, least: 15, most: 60, isColumns: false },
] as const;

export function begin() {
  const main = document.querySelector('main')!;
  for (const bar of BARS) {
    const handle = by(bar.id);
    const put = (share: number) => {
      const within = Math.min(Math.max(Math.round(share * 10) / 10, bar.least), bar.most);
      main.style.setProperty(bar.property, `${within}fr`);
      main.style.setProperty(`${bar.property}-rest`, `${100 - within}fr`);
      handle.setAttribute('aria-valuenow', String(Math.round(within)));
      return within;
    };
    handle.setAttribute('aria-valuemin', String(bar.least));
    handle.setAttribute('aria-valuemax', String(bar.most));
    let share = put(kept.split?.[bar.id] ?? bar.first);
    const move = (to: number) => { share = put(to); keep({ split: { ...kept.split, [bar.id]: share } }); };
    handle.addEventListener('keydown', (event) => {
      const [less, more] = bar.isColumns ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
      const to = ({ [less]: share - STEP, [more]: share + STEP, Home: bar.least, End: bar.most } as Record<string, number>)[event.key];
      if (to === undefined) return;
      event.preventDefault();
      move(to);
    });
    handle.addEventListener('dblclick', () => move(bar.first));
    handle.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      const drag = ({ clientX, clientY }: PointerEvent) => {
        const box = main.getBoundingClientRect();
        if (bar.isColumns) move((clientX - box.left) / box.width * 100);
        else {
          const before = bar.id === 'split-results' ? by('requests-panel').getBoundingClientRect().height + 20 : 0;
          move((clientY - box.top - before) / box.height * 100);
        }
      };
      handle.addEventListener('pointermove', drag);
      handle.addEventListener('pointerup', () => handle.removeEventListener('pointermove', drag), { once: true });
    });
  }
}
