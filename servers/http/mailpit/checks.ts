import { STATUS_CODES } from 'node:http'
import { requestLinks } from '../../../src/api/messages/link-requests.ts'
import { partContent } from '../../../src/api/messages/read.ts'
import { SpamFilterError, spamVerdictOf } from '../../../src/api/messages/spam-filter.ts'
import { Content } from '../../../src/api/operation.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { runInSlices, type Steps } from '../../../src/core/time/time-slice.ts'
import type { Feature, FeatureUse, TestedProgram } from '../../../src/mail/checks/html-support.ts'
import { type Tag, tagsOf } from '../../../src/mail/format/html-tags.ts'
import { type ReadableMessage, VIEW_CHARS } from '../../../src/mail/format/readable.ts'
import { administers, contentResponse, jsonResponse, pathParameter, type Route, reads } from '../routes.ts'
import { partFile, readFor } from '../tool-mail.ts'
import { MESSAGE, requestedMail } from './find.ts'

// The checks of Mailpit by those of the lab. The keys are those of Mailpit's API: https://mailpit.axllent.org/docs/api-v1/

const htmlTags = (message: ReadableMessage): Steps<Tag[]> => tagsOf((message.html ?? '').slice(0, VIEW_CHARS))

const htmlCheck = reads(`${MESSAGE}/html-check`, async (call) => {
  // Most labs never need the data of the check.
  const { featureUses, featureUrl, testedPrograms } = await import('../../../src/mail/checks/html-support.ts')
  const answer = await readFor(call, await requestedMail(call), async (message) => {
    if (message.html === undefined) throw new ApiProblem('bad-request', 'message does not contain HTML')
    const tags = await runInSlices(htmlTags(message))
    const uses = await runInSlices(featureUses(tags))
    return htmlAnswer(uses, tags.length, testedPrograms(), featureUrl)
  })
  return jsonResponse(call.c, answer)
})

const SUPPORT: Readonly<Record<string, string>> = { y: 'yes', a: 'partial', n: 'no' }

/** The share of the programs with a letter, in percent. */
const percent = ({ results }: Feature, wanted: string): number =>
  (100 * results.filter(({ letter }) => letter === wanted).length) / (results.length || 1)

function htmlAnswer(
  uses: readonly FeatureUse[],
  nodes: number,
  programs: readonly TestedProgram[],
  featureUrl: (feature: Feature) => string,
) {
  const rows = uses.map(({ feature, count }) => {
    const score = {
      Supported: percent(feature, 'y'),
      Partial: percent(feature, 'a'),
      Unsupported: percent(feature, 'n'),
    }
    // As in Mailpit, a feature counts by its share of the elements.
    const weight = (share: number): number => Math.min(100, (share * count) / nodes)
    return { feature, count, score, partial: weight(score.Partial), unsupported: weight(score.Unsupported) }
  })
  const [partial, unsupported] = [
    Math.max(0, ...rows.map((row) => row.partial)),
    Math.max(0, ...rows.map((row) => row.unsupported)),
  ]
  const warnings = rows.sort((a, b) => b.partial + b.unsupported - a.partial - a.unsupported)
  return {
    Warnings: warnings.map(({ feature, count, score }) => ({
      Slug: feature.page,
      Title: feature.kind === 'element' ? `<${feature.name}> element` : `${feature.name} ${feature.kind}`,
      Description: '',
      URL: featureUrl(feature),
      Category: /^(?:property|rule)$/.test(feature.kind) ? 'css' : feature.kind === 'image' ? 'image' : 'html',
      Tags: [],
      Keywords: '',
      Results: feature.results.map(({ program, letter }) => ({
        Name: program.name,
        Platform: program.platform,
        Family: program.family,
        Version: '',
        Support: SUPPORT[letter],
        NoteNumber: '',
      })),
      NotesByNumber: {},
      Score: { Found: count, ...score },
    })),
    Platforms: Object.fromEntries(
      [...new Set(programs.map(({ platform }) => platform))].map((platform) => [
        platform,
        [...new Set(programs.flatMap((one) => (one.platform === platform ? [one.family] : [])))].sort(),
      ]),
    ),
    Total: {
      Tests: rows.length,
      Nodes: nodes,
      Supported: Math.max(0, 100 - partial - unsupported),
      Partial: partial,
      Unsupported: unsupported,
    },
  }
}

