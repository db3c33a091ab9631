// Links to the pages about what the page names.
import { el } from './dom';

const ATTACK = 'https://attack.mitre.org/techniques/';

export function outside(address: string, text: string, title: string): HTMLElement {
  return el('a', { href: address, target: '_blank', rel: 'noreferrer noopener', title }, text);
}

/** `T1102.002` leads to its page at ATT&CK. */
export function technique(number: string): HTMLElement {
  return outside(`${ATTACK}${number.replace('.', '/')}/`, number, `${number} at attack.mitre.org, in a new tab`);
}

/** Nodes with a separator between them. */
export function joined(nodes: Node[], separator = ', '): (Node | string)[] {
  return nodes.flatMap((node, at) => at ? [separator, node] : [node]);
}
