import { type Found, fail, pass } from './check.ts'

/** Answers to messages that are wrong in different ways, by the name of the way. */
type Answers = ReadonlyMap<string, string>

/**
 * Judges whether a server's answer tells what is wrong with a message.
 * @param ask repeats the questions: a difference by chance does not repeat
 */
export async function judgeAnswers(ask: () => Promise<Answers>, first?: Answers): Promise<Found> {
  const answers = first ?? (await ask())
  const [one] = answers.values()
  if (new Set(answers.values()).size === 1) return pass(`every padding gets the same answer (${one})`)
  const again = await ask()
  const stable = [...answers].filter(([name, answer]) => again.get(name) === answer)
  if (new Set(stable.map(([, answer]) => answer)).size < 2) return pass('the answers vary, but not with the padding')
  const words = stable.map(([name, answer]) => `${name}: ${answer}`).join('; ')
  return fail(`the answer depends on the padding, so an attacker can decrypt sessions (${words})`, { answers: words })
}
