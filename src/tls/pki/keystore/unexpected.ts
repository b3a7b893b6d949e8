import { PkiError } from '../errors.ts'
import { type Content, detectContent } from './content.ts'

/** The kind of content that a command needs from a file. */
type Expected = 'answer' | 'import' | 'request' | 'trusted' | 'key'

const needed: Readonly<Record<Expected, string>> = {
  answer: 'neither a certificate (DER, PEM) nor a PKCS#7 file',
  import: 'not a PKCS#12 file (.pfx, .p12), nor PEM with a certificate and its private key',
  request: 'not a certificate request (PKCS#10 in DER or PEM)',
  trusted: 'neither certificates (DER, PEM, PKCS#7) nor a revocation list',
  key: 'not a private key in PEM',
}

interface Advice {
  /** Follows "it". */
  readonly looks: string
  readonly cure: string
  /** Where the cure depends on what is needed. */
  readonly cures?: Partial<Record<Expected, string>>
}

const RIGHT_FILE = 'name the right file'

const advice: Readonly<Record<Content, Advice>> = {
  empty: { looks: 'is empty', cure: 'copy or download it again' },
  utf16: { looks: 'is UTF-16 text', cure: 'save it as ASCII or UTF-8, for example: iconv -f UTF-16 -t UTF-8' },
  'cut-off': { looks: 'is cut off', cure: 'copy or download it again, to its end' },
  html: {
    looks: 'looks like a page of a web site (HTML), such as a log-on or an error page',
    cure: 'open it in a browser, and download the file itself',
  },
  request: {
    looks: 'looks like a certificate request',
    cure: RIGHT_FILE,
    cures: {
      answer: 'send it to the authority, and install the certificate that it answers with',
      import: 'send it to the authority, and install the certificate that it answers with: sealpost cert install FILE',
    },
  },
  certificate: {
    looks: 'looks like a certificate',
    cure: 'it may be damaged: copy or download it again',
    cures: {
      request: 'name the request, such as certreq.txt',
      key: 'name the file with the private key',
      import:
        'name the file of its private key with --key, or install the answer to a request: sealpost cert install FILE',
    },
  },
  crl: {
    looks: 'looks like a revocation list',
    cure: RIGHT_FILE,
    cures: { answer: 'if the lab is to apply it, run: sealpost ca add-trusted FILE' },
  },
  pkcs7: {
    looks: 'looks like a PKCS#7 file',
    cure: 'it may be damaged or have no certificates: download it again',
    cures: {
      import:
        'it has no private key: name that with --key, or install the answer to a request: sealpost cert install FILE',
      request: 'name the request, such as certreq.txt',
      key: 'name the file with the private key',
    },
  },
  pkcs12: {
    looks: 'looks like a PKCS#12 file (.pfx)',
    cure: 'import it with its key: sealpost cert import FILE --password …',
    cures: {
      import: 'it may be damaged: copy or export it again',
      trusted: 'take the certificates out of it: openssl pkcs12 -in FILE -nokeys -out certificates.pem',
      key: 'leave out --key if the certificate is in it, or run: openssl pkcs12 -in FILE -nocerts -noenc -out key.pem',
    },
  },
  'private-key': {
    looks: 'looks like a private key',
    cure: 'keep it secret, and name the certificate',
    cures: {
      import: 'name the certificate as the file, and this one with --key',
      request: 'keep it secret, and name the request, such as certreq.txt',
      key: 'convert it, for example: openssl pkey -in FILE -out key.pem',
    },
  },
  'public-key': { looks: 'looks like a public key', cure: RIGHT_FILE },
  pgp: { looks: 'looks like a file of OpenPGP', cure: RIGHT_FILE },
  'java-keystore': {
    looks: 'looks like a Java keystore (JKS)',
    cure: 'convert it: keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12',
  },
  archive: { looks: 'looks like an archive or a compressed file', cure: 'unpack it first' },
  pdf: { looks: 'looks like a PDF document', cure: RIGHT_FILE },
  'other-pem': { looks: 'is PEM of another kind', cure: RIGHT_FILE },
  text: { looks: 'looks like plain text', cure: RIGHT_FILE },
  unknown: { looks: 'is of an unknown kind, or damaged', cure: 'name the right file, or copy it again' },
}

/** Returns the error for a file that does not have what a command needs: what it looks like, and what to do. */
export function unexpectedContent(octets: Buffer, expected: Expected, cause?: unknown): PkiError {
  const { looks, cure, cures } = advice[detectContent(octets)]
  return new PkiError('malformed', `${needed[expected]}: it ${looks}; ${cures?.[expected] ?? cure}`, { cause })
}
