// Runs the clients of examples/audit through `sealpost audit` and writes the results into docs/client-audit.md, between its
// markers. Names below localhost must resolve to this machine; otherwise some clients are not tested with wildcard names.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const first = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).trim().split('\n')[0]
const packaged = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version
const node = `Node.js ${process.version}, OpenSSL ${process.versions.openssl}`
const script = (...words) => words

const clients = [
  [
    'nodemailer',
    ['smtp'],
    script('node', 'examples/audit/nodemailer.mjs'),
    () => `nodemailer ${packaged('nodemailer')} (${node})`,
  ],
  ['swaks', ['smtp'], script('sh', 'examples/audit/swaks.sh'), () => first('swaks', '--version')],
  [
    'curl',
    ['smtp', 'pop3', 'imap4'],
    script('sh', 'examples/audit/curl.sh'),
    () => first('curl', '--version').replace(/ \(.*\) (libcurl\S*) (\S+) .*/, ' ($2)'),
  ],
  [
    'Python',
    ['smtp', 'pop3', 'imap4'],
    script('python3', 'examples/audit/python.py'),
    () => `${first('python3', '--version')} (${first('python3', '-c', 'import ssl; print(ssl.OPENSSL_VERSION)')})`,
  ],
  [
    'fetchmail',
    ['pop3', 'imap4'],
    script('sh', 'examples/audit/fetchmail.sh'),
    () =>
      first('fetchmail', '--version')
        .replace(/^This is /, '')
        .replace(/\+.*/, ''),
  ],
  ['mbsync', ['imap4'], script('sh', 'examples/audit/mbsync.sh'), () => first('mbsync', '--version')],
  [
    'imapflow',
    ['imap4'],
    script('node', 'examples/audit/imapflow.mjs'),
    () => `imapflow ${packaged('imapflow')} (${node})`,
  ],
]

const folder = mkdtempSync(join(tmpdir(), 'sealpost-client-audit-'))
const columns = []
for (const [title, protocols, command, version] of clients) {
  const args = ['dist/src/cli/main.js', 'audit', '--json', '--jobs', '3', '--protocol', ...protocols, '--', ...command]
  const ran = spawnSync('node', args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (ran.status > 1) throw new Error(ran.stderr)
  const { results } = JSON.parse(ran.stdout)
  writeFileSync(join(folder, `${title}.json`), JSON.stringify(results, null, 1))
  for (const protocol of protocols)
    columns.push({ title, protocol, version: version(), results: results.filter((one) => one.protocol === protocol) })
  console.log(title, ran.status)
}

const signs = { safe: '·', unsafe: '**UNSAFE**', lax: 'lax', unable: 'unable', untested: '?' }
const both = (results, name) => {
  const verdicts = [
    ...new Set(results.filter((one) => one.name === name).map(({ form, verdict }) => [form, signs[verdict]].join(' '))),
  ]
  const words = verdicts.map((one) => one.split(' ').slice(1).join(' '))
  if (verdicts.length === 0) return ''
  return words.every((word) => word === words[0])
    ? words[0]
    : verdicts.map((one) => one.replace(/^(\S+) (.*)$/, '$2 ($1)')).join(', ')
}
const names = [
  ...new Map(columns.flatMap(({ results }) => results.map(({ name, expectation }) => [name, expectation]))),
]
const table = [
  ['Server', 'A safe client would', ...columns.map(({ title, protocol }) => `${title} ${protocol}`)],
  ['---', '---', ...columns.map(() => '---')],
  ...names.map(([name, expectation]) => [
    `\`${name}\``,
    expectation,
    ...columns.map(({ results }) => both(results, name)),
  ]),
].map((row) => `| ${row.join(' | ')} |`)
const versions = [...new Map(columns.map(({ title, version }) => [title, version])).values()].map(
  (version) => `- ${version}`,
)
const details = columns.flatMap(({ title, results }) =>
  results
    .filter(({ verdict }) => verdict === 'unsafe' || verdict === 'unable')
    .map(
      ({ verdict, name, protocol, form, detail }) =>
        `| ${verdict} | ${title} | \`${name}\` | ${protocol} ${form} | ${detail.replaceAll('|', '\\|').slice(0, 160)} |`,
    ),
)
const text = [
  `Measured on ${new Date().toISOString().slice(0, 10)}, with`,
  '',
  ...versions,
  '',
  ...table,
  '',
  '### Details',
  '',
  '| Verdict | Client | Server | | The client’s message |',
  '|---|---|---|---|---|',
  ...details,
].join('\n')
const page = 'docs/client-audit.md'
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(
    /(<!-- measured -->\n)[^]*(\n<!-- end -->)/,
    (_, open, close) => open + text + close,
  ),
)
console.log(folder)
if (process.argv.includes('--clean')) rmSync(folder, { recursive: true })
