declare module 'virtual:client-support' {
  /** A feature of HTML or CSS, and the mail programs that support it. */
  interface Feature {
    readonly title: string
    readonly slug: string
    readonly category: 'css' | 'html' | 'image' | 'others'
    readonly notes: Readonly<Record<string, string>>
    /** `y`, `n`, `a` (partly) or `u`, with the numbers of notes: `a #1 #2`. By program and platform: `gmail.ios`. */
    readonly support: Readonly<Record<string, string>>
  }

  const data: {
    /** Date of the data. */
    readonly updated: string
    readonly families: Readonly<Record<string, string>>
    readonly platforms: Readonly<Record<string, string>>
    readonly features: readonly Feature[]
  }
  export default data
}
