// Writes the pages of docs/reference that follow from the commands and their schemas: one for each topic, and the tables of
// exit codes, environment variables and settings.
import {commandsOf, flagMeaning, isGlobal, sentence, withoutTemplate} from './command-texts.mjs'
import {cells, either, head, request} from './operations-page.mjs'

/** The page of the commands that have no topic. */
const NO_TOPIC = 'general'
const typed = (id) => `zt ${id.replaceAll(':', ' ')}`
const schemaOf = (id) => `${id.replaceAll(':', '-')}.schema.json`
const anchorOf = (id) => typed(id).replaceAll(' ', '-')
/** A cell's text: of a table, `|` would end it; what looks like a tag is text. */
const cell = (text) => text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
const plain = (text) =>
  text.replaceAll(/`[^`]*`|[<>*_[\]]/g, (part) => (part.length > 1 ? part : `\\${part}`))

/**
 * @param {object} sources
 * @param {Record<string, object>} sources.commands of oclif's manifest
 * @param {Record<string, {description: string}>} sources.topics of package.json
 * @param {Record<string, object>} sources.schemas of docs/json, by file name
 * @param {{name: string, json: object, note?: string}[]} sources.helpTopics as `zt help` has them
 * @param {object} sources.api what src/lib/api/operations.ts and permissions.ts export
 * @param {{name: string, about: string, instead?: string}[]} sources.settings of a profile
 * @returns {Record<string, string>} the text of each page by its path in the project
 */
export function referencePages({commands, topics, schemas, helpTopics, api, settings}) {
  const shown = Object.values(commands).filter(({hidden}) => !hidden)
  const pages = Object.entries(topics).map(([name, {description}]) => ({
    name,
    title: `zt ${name}`,
    description,
    // A command that is also a topic comes first.
    commands: [...shown.filter(({id}) => id === name), ...commandsOf(name, shown)],
  }))
  const alone = shown.filter(({id}) => !id.includes(':') && !Object.hasOwn(topics, id))
  pages.push({
    name: NO_TOPIC,
    title: 'Commands without a topic',
    description: alone.map(({id}) => `\`${typed(id)}\``).join(', '),
    commands: alone,
  })
  const about = (name) => helpTopics.find((topic) => topic.name === name)
  const world = {api, schemas, note: about('exit-codes').note}
  return {
    ...Object.fromEntries(
      pages.map((page) => [`docs/reference/commands/${page.name}.md`, topicPage(page, world)]),
    ),
    'docs/reference/commands/index.md': indexPage(pages, shown[0]),
    'docs/reference/exit-codes.md': exitCodesPage(about('exit-codes')),
    'docs/reference/environment.md': environmentPage(about('environment').json.variables),
    'docs/reference/configuration.md': configurationPage(settings),
  }
}

function indexPage(pages, {flags}) {
  return `# Commands

Help says the same: \`zt help\`, \`zt token --help\`, \`zt token create --help\`.

${pages
  .map(
    ({name, title, description, commands}) => `## [${title}](${name}.md)

${name === NO_TOPIC ? '' : `${sentence(description)}\n\n`}${head('command', 'what it does')}
${commands.map(({id, summary}) => cells(`[\`${typed(id)}\`](${name}.md#${anchorOf(id)})`, cell(plain(sentence(summary))))).join('\n')}
`,
  )
  .join('\n')}
## Flags of every command

${flagTable(Object.values(flags).filter(isGlobal))}
`
}

function topicPage({title, description, commands}, world) {
  return `# ${title}

${plain(sentence(description))} Flags of every command are [on the first page](index.md#flags-of-every-command), exit codes [on their own](../exit-codes.md).

${commands.map((command) => section(command, world)).join('\n')}`
}

