/** A subject without what replying and forwarding put around it. */
export interface BaseSubject {
  readonly base: string
  /** Something was removed that says reply or forward. */
  readonly isReply: boolean
}

const TRAILER = /(?:\s|\(fwd\))+$/i
const BLOB = String.raw`\[[^[\]]*\]\s*`
/** `*subj-blob subj-refwd`. RFC 5256 section 5. */
const LEADER = new RegExp(String.raw`^(?:${BLOB})*(?:re|fwd?)\s*(?:${BLOB})?:\s*`, 'i')
const LEADING_BLOB = new RegExp(`^${BLOB}`)
const FORWARDED = /^\[fwd:(.*)\]$/i

/** What stands behind it does not count. */
const MAX_SUBJECT = 4096

/** The base subject of a decoded Subject. RFC 5256 section 2.1. */
export function baseSubject(subject: string): BaseSubject {
  let base = subject.slice(0, MAX_SUBJECT).replace(/\s+/g, ' ').trim() // (1)
  let isReply = false
  for (;;) {
    if (/\(fwd\)\s*$/i.test(base)) isReply = true
    base = withoutLeaders(base.replace(TRAILER, ''), () => {
      isReply = true
    }) // (2) to (5)
    const inside = FORWARDED.exec(base)?.[1]
    if (inside === undefined) return { base, isReply }
    isReply = true // (6)
    base = inside.trim()
  }
}

function withoutLeaders(subject: string, replied: () => void): string {
  let base = subject
  for (;;) {
    const leader = LEADER.exec(base)
    const blob = leader ? null : LEADING_BLOB.exec(base)
    if (leader) {
      replied()
      base = base.slice(leader[0].length)
    } else if (blob && blob[0].length < base.length) base = base.slice(blob[0].length)
    else return base
  }
}
