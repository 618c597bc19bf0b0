import type {Prompts} from '../cli/prompts.js'

export interface ShareQuestion {
  prompts: Prompts
  /** Without a question. */
  yes: boolean
  warn: (text: string) => void
  /** The command that needs no question. */
  instead: string
}

/** Says what it means that an API token is in a credential helper, and asks. The result takes the name of the helper. */
export function agreeToShare({
  prompts,
  yes,
  warn,
  instead,
}: ShareQuestion): (label: string) => Promise<boolean> {
  return async (label) => {
    warn(`Whoever reads ${label}, such as a team that shares it, can then use the API token of this profile`)
    if (yes) return true
    prompts.require('A confirmation', instead)
    return prompts.agree('Move the API token there too?')
  }
}
