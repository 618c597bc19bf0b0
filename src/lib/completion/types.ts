/** What an argument or a flag's value is, as far as something can be offered for it. */
export type Kind =
  | NameKind
  /** A service token whose secret is on this machine. */
  | 'stored-token'
  | 'profile'
  | 'account'
  | 'host'
  /** `[USER@]HOST`. */
  | 'destination'
  /** `https://HOST/…`. */
  | 'url'
  | 'store'
  | 'file'
  /** Words of a command of zt. */
  | 'command'
  /** Only the person knows. */
  | 'none'

/** What the API has names of. */
export type NameKind = 'token' | 'application' | 'group' | 'policy'

export const NAME_KINDS: readonly NameKind[] = ['token', 'application', 'group', 'policy']

/** An object of the account as it can be named. */
export interface Named {
  id: string
  name: string
  /** An application's public hosts, with paths and wildcards as Access has them. */
  domains?: readonly string[] | undefined
}

/** What is offered in place of the word that is being typed. */
export interface Candidate {
  value: string
  /** One line, for shells that show it. */
  about?: string | undefined
  /** What can be given instead of a name. */
  id?: string | undefined
}

/** A flag in the file that the build makes of the manifest. */
export interface FlagWords {
  name: string
  about?: string | undefined
  char?: string | undefined
  /** What its value is; undefined: it has none. */
  kind?: Kind | undefined
  /** The only values that it takes. */
  values?: string[] | undefined
  /** It may be given again. */
  many?: true | undefined
  /** Flags that it cannot stand beside. */
  not?: string[] | undefined
}

/** An argument, or a flag's value. */
export interface ValueWords {
  kind: Kind
  /** The only values that it takes. */
  values?: string[] | undefined
}

export interface CommandWords {
  about: string
  args: ValueWords[]
  flags: FlagWords[]
}

/** All that can be typed of zt itself; commands and topics by their words: `token create`. */
export interface Words {
  /** What `zt help` shows beside commands. */
  helpTopics: string[]
  topics: Record<string, string>
  /** The flags that every command has. They may be given before the command. */
  global: FlagWords[]
  commands: Record<string, CommandWords>
}
