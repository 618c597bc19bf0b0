import {COMMANDS, OPERATIONS, operationOf, type Operation, type OperationName} from './operations.js'

/** The permission groups, any one of which allows an operation (Cloudflare's API reference); none: every good API token may. */
export function permissionsOf(name: OperationName): string[] {
  const {method, area}: Operation = OPERATIONS[name]
  if (area === undefined) return []
  return method === 'GET' ? [`Access: ${area} Read`, `Access: ${area} Write`] : [`Access: ${area} Write`]
}

/** The same for a request; empty where it is none of ours. */
export function permissionsFor(method: string, path: string): string[] {
  const name = operationOf(method, path)
  return name === undefined ? [] : permissionsOf(name)
}

/**
 * The commands that cannot do all they are for without a permission group, as they are typed: `token create`. What a
 * Read group allows, the Write group of its kind allows as well, so a command that writes is listed under Write alone
 * where it needs both.
 */
export function commandsThatNeed(group: string): string[] {
  return Object.keys(COMMANDS)
    .filter((id) => neededBy(id).includes(group))
    .map((id) => id.replaceAll(':', ' '))
}

/** The fewest permission groups with which a command can do everything; `id` as oclif has it: `token:create`. */
export function neededBy(id: string): string[] {
  const each = (COMMANDS[id]?.needs ?? []).map(permissionsOf)
  const write = new Set(each.filter(({length}) => length === 1).flat())
  const read = each.filter((groups) => groups.length > 1 && !groups.some((group) => write.has(group)))
  return [...new Set([...write, ...read.map(([group]) => group ?? '')])].sort()
}
