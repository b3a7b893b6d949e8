import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { assertAcceptable } from '../../servers/http/accept.ts'
import { parseJson } from '../../servers/http/body.ts'
import { forwardedElements, nodeAddress } from '../../servers/http/forwarded-field.ts'
import { envelopeOf, RequestError } from '../../servers/http/jmap/request.ts'
import { readFilter } from '../../servers/http/providers/graph/entity.ts'
import { GraphError } from '../../servers/http/providers/graph/errors.ts'
import { messageEntity } from '../../servers/http/providers/graph/message.ts'
import { parseImapUrl } from '../../servers/imap4/url/imap-url.ts'
import { parseAuthenticate, parseNegotiate } from '../../src/accounts/directory/sasl/ntlm/messages.ts'
import { parseOAuthBearer, parseXOAuth2 } from '../../src/accounts/directory/sasl/oauth-messages.ts'
import { parseClientFinal, parseClientFirst } from '../../src/accounts/directory/sasl/scram/messages.ts'
import { parseQuery } from '../../src/api/messages/search.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { readServerAnswer } from '../../src/checks/verify/tls/answer.ts'
import { runToEnd } from '../../src/core/time/time-slice.ts'
import { parseAddresses } from '../../src/mail/format/addresses.ts'
import { eventOf } from '../../src/mail/format/calendar.ts'
import { codeCandidateSteps } from '../../src/mail/format/codes.ts'
import { parseDate, parseImapDateTime, parseZonedDate } from '../../src/mail/format/dates.ts'
import { htmlText } from '../../src/mail/format/html-text.ts'
import { htmlLinkSteps, textLinkSteps } from '../../src/mail/format/links.ts'
import { readable } from '../../src/mail/format/readable.ts'
import { compileScript } from '../../src/mail/sieve/sieve.ts'
import { readContentInfo, readSignedData } from '../../src/mail/smime/cms/content.ts'
import { readEnvelopedData } from '../../src/mail/smime/cms/enveloped.ts'
import { readBinaryHeader } from '../../src/net/proxy-protocol/binary-header.ts'
import { readProxyHeader } from '../../src/net/proxy-protocol/header.ts'
import { listedIn } from '../../src/storage/store/engines/postgres/bucket.ts'
import { readClientHello } from '../../src/tls/negotiation/client-hello-reader.ts'
import { parseJson as parseAcmeJson, parseJws } from '../../src/tls/pki/acme/jws.ts'
import { AcmeProblem } from '../../src/tls/pki/acme/response.ts'
import { readCertificate, readFacts } from '../../src/tls/pki/certificate/certificate.ts'
import { logoIn, logotypeValue } from '../../src/tls/pki/certificate/logotype.ts'
import { createAuthorityCertificate } from '../../src/tls/pki/certificate/profiles.ts'
import { createRequest, readRequest } from '../../src/tls/pki/certificate/request.ts'
import { item, readAsn1 } from '../../src/tls/pki/der/decode.ts'
import { context, integer, octetString, oid, sequence, setOf } from '../../src/tls/pki/der/encode.ts'
import { readPem } from '../../src/tls/pki/der/pem.ts'
import { PkiError } from '../../src/tls/pki/errors.ts'
import { signSequence } from '../../src/tls/pki/keys.ts'
import { createCrl } from '../../src/tls/pki/revocation/crl.ts'
import { certIdOf, readOcspRequest } from '../../src/tls/pki/revocation/ocsp.ts'
import { readCrl } from '../../src/tls/pki/revocation/read-crl.ts'
import { readDmarcReport } from '../../src/transport/dmarc-reports/read.ts'
import { DmarcReportError } from '../../src/transport/dmarc-reports/types.ts'
import { decodeMessage } from '../../src/transport/dns/message.ts'
import { readQuery } from '../../src/transport/dns/server/query.ts'
import { BimiFailure } from '../../src/transport/mail-authentication/bimi/failure.ts'
import { checkLogo, MAX_LOGO_OCTETS } from '../../src/transport/mail-authentication/bimi/logo.ts'
import { SignatureProblem } from '../../src/transport/mail-authentication/key-record.ts'
import { readSignature } from '../../src/transport/mail-authentication/signature.ts'
import { parseRecord, SpfError } from '../../src/transport/mail-authentication/spf/record.ts'
import { MtaStsPolicyError, parsePolicy } from '../../src/transport/mta-sts/policy.ts'
import { readTlsReport } from '../../src/transport/tls-reports/read.ts'
import { TlsReportError } from '../../src/transport/tls-reports/types.ts'
import {
  alpn,
  extensions,
  helloBody,
  helloRecords,
  keyShares,
  numbers,
  serverName,
  supportedVersions,
} from '../support/client-hello.ts'

