import {UserError} from '../../../core/errors.js'
import {findBlocks} from './edit.js'
import {readConfigFile} from './file.js'

/**
 * The hosts of zt's blocks in an ssh configuration that use a profile, which no longer work when it is gone. Empty if the
 * file cannot be read: ssh does not use it then.
 */
export async function hostsWithProfile(file: string, profile: string): Promise<string[]> {
  try {
    const {text = ''} = await readConfigFile(file)
    return findBlocks(text, file)
      .filter(({start, end}) => text.slice(start, end).includes(` ssh proxy --profile ${profile} `))
      .map(({host}) => host)
  } catch (error) {
    if (error instanceof UserError) return []
    throw error
  }
}
