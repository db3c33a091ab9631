// Makes the built folder work without a network: writes a service worker that keeps all of its files.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const worker = (version, files) => `const NAME = 'tidegate-preview-${version}';
const FILES = ${JSON.stringify(files)};
addEventListener('install', (event) => event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => skipWaiting())));
addEventListener('activate', (event) => event.waitUntil(caches.keys()
  .then((names) => Promise.all(names.filter((name) => name.startsWith('tidegate-preview-') && name !== NAME).map((name) => caches.delete(name))))
  .then(() => clients.claim())));
// The network first for the document, so that a new version is seen at once; what it names has its
// content in its name.
addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET' || new URL(event.request.url).origin !== location.origin) return;
  const kept = () => caches.match(event.request, { ignoreSearch: true });
  const fresh = () => fetch(event.request);
  event.respondWith(event.request.mode === 'navigate' ? fresh().catch(kept) : kept().then((found) => found ?? fresh()));
});
`;

export default function offline() {
  let folder = '';
  return {
    name: 'offline',
    configResolved: (config) => { folder = config.build.outDir; },
    closeBundle() {
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== 'sw.js')
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(folder, '/').length).replaceAll('\\', '/')).sort();
      const hash = createHash('sha256');
      for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));
      writeFileSync(join(folder, 'sw.js'), worker(hash.digest('hex').slice(0, 16), ['./', ...files.map((file) => `./${file}`)]));
    },
  };
}
