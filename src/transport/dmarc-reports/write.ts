import type { DmarcReportDefect } from '../../core/config/schema/mail-authentication.ts'
import { version } from '../../core/text/version.ts'
import { DMARC_NAMESPACE, type DmarcReport, type DmarcRow, type PublishedPolicy, type ReportForm } from './types.ts'

const CHARACTERS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Returns text for XML, without the characters that XML cannot have. */
const escapeXml = (text: string): string =>
  text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '\ufffd')
    .replace(/[&<>"]/g, (character) => CHARACTERS[character] ?? character)

/** An element: its name, and its text or its children. Undefined elements are left out. */
type Element = readonly [name: string, content: string | number | readonly (Element | undefined)[] | undefined]

function* linesOf([name, content]: Element, indent = ''): Generator<string> {
  if (content === undefined) return
  if (typeof content !== 'object') return yield `${indent}<${name}>${escapeXml(String(content))}</${name}>`
  yield `${indent}<${name}>`
  for (const child of content) if (child) yield* linesOf(child, `${indent}  `)
  yield `${indent}</${name}>`
}

/** Returns an aggregate report as XML. RFC 9990 section 3.1.1; for the old rules, RFC 7489 appendix C. */
export function writeDmarcReport(report: DmarcReport, { edition, defect }: ReportForm): string {
  const isNew = edition === 'rfc9989'
  const namespace = defect === 'foreign-namespace' ? 'urn:example:not-dmarc' : isNew ? DMARC_NAMESPACE : undefined
  const organization: Element = ['org_name', defect === 'entity-bomb' ? '' : report.organizationName]
  const elements: readonly Element[] = [
    ['version', defect === 'wrong-version' ? '9.9' : '1.0'],
    [
      'report_metadata',
      [
        organization,
        ['email', report.email],
        ['report_id', report.reportId],
        [
          'date_range',
          [
            ['begin', Math.floor(report.startsAt / 1000)],
            ['end', Math.floor(report.endsAt / 1000)],
          ],
        ],
        isNew ? ['generator', `Sealpost ${version}`] : undefined,
      ],
    ],
    ['policy_published', publishedOf(report.policy, isNew)],
    ...report.rows.map((row): Element => ['record', recordOf(row, isNew, defect)]),
  ]
  const xml = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    ...(defect === 'entity-bomb' ? [ENTITIES] : []),
    namespace === undefined ? '<feedback>' : `<feedback xmlns="${namespace}">`,
    ...elements.flatMap((element) => [...linesOf(element, '  ')]),
    '</feedback>',
    '',
  ].join('\n')
  return defect === 'entity-bomb' ? xml.replace('<org_name></org_name>', '<org_name>&e7;</org_name>') : xml
}

/** Entities that expand to 10 MB. RFC 9990 section 9.1 names such attacks. */
const ENTITIES = `<!DOCTYPE feedback [<!ENTITY e0 "x">${[1, 2, 3, 4, 5, 6, 7]
  .map((level) => `<!ENTITY e${level} "${`&e${level - 1};`.repeat(10)}">`)
  .join('')}]>`

const publishedOf = (policy: PublishedPolicy, isNew: boolean): readonly Element[] => [
  ['domain', policy.domain],
  ['discovery_method', isNew ? policy.discoveryMethod : undefined],
  ['adkim', policy.adkim],
  ['aspf', policy.aspf],
  ['p', policy.p],
  ['sp', policy.sp],
  ['np', isNew ? policy.np : undefined],
  ['pct', isNew ? undefined : 100],
  ['fo', policy.fo],
  ['testing', isNew ? policy.testing : undefined],
]

const recordOf = (row: DmarcRow, isNew: boolean, defect: DmarcReportDefect | undefined): readonly Element[] => [
  [
    'row',
    [
      ['source_ip', row.sourceIp],
      ['count', defect === 'wrong-counts' ? -row.count : row.count],
      [
        'policy_evaluated',
        [
          // RFC 7489 has no `pass` here.
          ['disposition', row.disposition === 'pass' && !isNew ? 'none' : row.disposition],
          ['dkim', row.dkim],
          ['spf', row.spf],
          ...row.reasons.map(
            ({ type, comment }): Element => [
              'reason',
              [
                ['type', type === 'policy_test_mode' && !isNew ? 'sampled_out' : type],
                ['comment', comment],
              ],
            ],
          ),
        ],
      ],
    ],
  ],
  [
    'identifiers',
    [
      ['envelope_to', row.envelopeTo],
      ['envelope_from', row.envelopeFrom],
      ['header_from', row.headerFrom],
    ],
  ],
  [
    'auth_results',
    [
      ...row.dkimResults.map(
        ({ domain, selector, result }): Element => [
          'dkim',
          [
            ['domain', domain],
            ['selector', selector],
            ['result', result],
          ],
        ],
      ),
      row.spfResult && [
        'spf',
        [
          ['domain', row.spfResult.domain],
          ['scope', 'mfrom'],
          ['result', row.spfResult.result],
        ],
      ],
    ],
  ],
]
