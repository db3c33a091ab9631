// Compresses the engine before it is bundled: any server of static files then sends a third of its bytes,
// and the page unpacks them itself.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';

const MODULE = fileURLToPath(new URL('./src/engine/preview_bg.wasm', import.meta.url));

export default function compress() {
  return {
    name: 'compress',
    buildStart() {
      writeFileSync(`${MODULE}.gz`, gzipSync(readFileSync(MODULE), { level: constants.Z_BEST_COMPRESSION }));
    },
  };
}
