// What the man pages and the reference say of a command, as plain text.

export const isGlobal = ({helpGroup}) => helpGroup === 'GLOBAL'

/** Capitalises a text that begins with an English word, not with a program or a value. */
export const sentence = (text) =>
  text.replace(/^(?!(?:age|bash|curl|fish|keychain|ssh|zsh|zt)[ ,])[a-z](?=[a-z]*[ ,;])/, (first) =>
    first.toUpperCase(),
  ) + (/[.!?]$/.test(text) ? '' : '.')

/** What a flag does, and how it can be given. */
export function flagMeaning(flag) {
  const {description, multiple, exclusive = [], dependsOn = [], required} = flag
  const flags = (names) => names.map((name) => `--${name}`).join(', ')
  const more = [
    multiple && !description.includes('may be repeated') && 'May be repeated.',
    hasDefault(flag) && !description.includes('the default') && `Default: ${flag.default}.`,
    exclusive.length > 0 && `Not together with ${flags(exclusive)}.`,
    dependsOn.length > 0 && `Only with ${flags(dependsOn)}.`,
    required && 'Required.',
  ]
  return [sentence(description), ...more.filter(Boolean)].join(' ')
}

function hasDefault({type, default: value}) {
  return type === 'option' && value !== undefined && !(Array.isArray(value) && value.length === 0)
}

/** @throws Error if an example uses another of oclif's templates than zt's name */
export function withoutTemplate(example) {
  const text = example.replaceAll('<%= config.bin %>', 'zt')
  if (text.includes('<%')) throw new Error(`a template that is not known here: ${example}`)
  return text
}

export const commandsOf = (topic, commands) => commands.filter(({id}) => id.startsWith(`${topic}:`))
