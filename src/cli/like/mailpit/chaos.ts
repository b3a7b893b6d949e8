import { likeIn } from '../draft.ts'
import { setting, switchSetting } from '../rows.ts'
import type { Setting } from '../tool.ts'

/** The commands that the triggers fail. */
const verbs: Readonly<Record<string, string>> = { sender: 'MAIL', recipient: 'RCPT', authentication: 'AUTH' }

export const chaosSettings: readonly Setting[] = [
  switchSetting('MP_ENABLE_CHAOS --enable-chaos!', '`like.chaos`', (draft) => {
    likeIn(draft).chaos = true
  }),
  setting('MP_CHAOS_TRIGGERS --chaos-triggers', '`like.chaos` and `testing.faults`', ({ draft, value }) => {
    likeIn(draft).chaos = true
    const triggers = value.split(',').map((text) => text.trim())
    draft.lab.testing.faults = [
      ...(draft.lab.testing.faults ?? []),
      ...triggers.filter((text) => text !== '').map(faultOf),
    ]
  }),
]

/** Returns the fault of `Sender:451:5`: the trigger, the code of the reply, and the probability in percent. @throws Error */
function faultOf(trigger: string) {
  const [, name = '', code = '', percent = ''] = /^([a-z]+):([45]\d\d):(\d{1,3})$/i.exec(trigger) ?? []
  const verb = Object.hasOwn(verbs, name.toLowerCase()) ? verbs[name.toLowerCase()] : undefined
  if (verb === undefined || Number(percent) > 100)
    throw new Error(`"${trigger}" is not a trigger; write Sender:451:5, Recipient:451:5 or Authentication:535:5`)
  return {
    name: `Chaos ${name}`,
    when: { protocol: 'smtp' as const, verb, chance: Number(percent) / 100 },
    do: { rawReply: `${code} Chaos: ${verb} fails on purpose` },
  }
}
