// Writes docs/reference/api-operations.md.

export const cells = (...values) => `| ${values.join(' | ')} |`
export const head = (...titles) => [cells(...titles), cells(...titles.map(() => '---'))].join('\n')
const typed = (id) => `\`zt ${id.replaceAll(':', ' ')}\``
export const request = ({method, path}) => `\`${method} ${path}\``

/** `Access: Service Tokens Read or Write`. */
export function either([group, ...others]) {
  if (group === undefined) return 'none'
  return [group, ...others.map((other) => other.split(' ').at(-1))].join(' or ')
}

/**
 * @param {Record<string, object>} commands of oclif's manifest
 * @param {object} api what src/lib/api/operations.ts and permissions.ts export
 */
export function operationsPage(commands, {BEFOREHAND, OPERATIONS, operationsOf, neededBy, permissionsOf}) {
  const names = Object.keys(OPERATIONS)
  const row = (name, optional = false) => [
    request(OPERATIONS[name]),
    OPERATIONS[name].operationId === undefined ? '—' : `\`${OPERATIONS[name].operationId}\``,
    `${either(permissionsOf(name))}${optional ? ' (optional)' : ''}`,
  ]
  const all = Object.entries(commands)
  const rowsOf = ([id, command]) =>
    operationsOf(command).map((name) =>
      cells(typed(id), ...row(name, command.asks?.needs?.includes(name) !== true)),
    )
  const others = all.filter(([id, command]) => operationsOf(command).length === 0 && id !== 'login')
  const groups = [...new Set(names.flatMap(permissionsOf))].sort()
  const needing = (group) => all.filter(([, command]) => neededBy(command).includes(group))
  const used = new Set([...BEFOREHAND, ...all.flatMap(([, command]) => operationsOf(command))])
  const unused = names.filter((name) => !used.has(name))
  const inZone = names.map((name) => OPERATIONS[name]).filter(({zoneOperationId}) => zoneOperationId)
  return `# What each command asks the API for

The build writes this page from the \`asks\` of each command's class and from \`src/lib/api/operations.ts\`. Methods, paths, operation IDs and permission groups are Cloudflare's. \`npm run test:contract\` compares them with the API's published contract and runs the commands against the sandbox. It fails if a command sends a request that is not listed for it, or if no run sends a request that is listed.

## Permissions that an API token needs

With these a command can do all of its work. A Write group includes the Read group of its kind. \`zt whoami\` shows which groups an API token has.

${head('permission group', 'commands')}
${groups
  .map((group) =>
    cells(
      group,
      needing(group)
        .map(([id]) => typed(id))
        .join(', ') || 'none',
    ),
  )
  .join('\n')}

## Commands

A run does not send all requests of its command. "Optional": the command does its work without that permission. \`zt ssh\`, \`zt ssh check\`, \`zt curl\` and \`zt forward\` ask only to explain why Access refused a connection. For \`zt completion\`, the shells ask at TAB ([completion.md](../how-to/completion.md)). \`zt whoami\` probes each permission, and the objects that it deletes do not exist (\`src/lib/api/probe.ts\`).

${head('command', 'operation', 'operation ID', 'permission group')}
${all.flatMap(rowsOf).join('\n')}

All of these commands and \`zt login\` may also send the following requests, to find the account if none is named, and to check the API token after a 403.

${head('operation', 'operation ID', 'permission group')}
${BEFOREHAND.map((name) => cells(...row(name))).join('\n')}

These commands ask the API for nothing: ${others.map(([id]) => typed(id)).join(', ')}.

## In a zone

The same operations on the objects of a zone. The permission groups are the same.

${head('operation', 'operation ID')}
${inZone
  .map((one) =>
    cells(request(one).replace('accounts/{account_id}', 'zones/{zone_id}'), `\`${one.zoneOperationId}\``),
  )
  .join('\n')}
${
  unused.length === 0
    ? ''
    : `
## Used by no command

${head('operation', 'operation ID', 'permission group')}
${unused.map((name) => cells(...row(name))).join('\n')}
`
}`
}
