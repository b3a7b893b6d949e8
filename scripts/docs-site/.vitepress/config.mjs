// The site of the documentation. `npm run docs` builds it. The pages are the Markdown files of the project, as they are;
// docs/index.md is the home page and gives the groups of the navigation.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../../..', import.meta.url))
/** Files outside docs/ that are pages, and their names on the site. */
const OTHERS = {
  'README.md': 'introduction',
  'CHANGELOG.md': 'changelog',
  'CONTRIBUTING.md': 'contributing',
  'SECURITY.md': 'vulnerabilities',
  'console/README.md': 'console-source',
}
const isPage = (path) => /^docs\/(?:[^/]+\/)?[^/]+\.md$/.test(path) || Object.hasOwn(OTHERS, path)

/** Address of the other files, such as https://git.example.test/sealpost/-/blob/main. Default: nowhere. */
const sources = process.env.DOCS_SOURCES

const pageOf = (path) => `/${OTHERS[path] ?? path.replace(/^docs\//, '').replace(/(?<=^|\/)index\.md$|\.md$/, '')}`

/** Returns the links at the top of docs/index.md, and its groups. A page with a folder of pages has these below it. */
function sidebar() {
  const groups = [{ text: 'Start', items: [] }]
  for (const line of readFileSync(join(project, 'docs/index.md'), 'utf8').split('\n')) {
    const heading = /^## (.*)$/.exec(line)?.[1]
    if (heading) groups.push({ text: heading, items: [] })
    if (!line.startsWith('- ')) continue
    const pages = itemsOf(line, 'docs').filter(({ file }) => isPage(file))
    groups.at(-1).items.push(...pages.map((item) => ({ ...item, ...pagesBelow(item.file) })))
  }
  return groups
}

/** Returns the links of a text in a folder as items of the navigation. */
const itemsOf = (markdown, folder) =>
  [...markdown.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)].map(([, text, link]) => {
    const file = relative(project, resolve(project, folder, link))
    return { file, text: text[0].toUpperCase() + text.slice(1), link: pageOf(file) }
  })

/** Returns the pages that docs/NAME/index.md, or docs/NAME.md beside a folder docs/NAME, links in that folder. */
function pagesBelow(file) {
  const folder = file.replace(/(?:\/index)?\.md$/, '')
  if (folder === 'docs' || !existsSync(join(project, folder))) return {}
  const items = itemsOf(readFileSync(join(project, file), 'utf8'), dirname(file))
  return {
    collapsed: true,
    items: items.filter((item) => item.file.startsWith(`${folder}/`) && !item.file.includes('#')),
  }
}

/** Turns the links between files into links between pages. Links to other files lead to their sources, or are removed. */
function linkFiles(md) {
  md.core.ruler.push('files', ({ tokens, env }) => {
    for (const { children } of tokens) {
      const dropped = []
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const target = targetOf(token.attrGet('href') ?? '', fileOf(env.relativePath))
          dropped.push(target === undefined)
          if (target !== undefined) token.attrSet('href', target)
        }
        const isDropped = token.type === 'link_open' ? dropped.at(-1) : token.type === 'link_close' && dropped.pop()
        if (isDropped) Object.assign(token, { type: 'text', tag: '', content: '', nesting: 0 })
      }
    }
  })
}

/** Returns the anchor of a heading as GitHub does, for which the pages are written. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')

/** Returns the file of a page, undoing `rewrites`. */
function fileOf(page) {
  const other = Object.keys(OTHERS).find((file) => `${OTHERS[file]}.md` === page)
  return other ?? join('docs', page)
}

/** Returns where a link of a page leads to on the site; undefined if nowhere. */
function targetOf(href, page) {
  if (/^(?:[a-z]+:|#|\/)/i.test(href)) return href
  const [path, fragment] = href.split('#')
  const file = relative(project, resolve(project, dirname(page), path))
  // A link to a missing file is left for the check of dead links.
  if (isPage(file) || !existsSync(join(project, file)))
    return pageOf(file) + (fragment === undefined ? '' : `#${fragment}`)
  return sources === undefined ? undefined : `${sources}/${file}`
}

/** @type {import('vitepress').UserConfig} https://vitepress.dev/reference/site-config */
export default {
  title: 'Sealpost',
  description: 'A mock mail and news server that serves any certificate you install.',
  lang: 'en',
  // Browsers would ask for /favicon.ico.
  head: [
    ['link', { rel: 'icon', href: 'data:,' }],
    // Long lines must not make a page wider than a phone. Help of 80 columns must fit beside both navigations at 1280 px.
    // The theme knows code blocks with ``` only.
    [
      'style',
      {},
      ':root { --vp-code-font-size: 13px } @media (min-width: 960px) { .VPDoc.has-aside .container > .content { padding-inline: 0 !important } } ' +
        '.vp-doc :not(pre) > code { overflow-wrap: anywhere } .vp-doc pre { overflow-x: auto } .vp-doc pre:not(.vp-code) { padding: 16px 24px; border-radius: 8px; background: var(--vp-code-block-bg) }',
    ],
  ],
  srcDir: project,
  srcExclude: [
    '**/node_modules/**',
    ...['test', 'clients', 'docker', 'examples', 'packaging', 'servers', 'src', 'scripts', 'certs', 'dist', 'data'].map(
      (folder) => `${folder}/**`,
    ),
  ],
  outDir: join(project, 'dist-docs'),
  cacheDir: join(project, 'node_modules/.vitepress'),
  rewrites: {
    'docs/:page.md': ':page.md',
    'docs/:folder/:page.md': ':folder/:page.md',
    ...Object.fromEntries(Object.entries(OTHERS).map(([file, name]) => [file, `${name}.md`])),
  },
  cleanUrls: true,
  markdown: { config: linkFiles, anchor: { slugify } },
  ignoreDeadLinks: 'localhostLinks',
  // The index of the search has the words of all pages. A browser loads it when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  themeConfig: {
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
    docFooter: { prev: false, next: false },
  },
}
