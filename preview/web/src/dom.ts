// Elements from text only: nothing that a rule or request says is ever parsed as HTML.
type Child = Node | string;
export function el(tag: string, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
/** Text with what is in backticks as code. */
export function ticked(text: string): Child[] {
  const parts = text.split('`');
  // An odd one out is a character of the text.
  if (parts.length % 2 === 0) return [text];
  return parts.map((part, at) => at % 2 ? el('code', {}, part) : part);
}
export function by<T extends HTMLElement>(id: string): T { return document.getElementById(id) as T; }
