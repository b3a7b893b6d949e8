/** Something `sealpost check` found. Warnings leave the exit status alone. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly message: string
}

export const wrong = (message: string): Finding => ({ severity: 'error', message })
export const doubtful = (message: string): Finding => ({ severity: 'warning', message })
