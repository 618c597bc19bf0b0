// Makes the man pages from the manifest, from the tables of exit codes and environment variables, and from
// scripts/man-texts.mjs. All of these are plain text, so that no markup has to be translated.
import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import {commandsOf, flagMeaning, isGlobal, sentence, withoutTemplate} from './command-texts.mjs'
import * as texts from './man-texts.mjs'
import {bold, escape, italic, line, manPage, page, section, subsection, terms, verbatim} from './roff.mjs'

/**
 * Writes dist/man/man1. Run it after the manifest and everything else in dist/.
 *
 * @param {string} root of the project
 */
export function writeManPages(root) {
  const read = (...parts) => JSON.parse(fs.readFileSync(path.join(root, ...parts), 'utf8'))
  const {HELP_TOPICS} = createRequire(import.meta.url)(path.join(root, 'dist', 'oclif.cjs'))
  const directory = path.join(root, 'dist', 'man', 'man1')
  fs.mkdirSync(directory, {recursive: true})
  const pages = manPages({
    commands: read('oclif.manifest.json').commands,
    oclif: read('package.json').oclif,
    facts: read('dist', 'build.json'),
    helpTopics: HELP_TOPICS,
  })
  for (const [file, text] of Object.entries(pages)) fs.writeFileSync(path.join(directory, file), text)
}

/**
 * @param {object} sources
 * @param {Record<string, object>} sources.commands of oclif's manifest
 * @param {{description: string, topics: Record<string, {description: string}>}} sources.oclif of package.json
 * @param {{version: string, commitDate: string | null}} sources.facts dist/build.json
 * @param {{name: string, json: object, note?: string}[]} sources.helpTopics as `zt help` has them
 * @returns {Record<string, string>} the text by file name, e.g. `zt-token-create.1`
 */
export function manPages({commands, oclif, facts, helpTopics}) {
  const about = (name) => helpTopics.find((topic) => topic.name === name)
  const world = {
    commands: Object.values(commands).filter(({hidden}) => !hidden),
    topics: Object.entries(oclif.topics).map(([name, {description}]) => ({name, description})),
    description: oclif.description,
    helpTopics: helpTopics.map(({name}) => name),
    variables: about('environment').json.variables,
    exitCodes: about('exit-codes').json.exitCodes,
    exitCodesNote: about('exit-codes').note,
  }
  const bodies = {
    zt: rootBody(world),
    ...Object.fromEntries(world.topics.map((topic) => [`zt-${topic.name}`, topicBody(topic, world)])),
    // A command that is also a topic lists its subcommands on its own page.
    ...Object.fromEntries(world.commands.map((command) => [nameOf(command), commandBody(command, world)])),
  }
  const date = facts.commitDate?.slice(0, 10) ?? ''
  const rest = {number: 1, date, source: `zt ${facts.version}`, manual: 'zt manual'}
  return Object.fromEntries(
    Object.entries(bodies).map(([name, body]) => [`${name}.1`, manPage({name, ...rest, body})]),
  )
}

function rootBody({commands, topics, description, helpTopics, variables, exitCodes, exitCodesNote}) {
  const {COMMAND, ARGUMENT, OPTION, NAME} = placeholders('COMMAND', 'ARGUMENT', 'OPTION', 'NAME')
  const json = bold('--json')
  return [
    ...nameSection('zt', description),
    ...section(
      'SYNOPSIS',
      `${bold('zt')} ${COMMAND} [${ARGUMENT}...] [${OPTION}...]`,
      '.br',
      `${bold('zt help')} [${COMMAND} | ${helpTopics.map(bold).join(' | ')}] [${json}]`,
      '.br',
      `${bold('zt --version')} [${json}]`,
    ),
    ...section('DESCRIPTION', ...paragraphs(texts.DESCRIPTION)),
    ...section('COMMANDS', ...summaries(commands.filter(({id}) => !id.includes(':')))),
    ...topics.flatMap((topic) =>
      subsection(topic.description, ...summaries(commandsOf(topic.name, commands))),
    ),
    ...section(
      'OPTIONS',
      ...paragraphs(['Every command takes these.']),
      ...terms([
        ...Object.values(commands[0].flags).filter(isGlobal).map(flagTerm),
        [`${bold('-h')}, ${bold('--help')}`, escape('Show what a command takes, with examples.')],
        [
          `${bold('-V')}, ${bold('--version')}`,
          escape('Without a command: print the version, with --json also what it was built from.'),
        ],
      ]),
    ),
    ...section(
      'EXAMPLES',
      ...texts.EXAMPLES.flatMap(([what, lines], at) => [
        ...(at > 0 ? ['.PP'] : []),
        ...paragraphs([what]),
        ...verbatim(lines),
      ]),
    ),
    ...section(
      'ENVIRONMENT',
      ...paragraphs(['The same is in zt help environment.']),
      ...terms(variables.map(variableTerm)),
    ),
    ...section(
      'FILES',
      ...paragraphs(['Where XDG_CONFIG_HOME and its like name no other directory.']),
      ...terms(texts.FILES.map(([file, what]) => [italic(file), escape(what)])),
    ),
    ...section(
      'EXIT STATUS',
      ...paragraphs(['The same is in zt help exit-codes.']),
      ...terms(
        exitCodes.map(({code, name, meaning}) => [
          bold(String(code)),
          escape(sentence(`${meaning} (${name})`)),
        ]),
      ),
      '.PP',
      ...paragraphs([exitCodesNote]),
    ),
    ...section('SECURITY', ...paragraphs(texts.SECURITY)),
    ...seeAlso([...topics.map(({name}) => `zt-${name}`), 'age', 'curl', 'ssh']),
  ]
}