/** As in Mailpit: Unavailable For Legal Reasons, for a host to which it may not connect. */
const BLOCKED = 451

/** Mailpit asks every host on the internet. The lab asks those that its configuration names. */
const linkCheck = administers('GET', `${MESSAGE}/link-check`, async (call) => {
  const urls = await readFor(call, await requestedMail(call), async (message) => {
    const tags = await runInSlices(htmlTags(message))
    const links = await runInSlices(message.linksInSteps())
    return [...tags.flatMap(targetOf), ...links.map(({ href }) => href)]
  })
  const follows = /^(?:true|1)$/.test(call.c.req.query('follow') ?? '')
  const answers = await requestLinks(call.api.lab, urls, { follows, signal: call.c.req.raw.signal })
  const links = answers.map(({ url, status = BLOCKED, reason }) => ({
    URL: url,
    StatusCode: status,
    Status: reason ?? STATUS_CODES[status] ?? '',
  }))
  return jsonResponse(call.c, {
    Errors: links.filter(({ StatusCode }) => StatusCode === 0 || StatusCode >= 400).length,
    Links: links,
  })
})

/** Returns the target of an element that Mailpit's check of links reads. */
function targetOf({ name, attributes }: Tag): string[] {
  const isSheet = name === 'link' && attributes.get('rel') === 'stylesheet'
  const target = attributes.get(name === 'img' ? 'src' : name === 'a' || isSheet ? 'href' : '')
  return target === undefined ? [] : [target.trim()]
}

const oneDecimal = (score: number): number => Math.floor(score * 10) / 10

const spamCheck = reads(`${MESSAGE}/sa-check`, async (call) => {
  const mail = await requestedMail(call)
  try {
    const verdict = await spamVerdictOf(call.api, mail.copies[0], call.c.req.raw.signal)
    // As Mailpit answers without one.
    if (!verdict)
      throw new ApiProblem(
        'bad-request',
        'no SpamAssassin service defined; set mail.spamFilter (MP_ENABLE_SPAMASSASSIN)',
      )
    return jsonResponse(call.c, {
      IsSpam: verdict.isSpam,
      Error: '',
      Score: oneDecimal(verdict.score),
      Rules: verdict.rules.map(({ name, score, description }) => ({
        Score: oneDecimal(score),
        Name: name,
        Description: description,
      })),
    })
  } catch (error) {
    if (!(error instanceof SpamFilterError)) throw error
    return jsonResponse(call.c, { IsSpam: false, Error: error.message, Score: 0, Rules: [] })
  }
})

const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon)$/

/** The lab scales no images: it answers with the image itself, and as Mailpit does for other parts with a white one. */
const thumbnail = reads(`${MESSAGE}/part/:part/thumb`, async (call) => {
  const mail = await requestedMail(call)
  return readFor(call, mail, async (message) => {
    const { mediaType, octets, filename } = await partContent(mail.id, message, pathParameter(call.c, 'part'))
    return IMAGE.test(mediaType)
      ? partFile(call, mediaType, octets, filename)
      : contentResponse(call.c, new Content('image/jpeg', whiteThumbnail()))
  })
})

/** Returns a white JPEG image of 180 × 120 pixels in grey levels, with the shortest Huffman tables. ITU-T T.81 annex B. */
const whiteThumbnail = (): Buffer =>
  Buffer.concat([
    // SOI, and DQT with the quantizer 8 for all.
    Buffer.from('ffd8ffdb004300', 'hex'),
    Buffer.alloc(64, 8),
    // SOF0 of one component.
    Buffer.from('ffc0000b08007800b401011100', 'hex'),
    // DHT: the differences 0 (0) and 127 (10), and the end of a block (0).
    Buffer.from(`ffc4001500${'0101'.padEnd(32, '0')}0007`, 'hex'),
    Buffer.from(`ffc4001410${'01'.padEnd(32, '0')}00`, 'hex'),
    // SOS; the first of 345 blocks is white, the others do not differ; EOI.
    Buffer.from('ffda0008010100003f00bf80', 'hex'),
    Buffer.alloc(85),
    Buffer.from('3fffd9', 'hex'),
  ])

export const checkRoutes: readonly Route[] = [htmlCheck, linkCheck, spamCheck, thumbnail]
