import { COUNT, manyTests } from './many.ts'

manyTests(COUNT)