/** A parser of octets that others send. */
interface Parser {
  readonly parse: (octets: Buffer) => unknown
  readonly examples: readonly Buffer[]
  /** The errors that callers expect. Default: none. */
  readonly errors?: readonly (new (
    ...args: never[]
  ) => Error)[]
  /** Returns whether callers expect an error. Default: those of `errors`. */
  readonly isExpected?: (error: unknown) => boolean
}

const text = (...examples: string[]): Buffer[] => examples.map((one) => Buffer.from(one, 'latin1'))
const hex = (...examples: string[]): Buffer[] => examples.map((one) => Buffer.from(one.replaceAll(' ', ''), 'hex'))

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const nowMs = Date.UTC(2026, 11, 1)
const subject = [{ type: 'CN', value: 'a.test' }]
const root = createAuthorityCertificate(
  { subject, publicKey: createPublicKey(key), nowMs },
  { key, certificate: 'self' },
)
const revoked = { at: new Date(nowMs).toISOString(), reason: 'keyCompromise' } as const
const requestDer = (microsoft: boolean): Buffer =>
  readPem(createRequest({ subject, key, names: [{ type: 'dns', value: 'a.test' }], microsoft }))[0]?.der as Buffer
const issued = {
  serial: '0a0b',
  subject: 'CN=a.test',
  thumbprint: '',
  certificate: '',
  notBefore: new Date(nowMs).toISOString(),
  notAfter: new Date(nowMs + 86_400_000).toISOString(),
  revoked,
}
const dmarcReport = Buffer.from(`<?xml version="1.0"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>
<report_metadata><org_name>A &amp; B</org_name><email>r@a.test</email><report_id>1</report_id>
<date_range><begin>1764547200</begin><end>1764633599</end></date_range></report_metadata>
<policy_published><domain>b.test</domain><p>none</p><adkim>r</adkim></policy_published>
<!-- a row --><record><row><source_ip>192.0.2.7</source_ip><count>2</count>
<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>
<reason><type>local_policy</type><comment><![CDATA[x]]></comment></reason></policy_evaluated></row>
<identifiers><header_from>b.test</header_from></identifiers>
<auth_results><dkim><domain>b.test</domain><selector>s</selector><result>pass</result></dkim>
<spf><domain>b.test</domain><result>fail</result></spf></auth_results></record></feedback>`)
const report = Buffer.from(
  JSON.stringify({
    'organization-name': 'Lab',
    'date-range': { 'start-datetime': '2026-12-01T00:00:00Z', 'end-datetime': '2026-12-01T23:59:59Z' },
    'contact-info': 'a@b.test',
    'report-id': '1',
    policies: [
      {
        policy: {
          'policy-type': 'sts',
          'policy-string': ['version: STSv1'],
          'policy-domain': 'b.test',
          'mx-host': ['*.b.test'],
        },
        summary: { 'total-successful-session-count': 1, 'total-failure-session-count': 1 },
        'failure-details': [
          { 'result-type': 'certificate-expired', 'failed-session-count': 1, 'receiving-ip': '192.0.2.1' },
        ],
      },
    ],
  }),
)
const logo = Buffer.from(`<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" version='1.2' baseProfile="tiny-ps" viewBox="0 0 1 1"><title>A &amp; B</title>
<defs><linearGradient id="a"/></defs><g fill="url(#a)"><use href="#b"/></g><!-- c --><desc><![CDATA[d]]></desc></svg>`)
const hello = extensions(serverName('a.test'), alpn('imap'), supportedVersions(0x0304), keyShares(0x001d))
const algorithm = sequence(oid('1.2.840.113549.1.1.11'))
const signer = sequence(sequence(), integer(1))
const contentInfo = (type: string, ...parts: readonly Buffer[]): Buffer =>
  sequence(oid(`1.2.840.113549.1.7.${type}`), context(0, sequence(...parts)))

