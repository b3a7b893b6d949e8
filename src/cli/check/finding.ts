/** Something `sealpost check` found. Warnings leave the exit status alone; mistakes are of the file. */
export interface Finding {
  readonly severity: 'mistake' | 'error' | 'warning'
  readonly message: string
}

export const mistaken = (message: string): Finding => ({ severity: 'mistake', message })
export const wrong = (message: string): Finding => ({ severity: 'error', message })
export const doubtful = (message: string): Finding => ({ severity: 'warning', message })
