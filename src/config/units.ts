import { z } from 'zod'

const timeUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnits = { B: 1, KB: 1000, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

const timeForm = 'write a time as 500ms, 30s, 10m, 1h or 2d'
const sizeForm = 'write a size as 4096KB, 25MiB or 1GB'

/** A length of time: `10m`, `500ms`, `1h`, or a number of milliseconds. Gives milliseconds. */
export const duration = z
  .union([z.number().int().nonnegative(), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, timeForm)], timeForm)
  .transform((value) => {
    if (typeof value === 'number') return value
    const unit = value.replace(/[\d.]+/, '') as keyof typeof timeUnits
    return Math.round(Number.parseFloat(value) * timeUnits[unit])
  })

/** An amount of octets: `25MiB`, `4096KB`, or a number of octets. Gives octets. */
export const octets = z
  .union(
    [z.number().int().nonnegative(), z.string().regex(/^\d+(\.\d+)?(B|KB|MB|GB|KiB|MiB|GiB)$/, sizeForm)],
    sizeForm,
  )
  .transform((value) => {
    if (typeof value === 'number') return value
    const unit = value.replace(/[\d.]+/, '') as keyof typeof sizeUnits
    return Math.round(Number.parseFloat(value) * sizeUnits[unit])
  })
