import type { BimiResult } from '../../../mail/format/authentication-results.ts'

/** Why a brand indicator does not pass. */
export class BimiFailure extends Error {
  override readonly name = 'BimiFailure'
  readonly result: BimiResult['result']
  constructor(message: string, result: BimiResult['result'] = 'fail', options?: ErrorOptions) {
    super(message, options)
    this.result = result
  }
}
