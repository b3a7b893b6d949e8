import { sharedLab } from '../../../src/testing/vitest-setup.ts'

export default sharedLab()
