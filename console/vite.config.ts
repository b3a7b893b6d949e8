import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** `npm run console:dev` passes calls of the API to this lab. */
const LAB = process.env.SEALPOST_URL ?? 'http://127.0.0.1:8025'

export default defineConfig({
  root: here('.'),
  // The server sets the base of the document, so that the console works below any path.
  base: './',
  publicDir: here('public'),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: here('../dist/console'),
    emptyOutDir: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // Small images stay files: the policy of the page allows them, and the script stays small.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(['/api', '/mailpit'].map((path) => [path, { target: LAB, changeOrigin: true }])),
  },
})
