import { expect, test } from 'vitest'
import { parseMessage } from '../../../src/mail/format/structure.ts'
import { examineSmime } from '../../../src/mail/smime/examine.ts'
import type { SmimeTrust } from '../../../src/mail/smime/trust.ts'
import { context, integer, octetString, oid, sequence, setOf } from '../../../src/tls/pki/der/encode.ts'

const trust: SmimeTrust = { roots: [], issuers: [], lists: [], revoked: new Map(), keys: [], nowMs: 0 }

/** A SignedData that nobody has signed. RFC 5652 section 5.1. */
function signedData(content: Buffer): Buffer {
  const encapsulated = sequence(oid('1.2.840.113549.1.7.1'), context(0, octetString(content)))
  return sequence(oid('1.2.840.113549.1.7.2'), context(0, sequence(integer(1), setOf(), encapsulated, setOf())))
}

test('other sessions run while content of many parts is parsed', async () => {
  const part = `--b\r\n\r\n${'text\r\n'.repeat(200)}`
  const content = Buffer.from(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${part.repeat(9_000)}--b--\r\n`)
  const header = 'Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: binary\r\n\r\n'
  const raw = Buffer.concat([Buffer.from(header), signedData(content)])
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  const found = await examineSmime(raw, trust, 0, { structure: parseMessage(raw) })
  isOver = true
  expect(found?.facts.layers).toMatchObject([{ kind: 'signed', form: 'opaque' }])
  expect(turns).toBeGreaterThan(0)
})
