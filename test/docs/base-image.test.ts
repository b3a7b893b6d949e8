import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newFolder } from '../support/folder.ts'
import { freePort } from '../support/free-ports.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const OLD = `sha256:${'0'.repeat(64)}`
const CURRENT = `sha256:${'c'.repeat(64)}`
let folder: string
let registry: Server
let asked: string[]

/** A registry that gives a digest to whoever has a token, and a token to everybody. */
beforeEach(async () => {
  folder = newFolder()
  asked = []
  registry = createServer(({ method, url, headers }, response) => {
    const { port } = registry.address() as AddressInfo
    asked.push(`${method} ${url}`)
    if (url?.startsWith('/token')) response.end('{"token":"abc"}')
    else if (headers.authorization !== 'Bearer abc') {
      const challenge = `Bearer realm="http://127.0.0.1:${port}/token",service="registry",scope="repository:library/node:pull"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
    } else if (headers.accept?.includes('application/vnd.oci.image.index.v1+json')) {
      response.writeHead(200, { 'docker-content-digest': CURRENT }).end()
    } else response.writeHead(404).end()
  })
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
})
afterEach(() => {
  registry.close()
})

/** Runs a task on a Dockerfile with this image. Returns its status, what it said and the image afterwards. */
async function run(task: string, image: string) {
  const file = join(folder, 'Dockerfile')
  writeFileSync(file, `# first\nARG NODE_IMAGE=${image}\nFROM \${NODE_IMAGE}\n`)
  const child = spawn(process.execPath, ['scripts/base-image.mjs', task, file], { cwd: repository })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  const [status] = (await once(child, 'close')) as [number]
  const [, after] = /^# first\nARG NODE_IMAGE=(.*)\nFROM \$\{NODE_IMAGE\}\n$/.exec(readFileSync(file, 'utf8')) ?? []
  return { status, said, after }
}

const image = (): string => `127.0.0.1:${(registry.address() as AddressInfo).port}/library/node:24-trixie-slim`

test.each([
  ['without a digest', ''],
  ['with an old digest', `@${OLD}`],
])('update pins an image %s to the digest of its tag', async (_, digest) => {
  expect(await run('update', image() + digest)).toMatchObject({ status: 0, after: `${image()}@${CURRENT}` })
  expect(asked).toEqual([
    'HEAD /v2/library/node/manifests/24-trixie-slim',
    'GET /token?service=registry&scope=repository%3Alibrary%2Fnode%3Apull',
    'HEAD /v2/library/node/manifests/24-trixie-slim',
  ])
})

test.each([
  ['no digest', '', 1],
  ['an old digest', `@${OLD}`, 1],
  ['the current digest', `@${CURRENT}`, 0],
])('check of an image with %s', async (_, digest, status) => {
  expect(await run('check', image() + digest)).toMatchObject({ status, after: image() + digest })
})

test('without the registry, nothing changes, and the message says what to do', async () => {
  const unreachable = `127.0.0.1:${await freePort()}/library/node:24@${OLD}`
  for (const task of ['update', 'check']) {
    const { status, said, after } = await run(task, unreachable)
    expect([status, after]).toEqual([2, unreachable])
    expect(said).toMatch(/nothing was changed.*run it again where the registry can be reached/s)
  }
})

test('the Dockerfile of the image has the line that the script writes', () => {
  const dockerfile = readFileSync(join(repository, 'docker/Dockerfile'), 'utf8')
  expect(dockerfile).toMatch(/^ARG NODE_IMAGE=docker\.io\/library\/node:24-trixie-slim(?:@sha256:[0-9a-f]{64})?$/m)
})