function section(command, {api, schemas, note}) {
  const {id, summary, description = '', examples = []} = command
  const args = Object.values(command.args)
  const own = Object.values(command.flags).filter((flag) => !flag.hidden && !isGlobal(flag))
  const parts = [
    `## \`${typed(id)}\``,
    plain(sentence(summary)),
    block('text', [usage(command, args, own)]),
    ...description
      .split(/\n{2,}/)
      .filter(Boolean)
      .map(plain),
    args.length > 0 && argumentTable(args),
    own.length > 0 && flagTable(own),
    command.behindDashes && plain(note),
    examples.length > 0 && exampleBlocks(examples),
    asks(command, api),
    results(id, schemas),
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

const block = (info, lines) => ['```' + info, ...lines, '```'].join('\n')

function usage({id, behindDashes}, args, flags) {
  const words = [
    ...args.map(({name, required, multiple}) => {
      const word = `${name.toUpperCase()}${multiple ? '...' : ''}`
      return required ? word : `[${word}]`
    }),
    ...flags.map((flag) => (flag.required ? spelled(flag) : `[${spelled(flag)}]`)),
    ...(behindDashes ? [dashes(behindDashes)] : []),
  ]
  // Wrapped, as a page has no room for a line of twenty flags.
  const lines = [typed(id)]
  for (const word of words) {
    if (lines.at(-1).length + word.length < 78) lines[lines.length - 1] += ` ${word}`
    else lines.push(`    ${word}`)
  }
  return lines.join('\n')
}

const dashes = ({what, are}) => (are === 'a command' ? `-- ${what} [ARGUMENT...]` : `[-- ${what}...]`)

function spelled({name, type, allowNo, options, helpValue}) {
  if (type === 'boolean') return allowNo ? `--[no-]${name}` : `--${name}`
  return `--${name}=${options ? options.join('|') : (helpValue ?? 'VALUE')}`
}

function argumentTable(args) {
  const rows = args.map(({name, description, options}) =>
    cells(
      `\`${name.toUpperCase()}\``,
      cell(plain(`${sentence(description)}${options ? ` One of ${options.join(', ')}.` : ''}`)),
    ),
  )
  return [head('argument', 'meaning'), ...rows].join('\n')
}

function flagTable(flags) {
  const rows = flags.map((flag) =>
    cells(
      cell(`${flag.char ? `\`-${flag.char}\`, ` : ''}\`${spelled(flag)}\``),
      cell(plain(flagMeaning(flag))),
    ),
  )
  return [head('flag', 'meaning'), ...rows].join('\n')
}

/** The manual's test reads them with the command's own parser. */
function exampleBlocks(examples) {
  const lines = examples.flatMap((example) =>
    typeof example === 'string'
      ? [withoutTemplate(example)]
      : [`# ${example.description}`, withoutTemplate(example.command)],
  )
  return block('sh not-run="a synopsis"', lines)
}

function asks(command, {OPERATIONS, operationsOf, permissionsOf}) {
  const names = operationsOf(command)
  if (names.length === 0) return undefined
  const needs = new Set(command.asks?.needs)
  const rows = names.map((name) =>
    cells(request(OPERATIONS[name]), `${either(permissionsOf(name))}${needs.has(name) ? '' : ' (optional)'}`),
  )
  return [head('asks the API for', 'permission group'), ...new Set(rows)].join('\n')
}

/** The fields of what --json prints. */
function results(id, schemas) {
  const name = schemaOf(id)
  const schema = schemas[name]
  if (schema === undefined) return undefined
  const variants = shapesOf(schema, schemas)
  const tables = variants.map((shape) => {
    const rows = fieldsOf(shape, schemas, '', 0).map(({field, type, description}) =>
      cells(`\`${field}\``, cell(type), cell(plain(description))),
    )
    const what = variants.length > 1 && shape.description ? `${plain(shape.description)}\n\n` : ''
    return rows.length === 0
      ? what.trim()
      : `${what}${[head('field', 'type', 'meaning'), ...rows].join('\n')}`
  })
  return [
    `With \`--json\` ([schema](../../json/${name})): ${plain(schema.description ?? schema.title)}`,
    ...tables,
  ]
    .filter(Boolean)
    .join('\n\n')
}

/** How far into a document its table goes; the schema has the rest, and error.schema.json what an error has. */
const DEEPEST = 3

function fieldsOf({properties = {}}, schemas, before, depth) {
  return Object.entries(properties).flatMap(([name, schema]) => {
    if (name === 'warnings' && depth === 0) return []
    const field = `${before}${name}`
    const shapes = shapesOf(schema, schemas)
    const items = shapes.flatMap((shape) => (shape.items ? shapesOf(shape.items, schemas) : []))
    const list = items.length > 0
    const inner = (list ? items : shapes).filter((shape) => shape.properties)
    const seen = new Set()
    const below =
      depth + 1 < DEEPEST && name !== 'error'
        ? inner
            .flatMap((shape) => fieldsOf(shape, schemas, `${field}${list ? '[]' : ''}.`, depth + 1))
            .filter(({field: one}) => !seen.has(one) && seen.add(one))
        : []
    const description = schema.description ?? shapes.map((shape) => shape.description).find(Boolean) ?? ''
    return [
      {field, type: [...new Set(shapes.map((shape) => typeOf(shape, schemas)))].join(' or '), description},
      ...below,
    ]
  })
}

function typeOf({type, enum: values, const: value, items}, schemas) {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``
  if (values) return values.map((one) => `\`${JSON.stringify(one)}\``).join(', ')
  if (items)
    return `list of ${[...new Set(shapesOf(items, schemas).map((shape) => typeOf(shape, schemas)))].join(' or ')}`
  return [type ?? 'anything'].flat().join(' or ')
}

/** The schemas of which a value may be one. */
function shapesOf(schema, schemas) {
  if (schema.$ref !== undefined) {
    const [file, pointer = ''] = schema.$ref.split('#')
    const found = pointer
      .split('/')
      .filter(Boolean)
      .reduce((at, key) => at?.[key], schemas[file])
    if (found === undefined) throw new Error(`no such definition: ${schema.$ref}`)
    return shapesOf(found, schemas).map((shape) => ({
      ...shape,
      ...(schema.description && {description: schema.description}),
    }))
  }
  const either = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]
  return either.length > 0 ? either.flatMap((one) => shapesOf(one, schemas)) : [schema]
}

