import { execFileSync } from 'node:child_process'
import { appendFileSync, chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../../support/free-ports.ts'
import { Inn } from '../../../support/inn.ts'
import type { ServerIdentity } from '../authority.ts'
import { endServer, startServer } from './child.ts'

interface InnReaders extends AsyncDisposable {
  /** STARTTLS. */
  readonly port: number
  readonly tlsPort: number
}

const NNRPD = '/usr/lib/news/bin/nnrpd'

/** The password of `alice`. */
const INN_PASSWORD = 'secret-word'
const OWN_FILES = ['key.pem', 'cert.pem', 'passwords', 'readers.conf']

/** Lets everyone read, and log on anywhere or only under TLS. */
const readersConf = (passwords: string, logOn: 'anywhere' | 'under TLS'): string =>
  `auth everybody { hosts: "*" default: "<any>" }
auth known { hosts: "*" ${logOn === 'under TLS' ? 'require_encryption: true ' : ''}auth: "ckpasswd -f ${passwords}" default: "<any>" }
access all { users: "*" newsgroups: "*" access: RPA }
`

/** Starts Debian's INN with nnrpd on a STARTTLS port and an implicit-TLS port. */
export async function startInnReaders(
  { key, cert }: ServerIdentity,
  logOn: 'anywhere' | 'under TLS',
): Promise<InnReaders> {
  const [port = 0, readerPort = 0, tlsPort = 0] = await freePorts(3)
  const inn = await Inn.start({ pathHost: 'inn.test', port, groups: ['test.general'], peers: [] })
  const file = (name: string): string => join(inn.folder, 'etc', name)
  writeFileSync(file('key.pem'), key, { mode: 0o600 })
  writeFileSync(file('cert.pem'), cert)
  const tls = `tlscertfile: ${file('cert.pem')}\ntlskeyfile: ${file('key.pem')}\n`
  appendFileSync(file('inn.conf'), `${tls}port: ${port}\n`)
  const hash = execFileSync('openssl', ['passwd', '-6', INN_PASSWORD], { encoding: 'utf8' }).trim()
  writeFileSync(file('passwords'), `alice:${hash}\n`)
  writeFileSync(file('readers.conf'), readersConf(file('passwords'), logOn))
  const asNews = process.getuid?.() === 0 ? newsIds() : undefined
  if (asNews) for (const name of OWN_FILES) chownSync(file(name), asNews.uid, asNews.gid)
  const options = { ...asNews, env: { PATH: process.env.PATH, INNCONF: file('inn.conf') }, cwd: inn.folder }
  const readers = [
    await startServer(NNRPD, ['-D', '-f', '-p', String(readerPort)], readerPort, options),
    await startServer(NNRPD, ['-D', '-f', '-p', String(tlsPort), '-S'], tlsPort, options),
  ]
  return {
    port: readerPort,
    tlsPort,
    async [Symbol.asyncDispose]() {
      for (const reader of readers) await endServer(reader)
      await inn[Symbol.asyncDispose]()
    },
  }
}

function newsIds(): { uid: number; gid: number } {
  const id = (option: string): number => Number(execFileSync('id', [option, 'news'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
