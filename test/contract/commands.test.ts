import {describe, expect, it} from 'vitest'
import {
  BEFOREHAND,
  OPERATIONS,
  operationOf,
  operationsOf,
  type Operation,
  type OperationName,
} from '../../src/lib/api/operations.js'
import {permissionsOf} from '../../src/lib/api/permissions.js'
import type {Exchange} from '../../src/lib/sandbox/api/server.js'
import {Contract} from '../support/contract.js'
import {commandIn, commandOf, manifest} from '../support/manifest.js'
import {SCENES} from '../support/command-lines.js'
import {CommandWorld} from './command-world.js'

const contract = await Contract.load()
if (!contract) {
  process.stderr.write('SKIPPED: ../shared/contract is absent, so no request is checked against it.\n')
}

/** What each command was seen to ask for. */
const seen = new Map<string, Set<OperationName>>()

const request = ({method, path: where}: Exchange): string => `${method} ${where}`

describe('what the commands ask the API for', () => {
  it.concurrent.each(Object.entries(SCENES))(
    'is listed for each and keeps the contract: %s',
    async (_name, lines) => {
      const world = await CommandWorld.open()
      try {
        for (const line of lines) {
          const id = commandIn(line.args)
          const exchanges = await world.run(line)
          const asked = seen.get(id) ?? new Set()
          seen.set(id, asked)
          const listed: readonly OperationName[] = [...BEFOREHAND, ...operationsOf(commandOf(id))]
          const unlisted = exchanges.filter(({method, path: where}) => {
            const name = operationOf(method, where)
            if (name !== undefined) asked.add(name)
            return name === undefined || !listed.includes(name)
          })
          const line_ = `zt ${line.args.join(' ')}`
          expect(unlisted.map(request), `${line_} asks for what its class does not list (asks)`).toEqual([])
          expect(
            exchanges.flatMap((one) => contract?.violations(one) ?? []),
            line_,
          ).toEqual([])
        }
      } finally {
        await world.end()
      }
    },
  )

  // The scenes above have run by now: the tests of a file run in order, and concurrent ones before those that follow.
  it.each(Object.keys(manifest.commands).sort())('is all that is listed for %s', (id) => {
    const asked = seen.get(id)
    expect(asked, `command-lines.ts has no line for it`).toBeDefined()
    const never = operationsOf(commandOf(id)).filter((name) => !asked?.has(name))
    expect(never, 'listed on the class (asks), and sent by no line of command-lines.ts').toEqual([])
  })

  it('includes what is asked beforehand', () => {
    const all = new Set([...seen.values()].flatMap((names) => [...names]))
    expect(BEFOREHAND.filter((name) => !all.has(name))).toEqual([])
  })
})

describe.skipIf(!contract)("the contract's operations", () => {
  const described = (Object.keys(OPERATIONS) as OperationName[]).filter(
    (name) => OPERATIONS[name].operationId !== undefined,
  )
  it.each(described)('have %s as it is listed', (name) => {
    const {method, path: template, operationId, zoneOperationId}: Operation = OPERATIONS[name]
    const operation = contract?.operation(method, template)
    expect(operation?.operationId).toBe(operationId)
    expect(permissionsOf(name).sort()).toEqual([...(operation?.permissions ?? [])].sort())
    const inZone = contract?.operation(
      method,
      template.replace('/accounts/{account_id}/', '/zones/{zone_id}/'),
    )
    if (!template.startsWith('/accounts/{account_id}/access')) return
    expect(inZone?.operationId).toBe(zoneOperationId)
    if (inZone) expect(inZone.permissions).toEqual(operation?.permissions)
  })
})
