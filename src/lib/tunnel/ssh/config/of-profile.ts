import path from 'node:path'
import {UserError} from '../../../core/errors.js'
import type {WrittenWithProfile} from '../../types.js'
import {defaultSshConfig} from '../config-values.js'
import {readConfiguration} from '../configuration.js'
import {isNameless} from '../user-name.js'
import {proxyLines} from './adopted-lines.js'
import {findBlocks} from './edit.js'

/** The profile that a ProxyCommand of zt, or a block with one, names; undefined: it names none. */
export function profileIn(text: string): string | undefined {
  return / ssh proxy --profile (\S+) /.exec(text)?.[1]
}

/**
 * What zt wrote into an ssh configuration, with the files that it includes, that uses a profile: it no longer works when the
 * profile is gone. Files that cannot be read are left out: ssh does not use them then.
 *
 * @param named undefined: the usual one, which a user without a name does not have
 */
export function writtenWithProfile(
  named: string | undefined,
  profile: string,
): {main: string; written: WrittenWithProfile[]} {
  if (named === undefined && isNameless()) return {main: '', written: []}
  const main = path.resolve(named ?? defaultSshConfig())
  const {files} = readConfiguration({file: main, ssh: ''})
  const uses = (text: string): boolean => profileIn(text) === profile
  const written = [...files.values()].map(({file, text}) => ({
    file,
    blocks: blocksIn(text, file)
      .filter(({start, end}) => uses(text.slice(start, end)))
      .map(({host}) => host),
    adopted: proxyLines(text)
      .lines.filter(({current}) => current !== undefined && uses(current))
      .flatMap(({section: {patterns, line = ''}}) => patterns ?? [line]),
  }))
  return {main, written: written.filter(({blocks, adopted}) => blocks.length + adopted.length > 0)}
}

function blocksIn(text: string, file: string): ReturnType<typeof findBlocks> {
  try {
    return findBlocks(text, file)
  } catch (error) {
    if (error instanceof UserError) return []
    throw error
  }
}
