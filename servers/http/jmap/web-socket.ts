import { ApiProblem } from '../../../src/api/problem.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { callerIn } from '../env.ts'
import { sendText } from '../mail-feed.ts'
import { accountOf } from './account.ts'
import { isStrings } from './checks.ts'
import type { Concurrency } from './concurrency.ts'
import { type JmapCall, parseRequest, problemDetails, type RequestFacts, respond } from './endpoint.ts'
import { follow } from './push.ts'
import { RequestError } from './request.ts'
import { type JsonObject, shownValue } from './types.ts'

/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008

/** Serves a client by WebSocket. RFC 8887. @throws ApiProblem `upgrade-required`, `bad-request` */
export async function answerWebSocket(call: JmapCall, requests: Concurrency): Promise<Response> {
  const { api, c, limits } = call
  const { accept } = c.env
  if (!accept) throw new ApiProblem('upgrade-required', 'connect with ws:// or wss://, and the subprotocol jmap')
  // RFC 8887 section 4.1
  if (
    !c.req
      .header('Sec-WebSocket-Protocol')
      ?.split(/\s*,\s*/)
      .includes('jmap')
  )
    throw new ApiProblem('bad-request', 'the client does not offer the subprotocol jmap (Sec-WebSocket-Protocol)')
  const caller = callerIn(c)
  const lostRights = await c.get('standing')()
  accept(
    (socket) => {
      const gone = new AbortController()
      let isCut = false
      const cut = (): void => {
        isCut = true
      }
      const facts: RequestFacts = { ...call, signal: gone.signal, cut }
      let stopPush = (): void => {}
      const send = (value: object): void => sendText(socket, JSON.stringify(value))
      const close = (): void => socket.close(POLICY_VIOLATION)
      const enable = ({ dataTypes: types = null, pushState }: JsonObject): void => {
        if ((types !== null && !isStrings(types)) || (pushState != null && typeof pushState !== 'string'))
          throw new RequestError('notRequest', 'dataTypes is not a list of names, or pushState is not a text')
        stopPush()
        const follower = {
          facts,
          caller,
          lostRights,
          types,
          since: pushState ?? undefined,
          isReady: () => true,
          end: close,
        }
        stopPush = follow({ ...follower, send: (change, state) => send({ ...change, pushState: state }) }).stop
      }
      const answer = async (octets: Buffer, note: (id: unknown) => void): Promise<void> => {
        const value = parseRequest(octets)
        const message = isMapping(value) ? value : {}
        const { '@type': type, id, ...request } = message
        note(id)
        if (type === 'WebSocketPushEnable') return enable(message)
        if (type === 'WebSocketPushDisable') return stopPush()
        if (type !== 'Request')
          throw new RequestError('notRequest', `there are no messages of the type ${shownValue(type)}`)
        const account = await accountOf(api, caller)
        const response = await requests.run(account.id, limits, () => respond({ ...facts, account }, request))
        if (isCut) return socket.terminate()
        send({ '@type': 'Response', ...(id !== undefined && { requestId: id }), ...response })
      }
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (lostRights()) return close()
        let requestId: unknown
        const octets = isBinary ? Buffer.alloc(0) : data
        answer(octets, (id) => {
          requestId = id
        }).catch((error: unknown) => {
          if (gone.signal.aborted) return
          if (!(error instanceof RequestError)) api.lab.logError(error, 'a JMAP request by WebSocket failed')
          const document =
            error instanceof RequestError
              ? problemDetails(error)
              : { type: 'about:blank', status: 500, detail: 'Internal error' }
          send({ '@type': 'RequestError', ...(requestId !== undefined && { requestId }), ...document })
        })
      })
      socket.on('close', () => {
        gone.abort()
        stopPush()
      })
    },
    { maxPayload: limits.maxSizeRequest, protocol: 'jmap' },
  )
  c.set('isUpgraded', true)
  return c.body(null, 204)
}
