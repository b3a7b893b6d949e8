// Builds the site of the documentation into dist-docs/, or shows it while pages are written. VitePress is downloaded by npx.
//   node scripts/docs-site.mjs [build|dev]
// DOCS_SOURCES is the address that links to files outside the documentation lead to.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [command = 'build'] = process.argv.slice(2)
const site = fileURLToPath(new URL('docs-site', import.meta.url))
const args = ['--yes', '--package', 'vitepress@1.6.4', 'vitepress', command, site]
process.exitCode = spawnSync('npx', args, { stdio: 'inherit', shell: process.platform === 'win32' }).status ?? 1
