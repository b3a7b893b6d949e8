import { isCancel, log, note, password, select, text } from '@clack/prompts'
import { writeObstacle } from '../../../core/files/file-obstacles.ts'
import { readInput } from '../../shared/files.ts'

/** The user cancelled the wizard. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
  constructor(state = 'nothing has changed') {
    super(`the wizard was cancelled; ${state}`)
  }
}

/** The answer that returns to the previous page. */
export const BACK = Symbol('back')
const BACK_SIGN = '<'

function assertNotCancelled<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Cancelled()
  return answer as Exclude<T, symbol>
}

interface TextPage {
  readonly message: string
  readonly initial?: string
  /** Returns the error in an answer, or undefined. */
  readonly check?: (answer: string) => string | undefined
  /** Whether an answer that ends with `<` returns to the previous page. */
  readonly back?: boolean
}

/** Asks for a line of text. @throws Cancelled */
export async function askText({ message, initial = '', check, back = false }: TextPage): Promise<string | typeof BACK> {
  const answer = await text({
    message: back ? `${message} (${BACK_SIGN} to go back)` : message,
    initialValue: initial,
    validate: (given) => {
      const line = (given ?? '').trim()
      return back && line.endsWith(BACK_SIGN) ? undefined : check?.(line)
    },
  })
  const line = assertNotCancelled(answer).trim()
  return back && line.endsWith(BACK_SIGN) ? BACK : line
}

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
  readonly hint?: string
}

/** Asks the user to choose from a list. @throws Cancelled */
export async function choose<T extends string>(
  message: string,
  choices: readonly Choice<T>[],
  initial?: T,
): Promise<T> {
  const options = choices.map((choice) => ({ ...choice })) as never
  return assertNotCancelled(
    await select<T>({ message, options, ...(initial === undefined ? {} : { initialValue: initial }) }),
  ) as T
}

/** The last item of a list on a page that is not the first one. */
const BACK_CHOICE: Choice<string> = { value: BACK_SIGN, label: 'Back' }

/** Asks the user to choose from a list that also leads back. @throws Cancelled */
export async function chooseOrBack(
  message: string,
  choices: readonly Choice<string>[],
  initial?: string,
): Promise<string | typeof BACK> {
  const answer = await choose(message, [...choices, BACK_CHOICE], initial)
  return answer === BACK_SIGN ? BACK : answer
}

export async function askPassword(message: string): Promise<string> {
  return assertNotCancelled(await password({ message }))
}

/** Shows a page of text. */
export const showPage = (title: string, lines: string): void => note(lines, title)

/** Says what the wizard does now. */
export const showProgress = (line: string): void => log.step(line)

/** Asks again until an attempt succeeds. What the user has answered before stays. @throws Cancelled */
export async function untilDone<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof Cancelled) throw error
      showPage('Not possible', (error as Error).message)
    }
  }
}

/** Returns the problem of a file name to write to, or undefined. */
export const outputProblem = (answer: string): string | undefined =>
  answer === '' ? 'a file name is required' : writeObstacle(answer)

/** Asks for the name of a file to write. @throws Cancelled */
export async function askOutput(message: string, initial = ''): Promise<string> {
  return (await askText({ message, initial, check: outputProblem })) as string
}

/** Asks for a file and uses its content. Asks again if the file cannot be read or used. @throws Cancelled */
export async function withFile<T>(message: string, use: (octets: Buffer, file: string) => Promise<T>): Promise<T> {
  let initial = ''
  const check = (answer: string): string | undefined => (answer === '' ? 'a file name is required' : undefined)
  return untilDone(async () => {
    initial = (await askText({ message, initial, check })) as string
    return use(await readInput(initial), initial)
  })
}

/** Asks a question with Yes and No. @throws Cancelled for No */
export async function confirm(question: string): Promise<void> {
  const answer = await choose(question, [
    { value: 'yes', label: 'Yes' },
    { value: 'no', label: 'No, change nothing' },
  ])
  if (answer === 'no') throw new Cancelled()
}
