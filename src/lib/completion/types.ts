/** What an argument or a flag's value is, for the candidates that can be offered for it. */
export type Kind =
  | NameKind
  /** A service token whose secret is on this machine. */
  | 'stored-token'
  /** An edit that can be undone. */
  | 'edit'
  | 'profile'
  | 'account'
  | 'host'
  /** An application by its name, or a host. */
  | 'application-or-host'
  /** `[USER@]HOST`. */
  | 'destination'
  /** `https://HOST/…`. */
  | 'url'
  | 'store'
  | 'file'
  /** The words of a zt command. */
  | 'command'
  /** Nothing can be offered. */
  | 'none'

/** Objects whose names the API knows. */
export type NameKind = 'token' | 'application' | 'group' | 'policy'

export const NAME_KINDS: readonly NameKind[] = ['token', 'application', 'group', 'policy']

/** An object of the account. */
export interface Named {
  id: string
  name: string
  /** An application's public hosts, with paths and wildcards, as in Access. */
  domains?: readonly string[] | undefined
}

/** What is offered for the word that is being typed. */
export interface Candidate {
  value: string
  /** A description in one line, for shells that show it. */
  about?: string | undefined
  /** The ID, which can be given instead of the name. */
  id?: string | undefined
}

/** A flag in the file that the build makes from the manifest. */
export interface FlagWords {
  name: string
  about?: string | undefined
  char?: string | undefined
  /** Undefined: the flag takes no value. */
  kind?: Kind | undefined
  /** The only values that it takes. */
  values?: string[] | undefined
  /** It can be given several times. */
  many?: true | undefined
  /** Flags that exclude it. */
  not?: string[] | undefined
}

/** An argument, or a flag's value. */
export interface ValueWords {
  kind: Kind
  /** The only values that it takes. */
  values?: string[] | undefined
}

/** `many`: the last argument may be given several times. */
export interface ArgumentWords extends ValueWords {
  many?: true | undefined
}

export interface CommandWords {
  about: string
  args: ArgumentWords[]
  flags: FlagWords[]
  /** What follows the arguments is of another program, with or without `--`. */
  others?: true | undefined
}

/** Everything of zt itself that can be typed; commands and topics by their words: `token create`. */
export interface Words {
  /** What `zt help` shows beside commands. */
  helpTopics: string[]
  topics: Record<string, string>
  /** The flags that every command has. They may be given before the command. */
  global: FlagWords[]
  commands: Record<string, CommandWords>
}
