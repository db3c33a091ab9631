import { defineConfig } from 'vite';
import compress from './compress.js';
import offline from './offline.js';

// Relative addresses, so that the folder can be served from anywhere.
export default defineConfig({ base: './', plugins: [compress(), offline()], worker: { format: 'es' }, build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } } });
