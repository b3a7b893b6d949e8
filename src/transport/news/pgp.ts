import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readUserFile } from '../../core/files/user-files.ts'
import type { HeaderField } from '../../mail/format/types.ts'
import { type Article, ArticleRefused } from './article.ts'

/** The parts of an X-PGP-Sig field: the program's version, the signed fields, and the signature in base64 with its checksum. */
const SIGNATURE = /^(\S+)[ \t]+(\S+)[ \t]+((?:[A-Za-z0-9+/]+={0,2}[ \t]+)+=[A-Za-z0-9+/]{4})$/

/** Most fields that a signature may cover. Control messages have about ten. */
const MAX_SIGNED_FIELDS = 100

interface SignedArticle {
  /** The text that was signed. */
  readonly text: Buffer
  /** The signature as an armored block. */
  readonly signature: string
}

const signatureRefused = (why: string, options?: ErrorOptions): ArticleRefused =>
  new ArticleRefused('forbidden', why, options)

/**
 * Returns what a signed control message signs: the named fields, an empty line and the body, with LF and without white space
 * at the end of lines, as pgpcontrol and INN's pgpverify do. @throws ArticleRefused
 */
function signedPart(article: Article): SignedArticle {
  const value = article.value('x-pgp-sig')
  if (value === undefined) throw signatureRefused('it has no signature (X-PGP-Sig)')
  const [, version = '', names = '', base64 = ''] = SIGNATURE.exec(value) ?? []
  if (version === '') throw signatureRefused('X-PGP-Sig is malformed')
  const signed = names.toLowerCase().split(',')
  if (signed.length > MAX_SIGNED_FIELDS) throw signatureRefused(`X-PGP-Sig names more than ${MAX_SIGNED_FIELDS} fields`)
  if (new Set(signed).size < signed.length) throw signatureRefused('X-PGP-Sig names a field twice')
  // A signature without them would also be valid for another message.
  const unsigned = ['Control', 'Message-ID', 'From'].filter((name) => !signed.includes(name.toLowerCase()))
  if (unsigned.length > 0) throw signatureRefused(`the signature does not cover ${unsigned.join(', ')}`)
  const lines = [`X-Signed-Headers: ${names}`]
  for (const name of names.split(',')) {
    const found = article.fields.filter(({ nameLower }) => nameLower === name.toLowerCase())
    if (found.length > 1) throw signatureRefused(`the signed field ${name} occurs twice`)
    lines.push(`${name}: ${found.map((field) => valueAsWritten(article.raw, field)).join('')}`)
  }
  const body = article.raw.toString('latin1', article.bodyStart).replace(/\r\n/g, '\n')
  const text = `${lines.join('\n')}\n\n${body}`.split('\n').map(withoutBlanksAtEnd).join('\n')
  const armored = base64.split(/[ \t]+/).join('\n')
  const signature = `-----BEGIN PGP SIGNATURE-----\nVersion: ${version}\n\n${armored}\n-----END PGP SIGNATURE-----\n`
  return { text: Buffer.from(text, 'latin1'), signature }
}

/** Trims without a regular expression, which would take quadratic time in a run of spaces. */
function withoutBlanksAtEnd(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(0, end)
}

/** Returns a value with its folds, which are signed as they are. */
const valueAsWritten = (raw: Buffer, { valueStart, end }: HeaderField): string =>
  raw
    .toString('latin1', valueStart, end)
    .replace(/\r\n/g, '\n')
    .replace(/^[ \t]|\n$/g, '')

/**
 * Verifies the signature of a control message by gpgv.
 * @param keyFile public keys, armored or not
 * @throws ArticleRefused that says why the signature does not count
 */
export async function verifySignature(article: Article, keyFile: string): Promise<void> {
  const { text, signature } = signedPart(article)
  const keyRing = dearmorKey(await keysIn(keyFile))
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-gpgv-'))
  try {
    const [keys, signatureFile, textFile] = ['keys.gpg', 'signature.asc', 'text'].map((name) => join(folder, name))
    await writeFile(keys as string, keyRing)
    await writeFile(signatureFile as string, signature)
    await writeFile(textFile as string, text)
    const args = ['--homedir', folder, '--keyring', keys, '--quiet', '--status-fd', '1', signatureFile, textFile]
    const status = await run(args as string[])
    if (!/^\[GNUPG:\] GOODSIG /m.test(status)) throw signatureRefused(`the signature is not one of ${keyFile}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Reads a key file. It may have been removed since the configuration was read. @throws ArticleRefused */
async function keysIn(keyFile: string): Promise<Buffer> {
  try {
    return await readUserFile(keyFile)
  } catch (error) {
    throw signatureRefused((error as Error).message, { cause: error })
  }
}

const TIMEOUT_MS = 10_000

/** Runs gpgv and returns its status lines. */
async function run(args: readonly string[]): Promise<string> {
  const { execFile } = await import('node:child_process') // Loaded on demand: most labs verify no signatures.
  return new Promise((resolve, reject) => {
    execFile('gpgv', args, { timeout: TIMEOUT_MS }, (error, status) => {
      if (error?.code === 'ENOENT')
        reject(signatureRefused('gpgv, which verifies signatures, is not installed', { cause: error }))
      // It exits with 1 if the signature is bad; the status lines say so.
      else resolve(error ? '' : status)
    })
  })
}

/** Returns the octets of a key file in armor. gpgv reads no armored keys. RFC 9580 section 6.2. */
function dearmorKey(file: Buffer): Buffer {
  const armor = /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([^]*?)-----END PGP PUBLIC KEY BLOCK-----/g
  const blocks = [...file.toString('latin1').matchAll(armor)].map(([, block = '']) => {
    const content = block.slice(block.search(/\r?\n\r?\n|^\r?\n/)).trim()
    return Buffer.from(content.replace(/^=[A-Za-z0-9+/]{4}$/m, ''), 'base64')
  })
  return blocks.length > 0 ? Buffer.concat(blocks) : file
}
