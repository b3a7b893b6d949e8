import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../packages/common.mjs'
import { freeOffset } from './processes.mjs'

const words = (text = '') => text.split(/\s+/).filter(Boolean)
/** As for docker/test.sh: options of podman before its command, for builds, and for `run`. */
const { GLOBAL_FLAGS, BUILD_FLAGS, RUN_FLAGS, BASE_IMAGE } = process.env
const podman = (...args) => run('podman', [...words(GLOBAL_FLAGS), ...args])

/** Ports of the image, and those that README's line publishes. */
const INSIDE = [25, 587, 465, 110, 995, 143, 993, 119, 563, 8025, 8443]
const PUBLISHED = { smtp: 3025, http: 8025 }
const TOKEN = 'only-for-the-rehearsal'
const MANIFESTS = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'

/** Builds the image of docker/Dockerfile with podman. */
export function buildImage(tag) {
  const base = BASE_IMAGE ? ['--build-arg', `NODE_IMAGE=${BASE_IMAGE}`] : []
  // Only the image format of Docker has health checks.
  podman('build', '--format', 'docker', ...words(BUILD_FLAGS), ...base, '-f', 'docker/Dockerfile', '-t', tag, '.')
  return tag
}

/** The published image: pushed to the registry of the rehearsal, which stands for ghcr.io. */
export class PublishedImage {
  #folder
  #registry
  #name
  #isOnHost = /--network[ =]host/.test(RUN_FLAGS ?? '')

  constructor(folder, registry, repository) {
    this.#folder = folder
    this.#registry = registry
    this.#name = repository
    writeFileSync(
      join(folder, 'registries.conf'),
      `[[registry]]\nprefix = "ghcr.io"\nlocation = "${registry}"\ninsecure = true\n`,
    )
  }

  get #reference() {
    return `ghcr.io/${this.#name}`
  }

  push(image, version) {
    for (const tag of [version, 'latest'])
      podman('push', '--quiet', '--tls-verify=false', image, `docker://${this.#registry}/${this.#name}:${tag}`)
  }

  async #manifest() {
    const response = await fetch(`http://${this.#registry}/v2/${this.#name}/manifests/latest`, {
      headers: { accept: MANIFESTS },
    })
    return { digest: response.headers.get('docker-content-digest'), ...(await response.json()) }
  }

  /** Signs the image with the throw-away key, and verifies the signature. */
  async sign() {
    const { digest } = await this.#manifest()
    const image = `${this.#registry}/${this.#name}@${digest}`
    const options = ['--allow-insecure-registry', '--allow-http-registry']
    const env = { COSIGN_PASSWORD: 'rehearsal' }
    run(
      'cosign',
      ['sign', '--key', join(this.#folder, 'cosign.key'), '--tlog-upload=false', '--yes', ...options, image],
      { env },
    )
    run('cosign', ['verify', '--key', join(this.#folder, 'cosign.pub'), '--insecure-ignore-tlog', ...options, image])
    return `valid for ${digest.slice(0, 19)}…`
  }

  /** Compressed in the registry, and unpacked here, in megabytes. */
  async sizes() {
    const { config, layers } = await this.#manifest()
    const download = [config, ...layers].reduce((sum, { size }) => sum + size, 0) / 1e6
    return { download, disk: Number(podman('image', 'inspect', '--format', '{{.Size}}', this.#reference)) / 1e6 }
  }

  /**
   * Writes a program `docker` that is podman, with its registry and a known token. Without a network of its own, the lab in
   * the container has other ports. Returns the ports of this machine.
   */
  async writeDocker(folder) {
    const offset = this.#isOnHost ? await freeOffset(INSIDE) : 0
    const settings = `-e SEALPOST_PORT_OFFSET=${offset} -e 'SEALPOST_ACCESS_TOKENS=[{ name: rehearsal, token: ${TOKEN} }]'`
    writeFileSync(
      join(folder, 'docker'),
      `#!/bin/sh
export CONTAINERS_REGISTRIES_CONF='${join(this.#folder, 'registries.conf')}'
[ "$1" = run ] || exit 2
shift
exec podman ${GLOBAL_FLAGS ?? ''} run ${RUN_FLAGS ?? ''} ${settings} "$@"
`,
    )
    chmodSync(join(folder, 'docker'), 0o755)
    const ports = this.#isOnHost ? { smtp: 25 + offset, http: 8025 + offset } : PUBLISHED
    return { ...ports, headers: { authorization: `Bearer ${TOKEN}` } }
  }

  remove() {
    podman('rmi', '--force', this.#reference)
  }
}
