// How pages say that Sealpost is installed: today from a checkout, later from registries. `npm run release` turns the pages.
//   node scripts/install-lines.mjs [--check]    writes the blocks between <!-- install-lines: NAME --> and <!-- end -->
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository on GitHub whose releases people install, `owner/name`. Undefined: nothing is published. */
export const publishedAt = undefined

/** Pages with blocks, and files that name the image. */
export const PAGES = [
  'README.md',
  'docs/index.md',
  'docs/testing.md',
  'docs/installing.md',
  'docs/docker.md',
  'docs/recipes/index.md',
  'docs/recipes/cypress.md',
  'docs/recipes/express.md',
  'docs/recipes/imapflow.md',
  'docs/recipes/jest.md',
  'docs/recipes/microsoft-365.md',
  'docs/recipes/nestjs.md',
  'docs/recipes/nextjs.md',
  'docs/recipes/nodemailer.md',
  'docs/recipes/outlook-express.md',
  'docs/recipes/php-mail.md',
  'docs/recipes/playwright.md',
  'docs/recipes/vitest.md',
  'docs/recipes/docker-compose.md',
  'docs/recipes/github-actions.md',
  'docs/recipes/gitlab.md',
  'docs/recipes/kubernetes.md',
  'docker/kubernetes/example/kustomization.yaml',
  'packaging/helm/sealpost/Chart.yaml',
  'packaging/helm/sealpost/values.yaml',
]

const PORTS = '-p 127.0.0.1:3025:25 -p 127.0.0.1:8025:8025'

/** The lines that install a release, by name. scripts/release-rehearse.mjs runs each of them, word for word. */
export function releaseLines(repository) {
  const download = `https://github.com/${repository}/releases/latest/download`
  return {
    npx: 'npx sealpost start',
    npm: 'npm install --save-dev sealpost',
    image: `docker run --rm ${PORTS} ghcr.io/${repository}`,
    binary: `curl -fsSL ${download}/sealpost-linux-x64.tar.xz | tar -xJ && ./sealpost start`,
    deb: `curl -fsSLO ${download}/sealpost_amd64.deb && sudo apt install ./sealpost_amd64.deb && sealpost start`,
  }
}

const REMARKS = {
  npx: 'Node.js 20 (20.19 or later), or 22.3 or later',
  npm: 'for tests, in a project',
  image: 'Docker or podman',
  binary: 'one file, without Node.js; also for arm64, macOS (darwin) and Windows (.zip)',
  deb: 'Debian and Ubuntu; service: sudo systemctl enable --now sealpost',
}

/** A code block of commands, each below its remark. */
const shell = (rows) => `\`\`\`sh\n${rows.map(([remark, line]) => `# ${remark}\n${line}\n`).join('')}\`\`\``

const released = ({ repository }) =>
  shell(Object.entries(releaseLines(repository)).map(([name, line]) => [REMARKS[name], line]))

const fromCheckout = ({ version }) =>
  shell([
    ['the checkout itself', 'npm ci && npm start'],
    [
      'a tarball, for a project beside the checkout',
      `npm pack && cd ../my-app && npm install --save-dev ../sealpost/sealpost-${version}.tgz`,
    ],
    ['an image', `docker build -f docker/Dockerfile -t sealpost . && docker run --rm ${PORTS} sealpost`],
  ])

const tarball = ({ version }) => `    cd sealpost && npm ci && npm pack              # writes sealpost-${version}.tgz
    cd ../my-application
    npm install --save-dev ../sealpost/sealpost-${version}.tgz`

/** The text of each block, before and after the first release. */
const blocks = {
  install: {
    before: (state) => `Nothing is published yet. Today, in the checkout \`sealpost\`:

${fromCheckout(state)}`,
    after: (state) => `${released(state)}

From a checkout: \`npm ci && npm start\`. [Installing](docs/installing.md) lists all packages.`,
  },
  path: {
    before: ({ version }) =>
      `In a project or a checkout, write \`npx sealpost\` where pages write \`sealpost\`. \`npm install -g sealpost-${version}.tgz\` (the file that \`npm pack\` writes) puts \`sealpost\` and \`sealpost-sendmail\` on the PATH.`,
    after: () =>
      'In a project or a checkout, write `npx sealpost` where pages write `sealpost`. `npm install -g sealpost` puts `sealpost` and `sealpost-sendmail` on the PATH.',
  },
  library: {
    before: (
      state,
    ) => `No release is published yet, so \`npm install --save-dev sealpost\` fails with E404. From a checkout:

${tarball(state)}`,
    after: (state) => `    npm install --save-dev sealpost

From a checkout:

${tarball(state)}`,
  },
  image: {
    before: () =>
      'Nothing is published yet. Where a page installs `sealpost` from npm, install the file that `npm pack` writes in a checkout ([how](../testing.md#installing)). `npx sealpost` then works in that project. Where a page has `ghcr.io/OWNER/sealpost`, build the image ([docker.md](../docker.md)), push it to your registry, and write its name instead.',
    after: ({ repository }) => `The image is \`ghcr.io/${repository}\` ([docker.md](../docker.md)).`,
  },
  package: {
    before: () =>
      'Nothing is published yet: in place of the package `sealpost`, install the file that `npm pack` writes in a checkout ([how](../testing.md#installing)).',
    after: () => 'You need Node.js 20.19 or later, or 22.3 or later.',
  },
  status: {
    before: () => '**Status**: before the first release; [CHANGELOG.md](CHANGELOG.md) says what is in it.',
    after: ({ version }) => `**Status**: ${version}; [CHANGELOG.md](CHANGELOG.md) says what is new.`,
  },
  packages: {
    before: () =>
      'Nothing is published yet. The files below come with the first release; until then, make them in a checkout ([releasing](releasing.md#by-hand)).',
    after: ({ repository }) => `The files below are at https://github.com/${repository}/releases.`,
  },
}

/** Stands for the repository until the first release. */
export const UNKNOWN_REPOSITORY = 'OWNER/sealpost'

const BLOCK = /(<!-- install-lines: (\w+) -->\n)(?:(?!<!-- end -->)[^])*(<!-- end -->)/g

/**
 * Returns a page as it is before (`published` undefined) or after the first release.
 * @throws Error if it has a block that does not exist
 */
export function render(page, { version, published }) {
  const state = { version, repository: published ?? UNKNOWN_REPOSITORY }
  const text = page.replace(BLOCK, (_, begin, name, end) => {
    if (!Object.hasOwn(blocks, name)) throw new Error(`there is no block "${name}"`)
    return `${begin}${blocks[name][published === undefined ? 'before' : 'after'](state)}\n${end}`
  })
  return published === undefined ? text : text.replaceAll(UNKNOWN_REPOSITORY, published)
}

/** Writes the pages below a folder, and returns the names of those that have changed. */
export function writePages(folder, state, { check = false } = {}) {
  return PAGES.filter((path) => {
    const file = `${folder}/${path}`
    const before = readFileSync(file, 'utf8')
    const after = render(before, state)
    if (after !== before && !check) writeFileSync(file, after)
    return after !== before
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = fileURLToPath(new URL('..', import.meta.url))
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const check = process.argv.includes('--check')
  const changed = writePages(folder, { version, published: publishedAt }, { check })
  for (const path of changed) console.log(`${path}: ${check ? 'is out of date' : 'written'}`)
  if (check && changed.length > 0) process.exitCode = 1
}
