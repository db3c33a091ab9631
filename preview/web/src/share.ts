// Rule and requests in the URL's fragment: it never leaves the browser.
// `v1.` and compressed JSON is what the page writes; `rule=…&requests=…`, percent-encoded, is what
// others write, as the vault's pages do.
const MAX_SHARED_BYTES = 4 * 1024 * 1024;
export interface Shared { rule: string; requests: string }

export async function pack(shared: Shared): Promise<string> {
  const stream = new Blob([JSON.stringify(shared)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return 'v1.' + btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export async function unpack(fragment: string): Promise<Shared> {
  if (fragment.length > MAX_SHARED_BYTES) throw new Error('the link is longer than 4 MiB');
  if (fragment.startsWith('rule=')) {
    const parts = new URLSearchParams(fragment);
    return { rule: parts.get('rule') ?? '', requests: parts.get('requests') ?? '' };
  }
  if (!fragment.startsWith('v1.')) throw new Error('the link is of another version of the preview');
  const text = atob(fragment.slice(3).replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_SHARED_BYTES) { await reader.cancel(); throw new Error('the link unpacks to more than 4 MiB'); }
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
  const shared = JSON.parse(await new Blob(parts).text());
  if (typeof shared.rule !== 'string' || typeof shared.requests !== 'string') throw new Error('the link is broken');
  return shared;
}
