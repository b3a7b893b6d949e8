// Runs the clients of scripts/client-audit/clients.mjs through `sealpost audit` and writes the results into
// docs/client-audit.md, between its markers. Linux only: each client gets a hosts file of its own, so that it uses the
// servers' names.
//   node scripts/client-audit.mjs [--results FOLDER] [TITLE …]
// Debian: apt-get install curl fetchmail getmail6 gnutls-bin isync libio-socket-ssl-perl libjakarta-mail-java libnss3-tools
//   mpop msmtp mutt neomutt offlineimap3 s-nail slrnpull suck swaks tin default-jdk-headless
// FOLDER keeps the results. Clients that have results there run again only if their titles are given.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { clients } from './client-audit/clients.mjs'
import { measured } from './client-audit/page.mjs'

/** Runs a command with the audit's hosts file as /etc/hosts. */
const WITH_HOSTS = [
  ...['unshare', '--map-root-user', '--mount', 'sh', '-c'],
  'mount --bind "$AUDIT_HOSTS_FILE" /etc/hosts && export AUDIT_HOST="$AUDIT_HOSTNAME" && exec "$@"',
  'sh',
]
/** Clients that run at the same time, and runs of each. */
const CLIENTS = 2
const JOBS = 2

const { values, positionals } = parseArgs({ allowPositionals: true, options: { results: { type: 'string' } } })
const kept = values.results && resolve(values.results)
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'sealpost-client-audit-'))
const results = kept ?? folder
mkdirSync(results, { recursive: true })

const isInstalled = (program) => spawnSync('which', [program]).status === 0
const fileOf = ({ title }) => join(results, `${title.replaceAll(/\W+/g, '-')}.json`)

/** Runs one client, and keeps its version and results. */
async function audit(client) {
  client.prepare?.()
  const env = Object.fromEntries(
    Object.entries(client.env ?? {}).map(([name, value]) => [
      name,
      typeof value === 'function' ? value(client.title) : value,
    ]),
  )
  const options = ['--json', '--jobs', String(JOBS), '--by-address', '--protocol', ...client.protocols]
  const form = client.form ? ['--form', client.form] : []
  const args = ['dist/src/cli/main.js', 'audit', ...options, ...form, '--', ...WITH_HOSTS, ...client.command]
  const child = spawn('node', args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  await new Promise((done) => child.on('close', done))
  if (output.stdout === '') throw new Error(`${client.title}: ${output.stderr}`)
  const { counts, results: rows } = JSON.parse(output.stdout)
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(fileOf(client), JSON.stringify({ version: client.version(), date, rows }))
  console.log(`${client.title}: ${JSON.stringify(counts)}`)
}

const all = clients(folder)
const unknown = positionals.find((title) => !all.some((client) => client.title === title))
if (unknown) throw new Error(`no client "${unknown}"; there are: ${all.map(({ title }) => title).join(', ')}`)
const missing = (client) =>
  (client.needs ?? [client.command[0] === 'sh' ? client.title : client.command[0]]).filter((one) => !isInstalled(one))
const wanted = all.filter((client) =>
  positionals.length > 0 ? positionals.includes(client.title) : !existsSync(fileOf(client)),
)
const queue = wanted.filter((client) => {
  const programs = missing(client)
  if (programs.length > 0) console.warn(`${client.title}: not run, not installed: ${programs.join(', ')}`)
  return programs.length === 0
})
const worker = async () => {
  for (let client = queue.shift(); client; client = queue.shift()) {
    try {
      await audit(client)
    } catch (error) {
      console.error(error.message)
      process.exitCode = 1
    }
  }
}
await Promise.all(Array.from({ length: CLIENTS }, worker))

const done = all.flatMap((client) =>
  existsSync(fileOf(client)) ? [{ ...client, ...JSON.parse(readFileSync(fileOf(client), 'utf8')) }] : [],
)
const page = 'docs/client-audit.md'
const text = readFileSync(page, 'utf8')
writeFileSync(
  page,
  text.replace(/(<!-- measured -->\n)[^]*(\n<!-- end -->)/, (_, open, close) => open + measured(done) + close),
)
rmSync(folder, { recursive: true })
