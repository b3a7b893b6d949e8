import type { TextKey } from '../../texts/catalogue.ts'

/** A fault as in the key `faults` of the YAML. */
export type FaultInput = Readonly<Record<string, unknown>>

/** A fault that people look for by what it imitates. */
interface Preset {
  readonly name: string
  readonly title: TextKey
  readonly fault: FaultInput
}

const presets: readonly Preset[] = [
  {
    name: 'greylisting',
    title: 'faults.greylisting',
    fault: {
      when: { protocol: 'smtp', verb: 'RCPT' },
      do: { reply: '451 4.7.1 Greylisted, try again later' },
      times: 1,
    },
  },
  {
    name: 'full-mailbox',
    title: 'faults.fullMailbox',
    fault: { when: { protocol: 'smtp', verb: 'RCPT' }, do: { reply: '552 5.2.2 Mailbox full' } },
  },
  {
    name: 'lost-acknowledgement',
    title: 'faults.lostAcknowledgement',
    fault: { when: { protocol: 'smtp', on: 'end-of-data' }, do: { drop: 'before', stored: true }, times: 1 },
  },
  {
    name: 'slow-line',
    title: 'faults.slowLine',
    fault: { when: { on: 'connect' }, do: { throttle: 2000 } },
  },
  {
    name: 'slow-server',
    title: 'faults.slowServer',
    fault: { when: { on: 'command' }, do: { delay: '2s' } },
  },
  {
    name: 'stripped-starttls',
    title: 'faults.strippedStarttls',
    fault: { when: { protocol: 'smtp', verb: 'STARTTLS' }, do: { reply: '502 5.5.1 Command not implemented' } },
  },
  {
    name: 'injected-after-starttls',
    title: 'faults.injected',
    fault: { when: { protocol: 'smtp', verb: 'STARTTLS' }, do: { inject: '250 injected' } },
  },
  {
    name: 'busy',
    title: 'faults.busy',
    fault: {
      when: { protocol: 'smtp', on: 'connect' },
      do: { reply: '421 4.3.2 Too busy, try again later' },
      times: 1,
    },
  },
  {
    name: 'wrong-password',
    title: 'faults.wrongPassword',
    fault: { when: { protocol: 'imap4', verb: 'LOGIN' }, do: { reply: 'NO [AUTHENTICATIONFAILED] Log-on failed' } },
  },
  {
    name: 'cut-while-reading',
    title: 'faults.cutWhileReading',
    fault: { when: { protocol: 'imap4', verb: 'FETCH' }, do: { drop: 'mid-reply' }, times: 1 },
  },
  {
    name: 'silent-server',
    title: 'faults.silent',
    fault: { when: { on: 'connect' }, do: { silence: true }, times: 1 },
  },
  {
    name: 'handshake-alert',
    title: 'faults.handshakeAlert',
    fault: { when: { on: 'handshake' }, do: { abortHandshake: 40 }, times: 1 },
  },
]

/** Returns the presets that can happen on virtual servers of a protocol. @param protocol default: all */
export const presetsFor = (protocol?: string): readonly Preset[] =>
  presets.filter(({ fault: { when } }) => {
    const { protocol: own } = when as { readonly protocol?: string }
    return protocol === undefined || own === undefined || own === protocol
  })
