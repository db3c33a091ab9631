// The line of news in the header. What only happens all the time does not take the place of what has to be read.
import { by } from './dom';

/** How long news stay at least, in milliseconds. */
const STAYS = 6000;
let until = 0;
let last = '';
let timer = 0;

/** News: the answer to what a person did, or what went wrong. */
export function say(text: string) {
  until = performance.now() + STAYS;
  by('status').textContent = text;
}

/** What is going on: shown at once, or when the news had their time. */
export function routine(text: string) {
  last = text;
  clearTimeout(timer);
  const left = until - performance.now();
  if (left <= 0) by('status').textContent = last; else timer = window.setTimeout(() => { by('status').textContent = last; }, left);
}
