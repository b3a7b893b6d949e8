import { z } from 'zod'
import { provideZod } from './real.ts'

// Imported first by what loads zod in any case: the HTTP API.
provideZod(z)
