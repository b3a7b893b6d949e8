import { sharedLab } from '../../../src/testing/runners/vitest-setup.ts'

export default sharedLab()
