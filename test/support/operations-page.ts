import {
  BEFOREHAND,
  COMMANDS,
  OPERATIONS,
  operationsOf,
  type Operation,
  type OperationName,
} from '../../src/lib/api/operations.js'
import {commandsThatNeed, permissionsOf} from '../../src/lib/api/permissions.js'

const cells = (...values: string[]): string => `| ${values.join(' | ')} |`
const head = (...titles: string[]): string[] => [cells(...titles), cells(...titles.map(() => '---'))]
const typed = (command: string): string => `\`zt ${command.replaceAll(':', ' ')}\``
const request = ({method, path}: Operation): string => `\`${method} ${path}\``
const names = Object.keys(OPERATIONS) as OperationName[]

/** `Access: Service Tokens Read or Write`. */
function either([group, ...others]: readonly string[]): string {
  if (group === undefined) return 'none'
  return [group, ...others.map((other) => other.split(' ').at(-1) ?? '')].join(' or ')
}

function row(name: OperationName, tried = false): string[] {
  const operation: Operation = OPERATIONS[name]
  return [
    request(operation),
    `\`${operation.operationId}\``,
    `${either(permissionsOf(name))}${tried ? ', if there' : ''}`,
  ]
}

/** A row for each operation that a command asks for. */
function rowsOf(id: string): string[] {
  const tried = new Set(COMMANDS[id]?.tries)
  return operationsOf(id).map((name) => cells(typed(id), ...row(name, tried.has(name))))
}

/** docs/api-operations.md, as src/lib/api/operations.ts has it. */
export function operationsPage(): string {
  const ids = Object.keys(COMMANDS)
  const asking = ids.filter((id) => operationsOf(id).length > 0)
  const others = ids.filter((id) => operationsOf(id).length === 0 && id !== 'login')
  const groups = [...new Set(names.flatMap(permissionsOf))].sort()
  const used = new Set([...BEFOREHAND, ...ids.flatMap(operationsOf)])
  const unused = names.filter((name) => !used.has(name))
  const inZone = names
    .map((name): Operation => OPERATIONS[name])
    .filter(({zoneOperationId}) => zoneOperationId !== undefined)
  return `# What each command asks the API for

Made from \`src/lib/api/operations.ts\`: \`npx vitest run test/api/operations.test.ts -u\` writes it again. Methods, paths, operation ids and permission groups are Cloudflare's. \`npm run test:contract\` compares them with the API's contract, runs the commands against the sandbox, and fails where one sends what is not listed for it, or where no run ever sends what is.

## Which permissions an API token needs

With these it can do everything that the command is for. A Write group allows what the Read group of its kind allows. \`zt whoami\` shows which of them an API token has.

${head('permission group', 'commands').join('\n')}
${groups.map((group) => cells(group, commandsThatNeed(group).map(typed).join(', ') || 'none')).join('\n')}

## Commands

Not every run sends all of a command's requests. "If there": the command does its job without that permission, too. \`zt ssh\` and its like look up why Access refused them, as far as they may; the shells that \`zt completion\` has a script for ask for names at TAB (completion.md); \`zt whoami\` asks for each permission, and the objects that it deletes do not exist (\`src/lib/api/probe.ts\`).

${head('command', 'operation', 'operation id', 'permission group').join('\n')}
${asking.flatMap(rowsOf).join('\n')}

Every one of them, and \`zt login\`, may also send these: to find the account where none was named, and to tell after a 403 whether the API token is good.

${head('operation', 'operation id', 'permission group').join('\n')}
${BEFOREHAND.map((name) => cells(...row(name))).join('\n')}

The rest ask the API for nothing: ${others.map(typed).join(', ')}.

## In a zone

The same operations on a zone's own objects; the permission groups are the same.

${head('operation', 'operation id').join('\n')}
${inZone
  .map((one) =>
    cells(
      request(one).replace('accounts/{account_id}', 'zones/{zone_id}'),
      `\`${one.zoneOperationId ?? ''}\``,
    ),
  )
  .join('\n')}
${
  unused.length === 0
    ? ''
    : `
## Asked for by no command yet

${head('operation', 'operation id', 'permission group').join('\n')}
${unused.map((name) => cells(...row(name))).join('\n')}
`
}`
}
