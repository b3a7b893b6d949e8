import type { LikeTool } from '../../core/config/schema/like.ts'
import type { PresentInput, VirtualServerInput } from '../../core/config/schema.ts'

/** The lab that takes the place of a tool, while its settings are applied one after the other. */
export interface Draft {
  /** Everything but the virtual servers. */
  readonly lab: PresentInput & {
    readonly [Group in 'mail' | 'outgoing' | 'access' | 'testing']-?: NonNullable<PresentInput[Group]>
  }
  /** The virtual servers by a short name such as `smtp`, in the order of the configuration. */
  readonly servers: Map<string, VirtualServerInput>
  /** One line for each thing that differs from the tool. */
  readonly notes: string[]
}

/** A setting that a user of the tool has given. */
export interface GivenSetting {
  /** As the user wrote it: the name of a variable or a flag. */
  readonly origin: string
  readonly value: string
}

/** The arguments with which a setting is applied. */
export interface SettingCall extends GivenSetting {
  readonly draft: Draft
  /** Returns the value of another setting, by its variable, or by its first flag if it has no variable. */
  readonly other: (name: string) => string | undefined
  /** Returns the absolute path of a file that the user names. */
  readonly path: (file: string) => string
}

/** The meaning of a setting for the lab. */
type Meaning =
  /** It changes the configuration. */
  | {
      /** The keys that it sets, for the documentation. */
      readonly becomes: string
      /** @throws Error if the value is wrong */
      readonly apply: (call: SettingCall) => void
    }
  /** Another setting applies it: the first of these that is given. Without them, it has no effect. */
  | { readonly with: readonly string[] }
  /** The lab does what it asks for without a setting. */
  | { readonly always: string }
  /** The lab does not have this. */
  | { readonly missing: string }

/** A setting of the tool: an environment variable, flags of its command line, or both. */
export type Setting = Meaning & {
  readonly variable?: string
  /** Earlier names of the variable. */
  readonly aliases?: readonly string[]
  readonly flags?: readonly string[]
  /** Whether the flags take no value. */
  readonly isSwitch?: true
  /** Whether the flags work with a value and without one, which is `true`. */
  readonly isOptional?: true
  /** Whether the flags can be given several times. The values are joined with line ends. */
  readonly isRepeated?: true
}

/** A tool whose place the lab can take. */
export interface Tool {
  readonly name: LikeTool
  /** Variables with these prefixes belong to the tool. */
  readonly prefixes: readonly string[]
  /** Whether upper and lower case are the same in names of variables. */
  readonly ignoresCase?: true
  /** Variables whose words are flags of the tool. */
  readonly flagVariables?: readonly string[]
  /** Flags that are not of the tool itself, and why they have no effect. */
  readonly foreignFlags?: { readonly pattern: RegExp; readonly why: string }
  readonly settings: readonly Setting[]
  /** Returns the lab that the tool is without any setting. */
  readonly draft: () => Draft
  /** Called when all settings are applied. @throws Error if they contradict each other */
  readonly finish?: (draft: Draft, other: SettingCall['other']) => void
}
