import { defineConfig } from 'vite';

// Relative addresses, so that the folder can be served from anywhere.
export default defineConfig({ base: './', worker: { format: 'es' }, build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } } });
