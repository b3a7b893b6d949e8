import { isCancel, note, password, select, text } from '@clack/prompts'

/** The person at the terminal wants no more. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
  constructor() {
    super('the wizard was cancelled; nothing has changed')
  }
}

/** The answer that leads to the page before. */
export const BACK = Symbol('back')
const backSign = '<'

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Cancelled()
  return answer as Exclude<T, symbol>
}

export interface TextPage {
  readonly message: string
  readonly initial?: string
  /** What is wrong with an answer; undefined where nothing is. */
  readonly check?: (answer: string) => string | undefined
  /** Whether there is a page before this one: an answer that ends in the sign for back leads there. */
  readonly back?: boolean
}

/** One question with a line as its answer. */
export async function askText({ message, initial = '', check, back = false }: TextPage): Promise<string | typeof BACK> {
  const answer = await text({
    message: back ? `${message} (${backSign} to go back)` : message,
    initialValue: initial,
    validate: (given) => {
      const line = (given ?? '').trim()
      return back && line.endsWith(backSign) ? undefined : check?.(line)
    },
  })
  const line = answered(answer).trim()
  return back && line.endsWith(backSign) ? BACK : line
}

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
  readonly hint?: string
}

/** One question with a list of answers. */
export async function choose<T extends string>(
  message: string,
  choices: readonly Choice<T>[],
  initial?: T,
): Promise<T> {
  const options = choices.map((choice) => ({ ...choice })) as never
  return answered(
    await select<T>({ message, options, ...(initial === undefined ? {} : { initialValue: initial }) }),
  ) as T
}

export async function askPassword(message: string): Promise<string> {
  return answered(await password({ message }))
}

/** A page to read. */
export const showPage = (title: string, lines: string): void => note(lines, title)
