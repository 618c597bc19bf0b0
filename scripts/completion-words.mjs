import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'

/** Writes what the shells' completion offers of zt itself: far less than the manifest, and with what each value is. */
export function writeCompletionWords(root) {
  const read = (name) => JSON.parse(fs.readFileSync(path.join(root, name), 'utf8'))
  const {HELP_TOPICS} = createRequire(import.meta.url)(path.join(root, 'dist', 'oclif.cjs'))
  const topics = HELP_TOPICS.map(({name}) => name)
  const words = completionWords(read('oclif.manifest.json'), read('package.json').oclif.topics, topics)
  fs.writeFileSync(path.join(root, 'dist', 'complete', 'words.json'), JSON.stringify(words))
}

/**
 * All that can be typed, as the completer reads it.
 *
 * @param {{commands: Record<string, object>}} manifest
 * @param {Record<string, {description: string}>} topics of package.json
 * @param {string[]} helpTopics what `zt help` shows beside commands
 * @returns {object} `Words` of src/lib/completion/types.ts
 */
export function completionWords({commands}, topics, helpTopics) {
  const shown = Object.entries(commands).filter(([, {hidden}]) => hidden !== true)
  const flagsOf = ({flags}) => Object.values(flags).filter(({hidden}) => hidden !== true)
  const globals = shown.flatMap(([, command]) =>
    flagsOf(command).filter(({helpGroup}) => helpGroup === 'GLOBAL'),
  )
  return {
    helpTopics,
    topics: Object.fromEntries(Object.entries(topics).map(([name, {description}]) => [name, description])),
    global: [...new Map(globals.map((flag) => [flag.name, flag])).values()].flatMap(flagWords),
    commands: Object.fromEntries(
      shown.flatMap(([id, command]) =>
        [id, ...(command.aliases ?? [])].map((name) => [
          name.replaceAll(':', ' '),
          {
            about: command.summary ?? '',
            args: Object.values(command.args).map(({completes = 'none', options, multiple}) => ({
              kind: completes,
              values: options,
              many: multiple === true ? true : undefined,
            })),
            flags: flagsOf(command).flatMap(flagWords),
            others: command.behindDashes === undefined ? undefined : true,
          },
        ]),
      ),
    ),
  }
}

function flagWords({
  name,
  type,
  description,
  char,
  multiple,
  allowNo,
  options,
  exclusive = [],
  completes = 'none',
}) {
  const words = {
    name,
    about: description,
    char,
    kind: type === 'boolean' ? undefined : completes,
    values: options,
    many: multiple === true ? true : undefined,
    not: exclusive.length > 0 ? exclusive : undefined,
  }
  return allowNo === true ? [words, {...words, name: `no-${name}`, char: undefined}] : [words]
}
