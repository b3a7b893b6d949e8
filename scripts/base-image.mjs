// Pins the base image of docker/Dockerfile to the digest that its tag has now.
//   node scripts/base-image.mjs update [FILE]   writes the current digest into the line ARG NODE_IMAGE=… of a Dockerfile
//   node scripts/base-image.mjs check [FILE]    fails with status 1 if that line has no digest, or an outdated one
// Status 2: the registry cannot be reached. Nothing is changed then.
// Protocol: OCI Distribution Specification, section "Pulling manifests"; tokens as Docker's registries issue them.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const LINE = /^(ARG NODE_IMAGE=)([^\s@]+)(?:@(sha256:[0-9a-f]{64}))?$/m
const TIMEOUT_MS = 20_000
/** The digest of an index, which stands for the images of all platforms. */
const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]

const [task, file = fileURLToPath(new URL('../docker/Dockerfile', import.meta.url))] = process.argv.slice(2)
if (task !== 'update' && task !== 'check') {
  console.error('usage: node scripts/base-image.mjs update|check [FILE]')
  process.exit(2)
}
const text = readFileSync(file, 'utf8')
const [, , image, pinned] = LINE.exec(text) ?? []
if (image === undefined) {
  console.error(`base-image: ${file} has no line "ARG NODE_IMAGE=…"`)
  process.exit(2)
}

const current = await currentDigest(image).catch((error) => {
  console.error(`base-image: no digest of ${image}: ${error.cause?.message ?? error.message}`)
  console.error(`base-image: nothing was changed; ${file} names ${pinned ?? 'no digest'}.`)
  console.error('base-image: run it again where the registry can be reached, and commit the changed line.')
  process.exit(2)
})
if (current === pinned) console.log(`${image} is pinned to ${current}, which is current`)
else if (task === 'check') {
  console.error(
    `base-image: ${file} names ${pinned ?? 'no digest'}, but ${image} is ${current}; run: npm run docker:base`,
  )
  process.exitCode = 1
} else {
  writeFileSync(file, text.replace(LINE, `$1$2@${current}`))
  console.log(`${image}: ${pinned ?? 'not pinned'} → ${current}`)
}

/** Returns the digest that a tag has now. @throws if the registry cannot be reached, or says no */
async function currentDigest(name) {
  const [, host, repository, tag = 'latest'] = /^([^/]+)\/(.+?)(?::([^:/]+))?$/.exec(name) ?? []
  if (host === undefined) throw new Error('write the image with its registry, as docker.io/library/node:24')
  // As with Docker, a registry of this machine has no TLS.
  const base = host === 'docker.io' ? 'https://registry-1.docker.io' : `${isLocal(host) ? 'http' : 'https'}://${host}`
  const url = `${base}/v2/${repository}/manifests/${tag}`
  const ask = (headers = {}) =>
    fetch(url, {
      method: 'HEAD',
      headers: { accept: INDEX_TYPES.join(', '), ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  let response = await ask()
  if (response.status === 401) response = await ask({ authorization: `Bearer ${await token(response)}` })
  const digest = response.headers.get('docker-content-digest')
  if (!response.ok || !/^sha256:[0-9a-f]{64}$/.test(digest ?? '')) throw new Error(`${url}: status ${response.status}`)
  return digest
}

function isLocal(host) {
  return /^(?:localhost|127(?:\.\d+){3})(?::|$)/.test(host)
}

/** Returns a token for the challenge of a response, without an account. */
async function token(response) {
  const challenge = response.headers.get('www-authenticate') ?? ''
  const { realm, ...rest } = Object.fromEntries(
    Array.from(challenge.matchAll(/(\w+)="([^"]*)"/g), ([, key, value]) => [key, value]),
  )
  if (realm === undefined) throw new Error(`the registry asks for credentials: ${challenge}`)
  const answer = await fetch(`${realm}?${new URLSearchParams(rest)}`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!answer.ok) throw new Error(`${realm}: status ${answer.status}`)
  const body = await answer.json()
  return body.token ?? body.access_token
}
