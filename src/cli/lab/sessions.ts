import type { Command } from 'commander'
import type { OutputOf } from '../../api/operation-types.ts'
import { describeSession, describeTranscript, sessionJson } from '../../core/sessions/describe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { callLab } from '../../lab/control/client.ts'
import { type ApiOptions, callApi, callNamed, withApi } from '../shared/api-client.ts'
import { noteWarning, print, withPager } from '../shared/output.ts'
import { runningLabs } from '../shared/running-labs.ts'
import { followEvents } from './follow-events.ts'

interface SessionsOptions extends ApiOptions {
  readonly follow?: boolean
  readonly failed?: boolean
}

/** Adds `sealpost sessions`. */
export function addSessions(program: Command): void {
  withApi(program.command('sessions'))
    .argument('[id]', 'show the transcript of this session')
    .option(
      '-f, --follow',
      'keep running and print a line for each session when it ends; in a cluster, only sessions of the node that answers',
    )
    .option('--failed', 'only sessions with a refused command or an error')
    .option('--json', 'print JSON lines with transcripts')
    .action(
      withPager((id: string | undefined, options: SessionsOptions) =>
        options.url === undefined ? localSessions(id, options) : remoteSessions(id, options),
      ),
    )
}

async function localSessions(id: string | undefined, options: SessionsOptions): Promise<void> {
  const { follow = false, failed = false, json = false } = options
  let found = 0
  for (const socket of await runningLabs(options)) {
    for await (const item of callLab(socket, { verb: 'sessions', args: { follow, failed, id } })) {
      if ('missing' in (item as object)) {
        warnOfMissing((item as { missing: string }).missing)
        continue
      }
      const record = item as SessionRecord
      found++
      if (json) print(JSON.stringify(sessionJson(record)))
      else if (id === undefined) print(describeSession(record))
      else for (const line of describeTranscript(record)) print(line)
    }
  }
  if (found > 0) return
  if (id !== undefined) throw new Error(`there is no session ${id}; sealpost sessions lists all sessions`)
  printNone(options)
}

function printNone({ failed = false, follow = false, json = false }: SessionsOptions): void {
  if (follow || json) return
  print(failed ? 'No session was refused or had an error.' : 'There is no session.')
}

const warnOfMissing = (node: string): void => noteWarning(`the node ${node} did not answer; its sessions are missing`)

/** Shows the sessions of a lab at `--url`. */
async function remoteSessions(id: string | undefined, options: SessionsOptions): Promise<void> {
  if (id !== undefined) return showOne(id, options)
  if (!options.follow) return showAll(options)
  for await (const { event, data } of followEvents(
    options,
    `${options.failed ? '' : 'session.closed,'}session.refused`,
  )) {
    if (event === 'connected') await showAll(options)
    else await showEnded((data as { id: string }).id, options)
  }
}

async function showAll(options: SessionsOptions): Promise<void> {
  const { failed = false } = options
  const pages: OutputOf<'sessions.list'>['items'][] = []
  let cursor: string | undefined
  do {
    const page = await callApi(options, 'sessions.list', { failed, limit: 1000, cursor })
    pages.push(page.items)
    for (const node of page.missing ?? []) warnOfMissing(node)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  const all = pages.flat().reverse()
  if (all.length === 0) printNone(options)
  for (const one of all) {
    if (options.json) await showOne(one.id, options)
    else print(one.summary)
  }
}

async function showEnded(id: string, options: SessionsOptions): Promise<void> {
  if (options.json) await showOne(id, options)
  else print((await callApi(options, 'sessions.get', { id })).summary)
}

async function showOne(id: string, options: SessionsOptions): Promise<void> {
  if (options.json) return print(JSON.stringify(await callApi(options, 'sessions.get', { id })))
  const text = (await callNamed(options, 'sessions.get', { id, format: 'text' })) as Buffer
  print(text.toString('utf8').trimEnd())
}
