/** Loads the package jose. Only labs that use tokens need it. */
export const loadJose = (): Promise<typeof import('jose')> => import('jose')
