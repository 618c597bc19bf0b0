import {UserError} from '../../../core/errors.js'
import {findBlocks} from './edit.js'
import {readConfigFile} from './file.js'

/** The profile that a ProxyCommand of zt, or a block with one, names; undefined: it names none. */
export function profileIn(text: string): string | undefined {
  return / ssh proxy --profile (\S+) /.exec(text)?.[1]
}

/**
 * The hosts of zt's blocks in an ssh configuration that use a profile, which no longer work when it is gone. Empty if the
 * file cannot be read: ssh does not use it then.
 */
export async function hostsWithProfile(file: string, profile: string): Promise<string[]> {
  try {
    const {text = ''} = await readConfigFile(file)
    return findBlocks(text, file)
      .filter(({start, end}) => profileIn(text.slice(start, end)) === profile)
      .map(({host}) => host)
  } catch (error) {
    if (error instanceof UserError) return []
    throw error
  }
}