/** The parsers, by names none of which begins with another. The weekly workflow lists them. */
export const parsers: Readonly<Record<string, Parser>> = {
  addresses: {
    parse: (octets) => parseAddresses(octets.toString('latin1') as never),
    examples: text('"A, B" <a@b.test>, (c (d)) e@f.test, G: h@i.test, j@[127.0.0.1];', '=?utf-8?Q?=C3=A9?= <x@y>'),
  },
  dates: {
    parse: (octets) => [parseDate, parseZonedDate, parseImapDateTime].map((parse) => parse(octets.toString('latin1'))),
    examples: text('Tue, 01 Dec 2026 17:00:00 +0100 (CET)', '01-Dec-2026 17:00:00 +0000', '1 Jan 70 0:0 EST'),
  },
  'HTML to text': {
    parse: (octets) => [htmlText(octets.toString()), runToEnd(htmlLinkSteps(octets.toString()))],
    examples: text('<p>a<br>b<table><tr><td>c</table><a href="http://d.test/?e&amp;f">g</a><!-- h --><style>i</style>'),
  },
  Sieve: {
    parse: (octets) => compileScript(octets),
    examples: text(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Sieve
      'require ["fileinto", "variables", "regex"]; # a\nif allof (header :regex :comparator "i;octet" "to" "(a|b)+", not size :over 1K) { set :lower "a" "${1}"; fileinto text:\nx\n..y\n.\n; } else { stop; }',
      'require ["vacation", "date"]; /* b */ if currentdate :zone "+0100" "hour" ["1", "2"] { vacation :days 7 :addresses ["a@b.test"] "c \\"d\\""; }',
    ),
  },
  'PROXY header': {
    parse: readProxyHeader,
    examples: [
      ...text('PROXY TCP4 192.0.2.1 192.0.2.2 1000 25\r\n', 'PROXY UNKNOWN\r\n'),
      ...hex('0d0a0d0a000d0a515549540a 21 11 000c c0000201 c0000202 03e8 0019'),
    ],
  },
  'binary PROXY header': {
    parse: readBinaryHeader,
    examples: hex('0d0a0d0a000d0a515549540a 21 11 0013 c0000201 c0000202 03e8 0019 01 0004 68322020'),
  },
  'ASN.1': {
    parse: readAsn1,
    errors: [PkiError],
    examples: hex('3009 020101 0c02 6869 0500', '3080 0201 01 0000', '30 82 0005 30 03 02 01 02'),
  },
  'S/MIME': {
    parse: (octets) => {
      const { type, content } = readContentInfo(octets)
      return type.endsWith('2') ? readSignedData(content) : readEnvelopedData(content)
    },
    errors: [PkiError],
    examples: [
      contentInfo(
        '2',
        integer(1),
        setOf(algorithm),
        sequence(oid('1.2.840.113549.1.7.1'), context(0, octetString(Buffer.from('x')))),
        setOf(sequence(integer(1), signer, algorithm, algorithm, octetString(Buffer.alloc(4)))),
      ),
      contentInfo(
        '3',
        integer(0),
        setOf(sequence(integer(0), signer, algorithm, octetString(Buffer.alloc(4)))),
        sequence(oid('1.2.840.113549.1.7.1'), algorithm, octetString(Buffer.alloc(4))),
      ),
    ],
  },
  MIME: {
    parse: (octets) => {
      const { subject, from, to, date, messageId, text: shown, html, attachments, headers } = readable(octets)
      return [subject, from, to, date, messageId, shown, html, attachments, headers]
    },
    examples: text(
      'From: =?utf-8?B?w6k=?= <a@b.test>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+eDwvYj4=\r\n--b--\r\n',
      "Subject: x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: y=\r\n=20\r\nContent-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b\r\n\r\nz=C3=A9=\r\n",
    ),
  },
  'Accept of HTTP': {
    parse: (octets) => assertAcceptable(octets.toString('latin1'), ['application/json']),
    errors: [ApiProblem],
    examples: text('application/json;q=0.5, */*;q=0.1', 'application/json; a="b,c"; q=1, text/html'),
  },
  'Forwarded of HTTP': {
    parse: (octets) => {
      const field = octets.toString('latin1')
      return [forwardedElements(field)?.map((one) => nodeAddress(one.get('for') ?? '')), nodeAddress(field)]
    },
    examples: text('for="[2001:db8::7]:4711";proto=https;by=_x, for=192.0.2.7', '[::1]:25'),
  },
  'messages of SASL': {
    parse: (octets) =>
      [parseClientFirst, parseClientFinal, parseXOAuth2, parseOAuthBearer].map((parse) => parse(octets.toString())),
    examples: text(
      'p=tls-exporter,a=b,n=user,r=nonce',
      'c=biws,r=nonce,p=cHJvb2Y=',
      'user=a\x01auth=Bearer x\x01\x01',
      'n,a=user,\x01host=h\x01auth=Bearer x\x01\x01',
    ),
  },
  NTLM: {
    parse: (octets) => [parseNegotiate(octets), parseAuthenticate(octets, 0xe2898235), parseAuthenticate(octets, 0)],
    examples: [
      Buffer.from('NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2', 'latin1'),
      Buffer.concat([
        Buffer.from('NTLMSSP\0\x03\0\0\0', 'latin1'),
        hex(
          '1800 1800 40000000 1800 1800 58000000 0000 0000 40000000 0400 0400 70000000 0000 0000 40000000',
        )[0] as Buffer,
        hex('1000 1000 74000000 358289e2')[0] as Buffer,
        Buffer.alloc(0x48, 'a'),
      ]),
    ],
  },
  PEM: {
    parse: (octets) => readPem(octets.toString('latin1')),
    examples: text('-----BEGIN X-----\nA: b\n\nMAMCAQE=\n-----END X-----\n'),
  },
  'DNS message': {
    parse: decodeMessage,
    // The resolver reports an error of any kind as a failed lookup. A TypeError would be one of the parser itself.
    isExpected: (error) => !(error instanceof TypeError),
    examples: hex(
      '1234 0100 0001 0000 0000 0000 03 777777 03 6c6162 04 74657374 00 0001 0001',
      '1234 8180 0001 0001 0000 0000 01 61 00 0001 0001 c00c 0005 0001 0000003c 0002 c00c',
    ),
  },
  'DNS query': {
    parse: readQuery,
    examples: hex(
      '1234 0100 0001 0000 0000 0001 03 777777 03 6c6162 04 74657374 00 0001 0001 00 0029 04d0 00000000 0000',
      '1234 0000 0001 0000 0001 0000 01 61 00 00fb 0001 01 61 00 0006 0001 00000000 0016 00 00 00000001 00000000 00000000 00000000 00000000',
    ),
  },
  'X.509 certificate': {
    parse: (octets) => readFacts(readCertificate(octets)),
    errors: [PkiError],
    examples: [root.raw],
  },
  'certificate request': {
    // The client signs what it likes.
    parse: (octets) => readRequest(signSequence(octets, { key })),
    errors: [PkiError],
    examples: [false, true].map((microsoft) => item(readAsn1(requestDer(microsoft)), 0).raw),
  },
  'revocation list': {
    parse: readCrl,
    errors: [PkiError],
    examples: [createCrl([issued], { key, certificate: root }, nowMs, 1)],
  },
  'OCSP request': {
    parse: readOcspRequest,
    errors: [PkiError],
    examples: [sequence(sequence(sequence(sequence(certIdOf(root, root).raw))))],
  },
  'first flight of a TLS server': {
    parse: readServerAnswer,
    errors: [RangeError],
    examples: hex(
      `16 0303 0039 02 000035 0303 ${'00'.repeat(32)} 00 c02f 00 000d ff01 0001 00 000b 0002 0100 0b 000006 000003 000000`,
      '15 0303 0002 0228',
    ),
  },
  'first octets of a TLS client': {
    parse: readClientHello,
    examples: [
      helloRecords(helloBody({ version: 0x0303, sessionId: Buffer.alloc(32), suites: numbers([0x1301]), tail: hello })),
      ...hex(
        '80 2e 01 0002 0015 0000 0010 01 0080 03 0080 07 00c0 06 0040 02 0080 04 0080 00112233445566778899aabbccddeeff',
      ),
    ],
  },
  calendar: {
    parse: (octets) => eventOf(octets.toString()),
    examples: text(
      'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID="Europe/Berlin":20261201T100000\r\nDURATION:P1DT2H\r\nSUMMARY;LANGUAGE=en:a\\, b\r\n c\r\nATTENDEE;CN="A:B";PARTSTAT=ACCEPTED:mailto:a@b.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
    ),
  },
  'codes and links of text': {
    parse: (octets) => [runToEnd(textLinkSteps(octets.toString())), runToEnd(codeCandidateSteps(octets.toString()))],
    examples: text('Your code: 123 456, or AB-12-CD. See <https://a.test/x?(y)>, www.b.test/z. or mailto:c@d.test'),
  },
  'DKIM and ARC signatures': {
    parse: (octets) => {
      const field = { nameLower: 'dkim-signature', text: octets.toString('latin1') }
      return readSignature('DKIM-Signature', field)
    },
    errors: [SignatureProblem],
    examples: text(
      'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=a.test; s=x; t=1; x=2;\r\n h=from:to; bh=YQ==; l=3; i=@b.a.test; b=YQ==',
    ),
  },
  'SPF record': {
    parse: (octets) => parseRecord(octets.toString('latin1')),
    errors: [SpfError],
    examples: text(
      'v=spf1 +a:b.test/24//64 mx ip4:192.0.2.0/24 -ip6:2001:db8::/32 exists:%{ir}.%{l1r+-}.x include:%{d2} exp=e.%{d} ~all',
    ),
  },
  'MTA-STS policy': {
    parse: (octets) => parsePolicy(octets.toString()),
    errors: [MtaStsPolicyError],
    examples: text('version: STSv1\r\nmode: enforce\r\nmx: *.a.test\r\nmx: b.test\r\nmax_age: 604800\r\n'),
  },
  'TLS report': {
    parse: readTlsReport,
    errors: [TlsReportError],
    examples: [report, gzipSync(report)],
  },
  'DMARC report': {
    parse: readDmarcReport,
    errors: [DmarcReportError],
    examples: [dmarcReport, gzipSync(dmarcReport)],
  },
  'logo of BIMI': {
    parse: checkLogo,
    errors: [BimiFailure],
    examples: [logo],
  },
  logotype: {
    parse: (octets) => logoIn(readAsn1(octets), MAX_LOGO_OCTETS),
    errors: [PkiError],
    examples: [logotypeValue(logo)],
  },
  'search of messages': {
    parse: (octets) => parseQuery(octets.toString()),
    errors: [ApiProblem],
    examples: text('from:"a b" -subject:x has:attachment after:2026-12-01 larger:10k header:x-a:"b" !c'),
  },
  'IMAP URL': {
    parse: (octets) => parseImapUrl(octets.toString('latin1')),
    examples: text(
      'imap://alice@localhost/INBOX;UIDVALIDITY=1/;UID=1/;SECTION=1.2/;PARTIAL=1.2;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=user+bob:internal:01234567890123456789012345678901',
    ),
  },
  'JWS of ACME': {
    parse: (octets) => {
      const { header } = parseJws(parseAcmeJson(octets, 'the body'))
      return header
    },
    errors: [AcmeProblem],
    examples: text(
      JSON.stringify({
        protected: Buffer.from('{"alg":"ES256","nonce":"x","url":"https://a.test/","jwk":{}}').toString('base64url'),
        payload: 'e30',
        signature: 'YQ',
      }),
    ),
  },
  'JSON of HTTP': {
    parse: parseJson,
    errors: [ApiProblem],
    examples: text('{"to":["a@b.test"],"text":"\\u00e9\\"","n":[1.5e3,-0,null,true,{}]}'),
  },
  'request of JMAP': {
    parse: (octets) => envelopeOf(parseJson(octets)),
    errors: [ApiProblem, RequestError],
    examples: text(
      '{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Email/get",{"ids":["a"],"#ids":{"resultOf":"b","name":"Email/query","path":"/ids/*"}},"c"]],"createdIds":{"a":"b"}}',
    ),
  },
  'filter of Graph': {
    parse: (octets) => readFilter(octets.toString(), messageEntity, []),
    errors: [GraphError],
    examples: text(
      "contains(subject,'a''b') and not (isRead eq true or receivedDateTime ge 2026-12-01T00:00:00Z) and from/emailAddress/address eq 'a@b.test'",
    ),
  },
  'list of a bucket': {
    parse: (octets) => listedIn(octets.toString(), nowMs),
    examples: text(
      '<?xml version="1.0"?><ListBucketResult><Name>lab</Name><Contents><Key>mail/a</Key><LastModified>2026-12-01T00:00:00.000Z</LastModified><Size>1</Size></Contents><Contents><Key>mail/b</Key></Contents></ListBucketResult>',
    ),
  },
}
