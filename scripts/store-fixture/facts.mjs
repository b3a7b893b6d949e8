// Reads what must survive an upgrade from a running lab: uids, flags, modSeqs, article numbers, serial numbers and the like.
import { createHash } from 'node:crypto'
import { sealpostJson } from './lab.mjs'
import { withImap, withNntp } from './line-session.mjs'

const STATUS = 'MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ SIZE DELETED'
const FETCH = 'UID FLAGS MODSEQ INTERNALDATE RFC822.SIZE EMAILID THREADID'

/** Returns the facts of a lab that runs in a folder. @param ports by protocol */
export async function readFacts(folder, ports) {
  return {
    accounts: { alice: await mailboxes(ports.imap4, 'alice'), bob: await mailboxes(ports.imap4, 'bob') },
    newsgroups: await newsgroups(ports.nntp),
    queue: queue(folder),
    ...certificates(folder),
  }
}

const mailboxes = (port, user) =>
  withImap(port, user, async (send) => {
    await send('ENABLE QRESYNC METADATA')
    const names = namesOf((await send('LIST "" "*"')).filter((line) => !/\\(?:Noselect|NonExistent)/i.test(line)))
    const found = {}
    for (const name of names) {
      const [, status] = /\((.*)\)/.exec((await send(`STATUS "${name}" (${STATUS})`)).join('\n'))
      await send(`EXAMINE "${name}"`)
      const fetched = await send(`UID FETCH 1:* (${FETCH})`)
      found[name] = {
        status: pairs(status),
        messages: fetched.filter((line) => / FETCH /.test(line)).map(message),
        texts: await texts(send),
        changes: (await send('UID FETCH 1:* (FLAGS) (CHANGEDSINCE 2 VANISHED)')).map(change).filter(Boolean),
        metadata: (await send(`GETMETADATA "${name}" (/shared/comment /private/comment)`)).filter(isMetadata),
      }
    }
    return {
      mailboxes: found,
      subscribed: Object.fromEntries(namesOf(await send('LSUB "" "*"')).map((name) => [name, true])),
    }
  })

const namesOf = (lines) => lines.map((line) => / "?([^"]+?)"?$/.exec(line)[1]).sort()

const isMetadata = (line) => line.startsWith('* METADATA') && !line.includes('NIL')

/** Names and values: `MESSAGES 2 UIDNEXT 3`. */
const pairs = (text) => Object.fromEntries(text.match(/\S+ \S+/g).map((pair) => pair.split(' ')))

/** Items can come in any order. */
function message(line) {
  const item = (pattern) => pattern.exec(line)?.[1]
  return {
    uid: item(/\bUID (\d+)/),
    flags: item(/FLAGS \(([^)]*)\)/)
      .split(' ')
      .filter((flag) => flag !== '\\Recent')
      .sort()
      .join(' '),
    modSeq: item(/MODSEQ \((\d+)\)/),
    internalDate: item(/INTERNALDATE "([^"]+)"/),
    size: item(/RFC822\.SIZE (\d+)/),
    emailId: item(/EMAILID \(([^)]*)\)/),
    threadId: item(/THREADID \(([^)]*)\)/),
  }
}

function change(line) {
  const vanished = /^\* VANISHED \(EARLIER\) (\S+)/.exec(line)
  if (vanished) return `vanished ${vanished[1]}`
  const uid = /\bUID (\d+)/.exec(line)
  return uid && `changed ${uid[1]}`
}

/** Returns the SHA-256 of the lines of all messages. */
async function texts(send) {
  const lines = await send('UID FETCH 1:* (BODY.PEEK[])')
  const content = lines.filter((line) => !/^\* \d+ FETCH /.test(line) && line !== ')')
  return createHash('sha256').update(content.join('\n')).digest('hex')
}

const newsgroups = (port) =>
  withNntp(port, async ({ line, lines }) => {
    const found = {}
    for (const name of (await lines('LIST ACTIVE')).map((row) => row.split(' ')[0]).sort()) {
      const [, , low, high] = (await line(`GROUP ${name}`)).split(' ')
      found[name] = { low, high, articles: low > high ? [] : await lines(`HDR Message-ID ${low}-${high}`) }
    }
    return found
  })

const queue = (folder) =>
  sealpostJson(folder, 'queue', 'list').map(({ id, mailFrom, recipients, state }) => ({
    id,
    mailFrom,
    to: recipients.map(({ address }) => address),
    state,
  }))

/** By serial number, thumbprint or name: a later version may have more of them, such as a new automatic certificate. */
function certificates(folder) {
  const authorities = sealpostJson(folder, 'ca', 'list').map(({ name, thumbprint }) => {
    const issued = sealpostJson(folder, 'ca', 'issued', name).map(({ serial, thumbprint: own, revoked }) => {
      return [serial, { thumbprint: own, revoked: revoked?.reason ?? '' }]
    })
    return [name, { thumbprint, issued: Object.fromEntries(issued) }]
  })
  const kept = sealpostJson(folder, 'cert', 'list').filter(({ origin }) => origin !== 'auto')
  return {
    authorities: Object.fromEntries(authorities),
    certificates: Object.fromEntries(kept.map(({ thumbprint, friendlyName }) => [thumbprint, friendlyName])),
    requests: Object.fromEntries(
      sealpostJson(folder, 'cert', 'pending').map(({ id, friendlyName }) => [id, friendlyName]),
    ),
  }
}
