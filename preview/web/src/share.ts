// Rule, requests and what is looked at in the URL's fragment: it never leaves the browser.
// `v1.` and compressed JSON is what the page writes; `rule=…&requests=…`, percent-encoded, is what
// others write, as the vault's pages do.
const MAX_SHARED_BYTES = 4 * 1024 * 1024;
export interface Shared { rule: string; requests: string; against?: string; compare?: string; filter?: string; show?: string; byRule?: string; selected?: number }

export async function pack(shared: Shared): Promise<string> {
  const stream = new Blob([JSON.stringify(shared)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return 'v1.' + btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** An address on this machine leads nobody else to a page: then the link is its fragment alone. */
export function address(fragment: string): string {
  const isLocal = /^(127\.|localhost$|\[::1\]$|0\.0\.0\.0$)/.test(location.hostname) || location.protocol === 'file:';
  return isLocal ? `#${fragment}` : `${location.origin}${location.pathname}#${fragment}`;
}

/** The fragment of a text that is nothing but a link to the page; an empty text otherwise. */
export function fragmentOf(text: string): string {
  return /^\s*\S*#(v1\.[A-Za-z0-9_-]+)\s*$/.exec(text)?.[1] ?? '';
}

export async function unpack(fragment: string): Promise<Shared> {
  if (fragment.length > MAX_SHARED_BYTES) throw new Error('it is longer than 4 MiB');
  if (fragment.startsWith('rule=')) {
    const parts = new URLSearchParams(fragment);
    return { rule: parts.get('rule') ?? '', requests: parts.get('requests') ?? '' };
  }
  if (!fragment.startsWith('v1.')) throw new Error('it is of another version of the preview, or its start is missing');
  let shared: any;
  try {
    shared = JSON.parse(await inflate(fragment.slice(3)));
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error('a part of it is missing or was changed on the way; ask for it again');
  }
  if (typeof shared?.rule !== 'string' || typeof shared.requests !== 'string') throw new Error('it has no rule or no requests in it');
  const text = (value: unknown) => typeof value === 'string' ? value : undefined;
  return {
    rule: shared.rule, requests: shared.requests, against: text(shared.against), compare: text(shared.compare), filter: text(shared.filter), show: text(shared.show), byRule: text(shared.byRule),
    selected: Number.isInteger(shared.selected) ? shared.selected : undefined,
  };
}

async function inflate(base64: string): Promise<string> {
  const text = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_SHARED_BYTES) { await reader.cancel(); throw new RangeError('it unpacks to more than 4 MiB'); }
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
  return new Blob(parts).text();
}
