// The clients of docs/client-audit.md: how they are run, and how their version is found.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Debian's folder of Java libraries. */
const JARS = ['jakarta-mail.jar', 'jakarta-activation.jar'].map((name) => `/usr/share/java/${name}`).join(':')
/** Options for a virtual machine that runs for a second. */
const SHORT = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** Returns the first line of a program's output that matches, wherever it writes it. */
function said(pattern, program, ...args) {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return pattern.exec(`${stdout}${stderr}`)?.[0] ?? ''
}

const debian = (name) => `${name} ${said(/^[^\s]+/, 'dpkg-query', '-W', '-f', `\${Version}`, name)}`
const node = `Node.js ${process.version}, OpenSSL ${process.versions.openssl}`
const packaged = (folder, name) => `${name} ${JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version}`
const fetched = (name) =>
  execFileSync('node', ['scripts/fetch-clients.mjs', name], { encoding: 'utf8' }).trim().split('\n').at(-1)
const shell = (name) => ['sh', `examples/audit/${name}.sh`]

/**
 * Returns the clients. `folder` is for files that they need.
 * `needs`: the programs. `form`: the only one that the client supports. `note`: what a reader must know.
 */
export const clients = (folder) => [
  {
    title: 'nodemailer',
    protocols: ['smtp'],
    command: ['node', 'examples/audit/nodemailer.mjs'],
    version: () => `${packaged('node_modules/nodemailer', 'nodemailer')} (${node})`,
  },
  { title: 'swaks', protocols: ['smtp'], command: shell('swaks'), version: () => debian('swaks') },
  { title: 'msmtp', protocols: ['smtp'], command: shell('msmtp'), version: () => debian('msmtp') },
  {
    title: 'S-nail',
    needs: ['s-nail'],
    protocols: ['smtp'],
    command: shell('s-nail'),
    version: () => debian('s-nail'),
  },
  { title: 'Mutt', needs: ['mutt'], protocols: ['smtp'], command: shell('mutt'), version: () => debian('mutt') },
  {
    title: 'NeoMutt',
    needs: ['neomutt', 'script'],
    protocols: ['smtp', 'imap4'],
    command: shell('neomutt'),
    version: () => debian('neomutt'),
  },
  {
    title: 'curl',
    protocols: ['smtp', 'pop3', 'imap4'],
    command: shell('curl'),
    version: () => said(/^curl \S+/, 'curl', '--version') + said(/ (?:OpenSSL|GnuTLS)\/\S+/, 'curl', '--version'),
  },
  {
    title: 'Python',
    needs: ['python3'],
    protocols: ['smtp', 'pop3', 'imap4', 'nntp'],
    command: ['python3', 'examples/audit/python.py'],
    version: () =>
      `${said(/.+/, 'python3', '--version')}: smtplib, poplib, imaplib, nntplib (${said(/OpenSSL \S+/, 'python3', '-c', 'import ssl; print(ssl.OPENSSL_VERSION)')})`,
  },
  {
    title: 'Perl',
    needs: ['perl'],
    protocols: ['smtp', 'pop3', 'nntp'],
    command: ['perl', 'examples/audit/perl.pl'],
    version: () =>
      `Perl ${said(/.+/, 'perl', '-e', 'printf "%vd", $^V')}: Net::SMTP, Net::POP3, Net::NNTP (IO::Socket::SSL ${said(/.+/, 'perl', '-MIO::Socket::SSL', '-e', 'print $IO::Socket::SSL::VERSION')})`,
  },
  ...['Jakarta Mail', 'Jakarta Mail, defaults'].map((title) => ({
    title,
    needs: ['java', 'javac'],
    protocols: title === 'Jakarta Mail' ? ['smtp', 'pop3', 'imap4'] : ['imap4'],
    env: title === 'Jakarta Mail' ? {} : { AUDIT_DEFAULTS: '1' },
    prepare: () => execFileSync('javac', ['-cp', JARS, '-d', folder, 'examples/audit/JakartaMail.java']),
    command: ['java', ...SHORT, '-cp', `${folder}:${JARS}`, 'JakartaMail'],
    version: () =>
      `${debian('libjakarta-mail-java')} (${said(/openjdk \S+/, 'java', '--version')}), ${title === 'Jakarta Mail' ? 'with' : 'also without'} mail.PROTOCOL.ssl.checkserveridentity`,
  })),
  {
    title: 'fetchmail',
    protocols: ['pop3', 'imap4'],
    command: shell('fetchmail'),
    version: () => `${debian('fetchmail')}`,
  },
  { title: 'mpop', protocols: ['pop3'], command: shell('mpop'), version: () => debian('mpop') },
  {
    title: 'getmail',
    protocols: ['pop3', 'imap4'],
    form: 'implicit',
    command: shell('getmail'),
    version: () => debian('getmail6'),
  },
  {
    title: 'node-pop3',
    needs: ['npm'],
    protocols: ['pop3'],
    form: 'implicit',
    env: { NODE_POP3: fetched },
    command: ['node', 'examples/audit/node-pop3.mjs'],
    version: () => `${packaged(join(fetched('node-pop3'), '../..'), 'node-pop3')} (${node})`,
  },
  {
    title: 'imapflow',
    protocols: ['imap4'],
    command: ['node', 'examples/audit/imapflow.mjs'],
    version: () => `${packaged('node_modules/imapflow', 'imapflow')} (${node})`,
  },
  { title: 'mbsync', protocols: ['imap4'], command: shell('mbsync'), version: () => debian('isync') },
  {
    title: 'OfflineIMAP',
    needs: ['offlineimap'],
    protocols: ['imap4'],
    command: shell('offlineimap'),
    version: () => debian('offlineimap3'),
  },
  {
    title: 'newsie',
    needs: ['npm'],
    protocols: ['nntp'],
    env: { NEWSIE: fetched },
    command: ['node', 'examples/audit/newsie.mjs'],
    version: () => `${packaged(join(fetched('newsie'), '../..'), 'newsie')} (${node})`,
  },
  { title: 'tin', protocols: ['nntp'], form: 'implicit', command: shell('tin'), version: () => debian('tin') },
  {
    title: 'slrnpull',
    protocols: ['nntp'],
    form: 'implicit',
    command: shell('slrnpull'),
    version: () => `${debian('slrnpull')}, of slrn`,
  },
  { title: 'suck', protocols: ['nntp'], form: 'implicit', command: shell('suck'), version: () => debian('suck') },
  {
    title: 'OpenSSL s_client',
    needs: ['openssl'],
    protocols: ['nntp'],
    command: shell('openssl'),
    version: () => `${said(/^OpenSSL \S+/, 'openssl', 'version')} s_client, the handshake only`,
  },
  {
    title: 'gnutls-cli',
    protocols: ['nntp'],
    command: shell('gnutls'),
    version: () => `${said(/^gnutls-cli \S+/, 'gnutls-cli', '--version')}, the handshake only`,
  },
  {
    title: 'NSS tstclnt',
    needs: ['tstclnt', 'certutil'],
    protocols: ['nntp'],
    form: 'implicit',
    command: shell('nss'),
    version: () => `${debian('libnss3')} tstclnt, the handshake only; Thunderbird uses NSS`,
  },
]
