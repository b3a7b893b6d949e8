import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { clientSupport } from './client-support.ts'
import { recipes } from './recipes.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** `npm run console:dev` passes calls of the API to this lab. */
const LAB = process.env.SEALPOST_URL ?? 'http://127.0.0.1:8025'

export default defineConfig({
  root: here('.'),
  // The server sets the base of the document, so that the console works below any path.
  base: './',
  publicDir: here('public'),
  plugins: [clientSupport(), recipes()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: here('../dist/console'),
    emptyOutDir: true,
    // test/console/budget.test.ts counts the octets of the first screen with it.
    manifest: 'manifest.json',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // Small images stay files: the policy of the page allows them, and the script stays small.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Code that every page uses is one file: many small ones would wait for each other.
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: /console\/src\/(?:components|state|api|shell|texts\/index|router|base|pages\.ts)|node_modules\/(?:preact|@preact|wouter-preact|regexparam|lucide-preact)\//,
            },
            // Code that Mail and News share.
            {
              name: 'message',
              test: /console\/src\/pages\/mail\/(?:reader|search-box|compose|message-tabs|inert|use-\w+|tabs\/raw-text)\.tsx?$/,
            },
          ],
        },
      },
    },
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(['/api', '/mailpit'].map((path) => [path, { target: LAB, changeOrigin: true }])),
  },
})
