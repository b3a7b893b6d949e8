/** A key that has another name now. */
interface Deprecation {
  /** The mappings that can have the key. `*` is every item of a list. */
  readonly mappings: readonly string[]
  readonly from: string
  /** The new name, in the same mapping. */
  readonly to: string
  /** The version that introduced the new name. The old one works until the next minor version, with a warning. */
  readonly since: string
}

/** Rows stay here when their time is over: `sealpost config migrate` also rewrites the files of old versions. */
export const deprecations: readonly Deprecation[] = []