function topicBody({name, description}, {commands}) {
  const {COMMAND} = placeholders('COMMAND')
  return [
    ...nameSection(`zt-${name}`, description),
    ...section('SYNOPSIS', `${bold(`zt ${name}`)} ${COMMAND} ...`),
    ...section('COMMANDS', ...summaries(commandsOf(name, commands))),
    ...seeAlso(['zt']),
  ]
}

function commandBody(command, {commands, variables, exitCodesNote}) {
  const {id, summary, description, examples = []} = command
  const args = Object.values(command.args)
  const flags = Object.values(command.flags).filter(({hidden}) => !hidden)
  const own = flags.filter((flag) => !isGlobal(flag))
  const below = commandsOf(id, commands)
  const topic = id.split(':')[0]
  const siblings = topic === id ? below : commandsOf(topic, commands).filter((one) => one !== command)
  const mentioned = variables.filter(({name}) => mentions(command, name))
  return [
    ...nameSection(nameOf(command), summary),
    ...section('SYNOPSIS', synopsis(command, args, own)),
    ...section(
      'DESCRIPTION',
      ...paragraphs([
        sentence(summary),
        ...(description ?? '').split(/\n{2,}/).filter((text) => text !== ''),
      ]),
    ),
    ...(args.length > 0 ? section('ARGUMENTS', ...terms(args.map(argumentTerm))) : []),
    ...section(
      'OPTIONS',
      ...terms(own.map(flagTerm)),
      ...(own.length > 0 ? subsection('Of every command') : []),
      ...terms(flags.filter(isGlobal).map(flagTerm)),
    ),
    ...(below.length > 0 ? section('COMMANDS', ...summaries(below)) : []),
    ...(examples.length > 0
      ? section('EXAMPLES', ...examples.flatMap((one, at) => exampleLines(one, at)))
      : []),
    ...(mentioned.length > 0 ? section('ENVIRONMENT', ...terms(mentioned.map(variableTerm))) : []),
    ...section(
      'EXIT STATUS',
      ...paragraphs([
        ...(command.behindDashes ? [exitCodesNote] : []),
        '0 when it is done, or there was nothing to do. The other codes are in zt(1).',
      ]),
    ),
    ...seeAlso(['zt', ...(topic === id ? [] : [`zt-${topic}`]), ...siblings.map(nameOf)]),
  ]
}

function synopsis(command, args, flags) {
  return [
    bold(`zt ${command.id.replaceAll(':', ' ')}`),
    ...args.map(({name, required, multiple}) => {
      const word = `${italic(name.toUpperCase())}${multiple ? '...' : ''}`
      return required ? word : `[${word}]`
    }),
    ...flags.map((flag) => (flag.required ? spelled(flag) : `[${spelled(flag)}]`)),
    `[${italic('OPTION')}...]`,
    ...(command.behindDashes ? [behindDashes(command.behindDashes)] : []),
  ].join(' ')
}

/** In one piece: dashes at the end of a line would be easy to miss. */
function behindDashes({what, are}) {
  const parts = `${bold('--')}\\ ${italic(what)}`
  return are === 'a command' ? `${parts} [${italic('ARGUMENT')}...]` : `[${parts}...]`
}

/** `--flag=VALUE`, as it is typed. */
function spelled({name, type, allowNo, options, helpValue}) {
  if (type === 'boolean') return allowNo ? `${bold('--')}[${bold('no-')}]${bold(name)}` : bold(`--${name}`)
  const value = options ? options.map(bold).join('|') : italic(helpValue ?? 'VALUE')
  return `${bold(`--${name}`)}=${value}`
}

function flagTerm(flag) {
  return [`${flag.char ? `${bold(`-${flag.char}`)}, ` : ''}${spelled(flag)}`, escape(flagMeaning(flag))]
}

const argumentTerm = ({name, description}) => [italic(name.toUpperCase()), escape(sentence(description))]
const variableTerm = ({name, kind, meaning}) => [
  bold(name),
  escape(`${sentence(meaning)}${kind === 'secret' ? ' Holds a secret.' : ''}`),
]

/** What the help of a command says about a variable, possibly in the short form `CF_ACCESS_CLIENT_ID/_SECRET`. */
function mentions({description = '', flags, args}, name) {
  const own = [...Object.values(flags), ...Object.values(args)].map((one) => one.description ?? '')
  const said = [description, ...own]
    .join(' ')
    .replaceAll('CF_ACCESS_CLIENT_ID/_SECRET', 'CF_ACCESS_CLIENT_ID, CF_ACCESS_CLIENT_SECRET')
  return new RegExp(`\\b${name}\\b`).test(said)
}

/** Groups the entries without a description. */
function exampleLines(example, at) {
  if (typeof example === 'string') return verbatim([withoutTemplate(example)])
  return [
    ...(at > 0 ? ['.PP'] : []),
    line(escape(`${example.description}:`)),
    ...verbatim([withoutTemplate(example.command)]),
  ]
}

const nameOf = ({id}) => `zt-${id.replaceAll(':', '-')}`
const paragraphs = (all) => all.flatMap((text, at) => [...(at > 0 ? ['.PP'] : []), line(escape(text))])
const nameSection = (name, summary) => section('NAME', `${escape(name)} \\- ${escape(summary)}`)
const summaries = (commands) =>
  terms(commands.map((one) => [page(nameOf(one)), escape(sentence(one.summary))]))
const seeAlso = (names) => section('SEE ALSO', ...names.map(page).join(',\n').split('\n'))
const placeholders = (...names) => Object.fromEntries(names.map((name) => [name, italic(name)]))