function exitCodesPage({json: {exitCodes}, note}) {
  const rows = exitCodes.map(({code, name, meaning}) =>
    cells(String(code), `\`${name}\``, cell(plain(sentence(meaning)))),
  )
  return `# Exit codes

\`zt help exit-codes\` prints the same. The kind of an error determines the code.

${[head('code', 'kind', 'meaning'), ...rows].join('\n')}

${plain(note)}
`
}

const KINDS = {
  secret: 'Secrets',
  setting: 'Settings',
  network: 'Network',
  place: 'Directories and files',
  output: 'Output',
  node: 'Node',
  system: 'The system',
  internal: 'Set by zt for its own processes',
}

function environmentPage(variables) {
  const kinds = [...new Set(variables.map(({kind}) => kind))]
  const parts = kinds.map((kind) => {
    const rows = variables
      .filter((one) => one.kind === kind)
      .map(({name, meaning}) => cells(`\`${name}\``, cell(plain(sentence(meaning)))))
    return `## ${KINDS[kind]}\n\n${[head('variable', 'meaning'), ...rows].join('\n')}`
  })
  return `# Environment variables

\`zt help environment\` prints the same. A flag takes precedence over a variable, and a variable over the project and the profile.

${parts.join('\n\n')}
`
}

function configurationPage(settings) {
  const rows = settings.map(({name, about, instead}) =>
    cells(
      `\`${name}\``,
      cell(plain(sentence(about))),
      instead ? `\`${instead}\`` : `\`zt config set ${name} VALUE\``,
    ),
  )
  return `# Settings of a profile and of a project

\`zt config list\` shows the settings of the current profile, and where each of them comes from. They are in \`~/.config/zt/config.json\`, without secrets.

${[head('setting', 'meaning', 'set by'), ...rows].join('\n')}

A project may have a \`.zt.json\` in its directory or above it:

${block('json', ['{', '  "profile": "work",', '  "account": "2f5a7c10b3d94e6f8a1c0d2e3f405162",', '  "forwards": [{"host": "db.example.com", "port": 5432}, {"host": "grafana.example.com", "port": 8080, "http": true}]', '}'])}

| key | meaning |
| --- | --- |
| \`profile\` | The profile to use. |
| \`account\` | ID of the Cloudflare account. |
| \`forwards\` | The hosts that \`zt forward\` without a host opens, each with its local port; \`http\`: as with \`--http\`. |

Anything else is an error: a cloned repository must not decide where a secret is sent.
`
}
