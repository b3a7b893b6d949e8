import { missingSettings, setting } from '../rows.ts'
import type { Draft, Setting, SettingCall } from '../tool.ts'
import { isOn } from '../values.ts'

type Fault = NonNullable<Draft['lab']['testing']['faults']>[number]

/** Jim’s mischief, with his own chances, as faults. */
const mischief: Readonly<Record<string, { readonly chance: number; readonly fault: (chance: number) => Fault }>> = {
  '-jim-accept': {
    chance: 0.99,
    fault: (chance) => ({
      name: 'Jim rejects',
      when: { protocol: 'smtp', on: 'connect', chance: 1 - chance },
      do: { drop: 'before' },
    }),
  },
  '-jim-disconnect': {
    chance: 0.005,
    fault: (chance) => ({
      name: 'Jim disconnects',
      when: { protocol: 'smtp', on: 'command', chance },
      do: { drop: 'after' },
    }),
  },
  '-jim-reject-sender': { chance: 0.05, fault: (chance) => refusal('MAIL', chance) },
  '-jim-reject-recipient': { chance: 0.05, fault: (chance) => refusal('RCPT', chance) },
  '-jim-reject-auth': { chance: 0.05, fault: (chance) => refusal('AUTH', chance) },
  '-jim-linkspeed-affect': {
    chance: 0.1,
    fault: (chance) => ({
      name: 'Jim slows down',
      when: { protocol: 'smtp', on: 'connect', chance },
      do: { throttle: 1024 },
    }),
  },
}

const refusal = (verb: string, chance: number): Fault => ({
  name: `Jim refuses ${verb}`,
  when: { protocol: 'smtp', verb, chance },
  do: { reply: `550 5.3.0 Jim refuses ${verb}` },
})

/** Returns the chance of a flag. @throws Error */
function chanceOf(text: string): number {
  const chance = Number(text)
  if (text !== '' && chance >= 0 && chance <= 1) return chance
  throw new Error(`"${text}" is not a chance; write a number from 0 to 1`)
}

function invite({ draft, other }: SettingCall): void {
  const faults = Object.entries(mischief).map(([flag, { chance, fault }]) =>
    fault(chanceOf(other(flag) ?? `${chance}`)),
  )
  const slowest = Number(other('-jim-linkspeed-min') ?? '1024')
  for (const { do: action } of faults) {
    if (action.throttle !== undefined) action.throttle = Math.max(1, Math.round(slowest))
  }
  draft.lab.testing.faults = faults.filter(({ when }) => (when?.chance ?? 0) > 0)
}

export const jimSettings: readonly Setting[] = [
  setting('MH_INVITE_JIM -invite-jim!', '`testing.faults` with a `chance`', (call) => {
    if (isOn(call.value)) invite(call)
  }),
  ...[...Object.keys(mischief), '-jim-linkspeed-min'].map((flag) => ({ flags: [flag], with: ['-invite-jim'] })),
  ...missingSettings('slow connections have the speed of -jim-linkspeed-min', '-jim-linkspeed-max'),
]
