import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { run } from '../packages/common.mjs'
import { answers, freePort, start } from './processes.mjs'

/** The npm registry. Packages other than sealpost come from the registry of this machine. */
export async function startNpmRegistry(folder, env) {
  const port = await freePort()
  const uplink = run('npm', ['config', 'get', 'registry']).trim()
  const config = join(folder, 'verdaccio.yaml')
  writeFileSync(
    config,
    `storage: ${join(folder, 'verdaccio')}
uplinks: { npmjs: { url: ${uplink}, maxage: 30m, timeout: 120s } }
packages:
  sealpost: { access: $all, publish: $all }
  '**': { access: $all, proxy: npmjs }
max_body_size: 100mb
log: { type: stdout, level: error }
`,
  )
  const child = start('npx', ['--yes', 'verdaccio@6', '--config', config, '--listen', `127.0.0.1:${port}`], {
    env,
    cwd: folder,
  })
  await answers(port, child, 'verdaccio')
  return `http://127.0.0.1:${port}/`
}

/** Publishes a tarball as the workflow does, but without provenance, which only npm's own registry can verify. */
export function publish(tarball, registry, env) {
  const token = `${registry.replace('http:', '')}:_authToken`
  run(
    'npm',
    ['publish', tarball, '--registry', registry, `--${token}=rehearsal`, '--access', 'public', '--tag', 'latest'],
    { env },
  )
}

/** The image registry. */
export async function startImageRegistry(folder) {
  const port = await freePort()
  const config = join(folder, 'registry.yml')
  writeFileSync(
    config,
    `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${join(folder, 'registry')} } }
http: { addr: 127.0.0.1:${port} }
`,
  )
  await answers(port, start('docker-registry', ['serve', config]), 'docker-registry')
  return `127.0.0.1:${port}`
}

/**
 * Serves the files of a release as GitHub does: releases/latest/download redirects to the version.
 * @returns the port, and the certificate to trust
 */
export async function startGitHub(folder, { assets, repository, version }) {
  const [key, certificate] = [join(folder, 'github.key'), join(folder, 'github.pem')]
  const names = ['-subj', '/CN=github.com', '-addext', 'subjectAltName=DNS:github.com']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', certificate, ...names], {
    stdio: 'ignore',
  })
  const latest = `/${repository}/releases/latest/download/`
  const tagged = `/${repository}/releases/download/v${version}/`
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, ({ url = '' }, response) => {
    if (url.startsWith(latest)) return response.writeHead(302, { location: tagged + url.slice(latest.length) }).end()
    const file = join(assets, url.slice(tagged.length))
    if (!url.startsWith(tagged) || url.includes('..') || !existsSync(file)) return response.writeHead(404).end()
    response.writeHead(200, { 'content-length': statSync(file).size })
    createReadStream(file).pipe(response)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { port: server.address().port, certificate }
}

/** Makes curl find the release here, with the name and the certificate of github.com verified. */
export function redirectCurl(folder, { port, certificate }) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, '.curlrc'),
    `connect-to = "github.com:443:127.0.0.1:${port}"\ncacert = "${certificate}"\nnoproxy = "*"\n`,
  )
}
