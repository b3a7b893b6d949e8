import { isCancel, note, password, select, text } from '@clack/prompts'

/** The user cancelled the wizard. */
class Cancelled extends Error {
  override readonly name = 'Cancelled'
  constructor() {
    super('the wizard was cancelled; nothing has changed')
  }
}

/** The answer that returns to the previous page. */
export const BACK = Symbol('back')
const BACK_SIGN = '<'

function unlessCancelled<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Cancelled()
  return answer as Exclude<T, symbol>
}

export interface TextPage {
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
  const line = unlessCancelled(answer).trim()
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
  return unlessCancelled(
    await select<T>({ message, options, ...(initial === undefined ? {} : { initialValue: initial }) }),
  ) as T
}

export async function askPassword(message: string): Promise<string> {
  return unlessCancelled(await password({ message }))
}

/** Shows a page of text. */
export const showPage = (title: string, lines: string): void => note(lines, title)

/** Asks for a file name. @throws Cancelled */
export async function askFile(message: string, initial = ''): Promise<string> {
  const check = (answer: string): string | undefined => (answer === '' ? 'a file name is required' : undefined)
  const file = await askText({ message, initial, check })
  if (file === BACK) throw new Cancelled()
  return file
}

/** Asks a question with Yes and No. @throws Cancelled for No */
export async function confirm(question: string): Promise<void> {
  const answer = await choose(question, [
    { value: 'yes', label: 'Yes' },
    { value: 'no', label: 'No, change nothing' },
  ])
  if (answer === 'no') throw new Cancelled()
}
