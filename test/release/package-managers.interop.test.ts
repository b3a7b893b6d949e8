import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'vitest'
import { needs } from '../support/programs.ts'
import { EmptyProject } from './installed.ts'

/** Versions that run on every Node.js that Sealpost supports. */
const PNPM = 'pnpm@10'
const YARN_CLASSIC = 'yarn@1.22'
const YARN = '@yarnpkg/cli-dist@4'

const hasCurl = needs('curl')

let project: EmptyProject
beforeEach(() => {
  project = new EmptyProject()
})
afterEach(() => project.remove())

test.runIf(hasCurl)('pnpm installs the tarball: it receives a mail and shows it', async () => {
  project.run('npx', ['--yes', PNPM, 'add', project.tarball])
  await project.expectReceivesMail(['node_modules/.bin/sealpost'])
})

test.runIf(hasCurl)('Yarn 1 installs the tarball: it receives a mail and shows it', async () => {
  project.run('npx', ['--yes', YARN_CLASSIC, 'add', project.tarball])
  await project.expectReceivesMail(['node_modules/.bin/sealpost'])
})

// Without node_modules: each package finds only what it declares.
test.runIf(hasCurl)('Yarn 4 installs the tarball with Plug’n’Play: it receives a mail and shows it', async () => {
  const registry = project.run('npm', ['config', 'get', 'registry']).trim()
  const settings = { enableTelemetry: false, npmRegistryServer: registry, unsafeHttpWhitelist: ['*'] }
  writeFileSync(join(project.folder, '.yarnrc.yml'), JSON.stringify(settings))
  writeFileSync(join(project.folder, 'yarn.lock'), '')
  const yarn = ['npx', '--yes', '--package', YARN, 'yarn'] as const
  project.run(yarn[0], [...yarn.slice(1), 'add', `sealpost@file:${project.tarball}`])
  await project.expectReceivesMail([...yarn, 'sealpost'])
})
