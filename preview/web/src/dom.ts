// Elements from text only: nothing that a rule or request says is ever parsed as HTML.
type Child = Node | string;
export function el(tag: string, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
export function by<T extends HTMLElement>(id: string): T { return document.getElementById(id) as T; }
