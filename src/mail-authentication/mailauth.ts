import { installCommand } from '../common/folders.ts'

export type MailauthPackage = typeof import('mailauth')

/** The package that SPF, DMARC, ARC and BIMI need is not installed. */
export class MissingPackage extends Error {
  override readonly name = 'MissingPackage'
}

let loaded: Promise<MailauthPackage> | undefined

/** Loads the package mailauth, which is optional. @throws MissingPackage */
export function loadMailauth(): Promise<MailauthPackage> {
  loaded ??= import('mailauth')
    .then((found) => ('default' in found ? (found.default as MailauthPackage) : found))
    .catch((cause: unknown) => {
      loaded = undefined
      throw new MissingPackage(
        `the authentication of mail needs the package mailauth; run: ${installCommand('mailauth')}`,
        { cause },
      )
    })
  return loaded
}
