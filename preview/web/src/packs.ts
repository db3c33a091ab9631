// The packs to run over traffic: the draft, the shipped pack, and packs that were dropped or served.
// A pack is fetched when it is first wanted.
import { by, el } from './dom';
import { ask } from './engine';
import { keep, kept } from './store';

interface Pack { label: string; fetch: () => Promise<ArrayBuffer>; isLoaded: boolean }
export const DRAFT = 0;
export const SHIPPED = 'the shipped rules';
const NOTHING = 'nothing';
const MAX_PACK_BYTES = 64 * 1024 * 1024;
const packs: (Pack | null)[] = [null];
const against = by<HTMLSelectElement>('against');
const compare = by<HTMLSelectElement>('compare');
against.append(el('option', { value: '0' }, 'the draft'));
compare.append(el('option', { value: '-1' }, NOTHING), el('option', { value: '0' }, 'the draft'));

export const slot = () => Number(against.value);
export const other = () => Number(compare.value);
const chosen = (select: HTMLSelectElement) => select.selectedOptions[0]?.textContent ?? '';
export const name = () => chosen(against);
export const otherName = () => chosen(compare);

/** Offers a pack; returns its slot. */
export function offer(label: string, fetch: () => Promise<ArrayBuffer>): number {
  const place = packs.push({ label, fetch, isLoaded: false }) - 1;
  for (const select of [against, compare]) select.append(el('option', { value: String(place) }, label));
  return place;
}

/** Takes an offer back that turned out to be no pack. */
export function withdraw(place: number) {
  for (const select of [against, compare]) {
    const wasChosen = select.value === String(place);
    [...select.options].find((option) => option.value === String(place))?.remove();
    if (wasChosen) select.value = select === against ? '0' : '-1';
  }
}

/** Loads what is chosen; returns what is wrong with it, or an empty text. */
export async function load(): Promise<string> {
  for (const place of [slot(), other()]) {
    const pack = packs[place];
    if (!pack || pack.isLoaded) continue;
    try {
      const bytes = await pack.fetch();
      if (bytes.byteLength > MAX_PACK_BYTES) throw new Error(`F015: a pack has at most ${MAX_PACK_BYTES} bytes`);
      const problem = await ask<string>('load', { slot: place, name: pack.label, bytes });
      if (problem) throw new Error(problem);
      pack.isLoaded = true;
    } catch (error) {
      withdraw(place);
      return `${pack.label} is not used. ${(error as Error).message}`;
    }
  }
  return '';
}

/** What is served has changed, or the engine is new: packs are fetched again when they are next wanted. */
export function forget(places?: number[]) { packs.forEach((pack, place) => { if (pack && (!places || places.includes(place))) pack.isLoaded = false; }); }
export const choose = (place: number) => { compare.value = String(place); if (slot() === place) against.value = '0'; };
export const use = (place: number) => { against.value = String(place); };
export const remember = () => keep({ against: name(), compare: otherName() });

/** Chooses packs by their names; returns the names of those that are not there. */
export function restore(names: { against?: string; compare?: string } = kept): string[] {
  const missing: string[] = [];
  for (const [select, wanted] of [[against, names.against], [compare, names.compare]] as const) {
    if (!wanted) continue;
    const found = [...select.options].find((option) => option.textContent === wanted);
    if (found) select.value = found.value; else missing.push(wanted);
  }
  return missing;
}

export async function fetched(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`it cannot be fetched: ${response.status}`);
  return response.arrayBuffer();
}
